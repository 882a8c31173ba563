"""The drone's configuration: drone.json, and the files that are placed by ``PITRIX_ROOT``."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pitrix_drone.functions import DIALECTS

PROTOCOL: Final = 1
_REQUIRED: Final = ("cluster_id", "node_id", "role", "user", "password")
_KNOWN: Final = frozenset((*_REQUIRED, "protocol", "endpoints", "prefix", "dialect"))


class ConfigError(Exception):
    """The configuration cannot be used."""


class Config(NamedTuple):
    """Who this drone is and where its Frontgate's etcd answers."""

    cluster_id: str
    node_id: str
    role: str
    endpoints: tuple[str, ...]
    user: str
    password: str
    prefix: str = "/self"
    dialect: str = "confd"


class Layout(NamedTuple):
    """Where the drone's files are.

    :param root: put before every absolute path; empty on a machine of its own.
    """

    root: str

    def at(self, path: str) -> pathlib.Path:
        """Return where an absolute path of the machine is."""
        return pathlib.Path(self.root + path)

    @property
    def config_file(self) -> pathlib.Path:
        """The configuration, unless it is named on the command line."""
        return self.at("/etc/pitrix/drone.json")

    @property
    def state(self) -> pathlib.Path:
        """The folder for what must survive a restart."""
        return self.at("/var/lib/pitrix/drone")

    @property
    def confd(self) -> pathlib.Path:
        """The folder with the image's resources and templates."""
        return self.at("/etc/confd")


def layout(environment: Mapping[str, str]) -> Layout:
    """Return where files are for a process with this environment."""
    return Layout(root=environment.get("PITRIX_ROOT", "").rstrip("/"))


def read_config(path: pathlib.Path) -> Config:
    """Read drone.json.

    :raises ConfigError: the file cannot be read, or a member is missing or not what it should be.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as ex:
        raise ConfigError(f"{path}: cannot be read: {ex}") from ex
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: not a JSON object")
    problems = list(_problems(data))
    if problems:
        raise ConfigError(f"{path}: " + "; ".join(problems))
    return Config(
        endpoints=tuple(data["endpoints"]),
        prefix=data.get("prefix", "/self"),
        dialect=data.get("dialect", "confd"),
        **{name: data[name] for name in _REQUIRED},
    )


def _problems(data: dict[str, Any]) -> list[str]:
    found = [f"/{name}: not a member of drone.json" for name in sorted(set(data) - _KNOWN)]
    if data.get("protocol") != PROTOCOL:
        found.append(f"/protocol: this drone speaks protocol {PROTOCOL}")
    found += [
        f"/{name}: text without slashes is needed"
        for name in _REQUIRED
        if not _is_name(name, data.get(name))
    ]
    endpoints = data.get("endpoints")
    if not isinstance(endpoints, list) or not endpoints or not all(map(_is_url, endpoints)):
        found.append("/endpoints: a list of URLs such as http://HOST:PORT is needed")
    if not str(data.get("prefix", "/self")).startswith("/"):
        found.append("/prefix: begins with a slash")
    if data.get("dialect", "confd") not in DIALECTS:
        found.append(f"/dialect: choose one of {', '.join(DIALECTS)}")
    return found


def _is_name(member: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if member == "password":
        return bool(value)
    return "/" not in value and (bool(value) or member == "role")


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
