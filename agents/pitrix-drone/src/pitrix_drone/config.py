"""The drone's configuration: drone.json, and the files that are placed by ``PITRIX_ROOT``."""

from __future__ import annotations

import json
import pathlib
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pitrix_drone.functions import DIALECTS

_COMMON: Final = ("protocol", "cluster_id", "node_id", "role", "endpoints")
_OPTIONAL: Final = ("prefix", "dialect")
#: Members that only one version of the protocol has.
_OF_VERSION: Final = {1: ("user", "password"), 2: ("ca", "enrol_url", "enrolment")}
_NAMES: Final = ("cluster_id", "node_id", "role", "user")


class ConfigError(Exception):
    """The configuration cannot be used."""


class Config(NamedTuple):
    """Who this drone is and where its Frontgate's etcd answers.

    Version 1 of the protocol has a password; version 2 an authority, and a one-time token for a
    password of its own.
    """

    protocol: int
    cluster_id: str
    node_id: str
    role: str
    endpoints: tuple[str, ...]
    prefix: str = "/self"
    dialect: str = "confd"
    user: str = ""
    password: str = ""
    #: Certificates, PEM, of the only authorities that are trusted.
    ca: str = ""
    #: Where the token is exchanged.
    enrol_url: str = ""
    enrolment: str = ""


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
    def login(self) -> pathlib.Path:
        """What this node logs in with since it enrolled."""
        return self.state / "login.json"

    @property
    def gates(self) -> pathlib.Path:
        """Where the Frontgate is, as was learned since the machine was made."""
        return self.state / "gates.json"

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
    return Config(**{**data, "endpoints": tuple(data["endpoints"])})


def _problems(data: dict[str, Any]) -> list[str]:
    of_version = _OF_VERSION.get(_protocol(data))
    if of_version is None:
        known = " and ".join(map(str, _OF_VERSION))
        return [f"/protocol: this drone speaks {known}; update it", *_wrong(data, _COMMON)]
    required = (*_COMMON, *of_version)
    extra = sorted(set(data).difference(required, _OPTIONAL))
    return [*(f"/{name}: not a member of drone.json" for name in extra), *_wrong(data, required)]


def _protocol(data: dict[str, Any]) -> int:
    protocol = data.get("protocol")
    return protocol if type(protocol) is int else 0


def _wrong(data: dict[str, Any], required: tuple[str, ...]) -> list[str]:
    """Say what is needed instead of what is missing or wrong."""
    needs_tls = "ca" in required
    found = [
        f"/{name}: text without slashes is needed"
        for name in required
        if name in _NAMES and not _is_name(name, data.get(name))
    ]
    endpoints = data.get("endpoints")
    if not isinstance(endpoints, list) or not endpoints or not all(map(_is_url, endpoints)):
        found.append("/endpoints: a list of URLs such as https://HOST:PORT is needed")
    elif needs_tls and not all(map(is_tls_url, endpoints)):
        found.append("/endpoints: https:// is needed; nothing is sent without TLS")
    if "password" in required and not _is_text(data.get("password")):
        found.append("/password: text is needed")
    if needs_tls:
        found += _wrong_of_enrolment(data)
    if not str(data.get("prefix", "/self")).startswith("/"):
        found.append("/prefix: begins with a slash")
    if data.get("dialect", "confd") not in DIALECTS:
        found.append(f"/dialect: choose one of {', '.join(DIALECTS)}")
    return found


def _wrong_of_enrolment(data: dict[str, Any]) -> list[str]:
    found = []
    if "-----BEGIN CERTIFICATE-----" not in str(data.get("ca")):
        found.append("/ca: the certificate of the Frontgate's authority is needed, as PEM")
    if not is_tls_url(data.get("enrol_url")):
        found.append("/enrol_url: a URL such as https://HOST:PORT is needed")
    token = data.get("enrolment")
    if not isinstance(token, str) or not re.fullmatch(r"[A-Za-z0-9_-]{32,128}", token):
        found.append("/enrolment: a token of 32 to 128 letters, digits, - and _ is needed")
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_name(member: str, value: Any) -> bool:
    return isinstance(value, str) and "/" not in value and (bool(value) or member == "role")


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and _scheme(value) in ("http", "https")


def is_tls_url(value: Any) -> bool:
    """Tell whether it is the URL of something that is spoken to with TLS."""
    return isinstance(value, str) and _scheme(value) == "https"


def _scheme(url: str) -> str:
    """Return how a URL's host is spoken to; empty where it leads nowhere."""
    try:
        parts = urllib.parse.urlsplit(url)
        leads_somewhere = parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return parts.scheme if leads_somewhere else ""
