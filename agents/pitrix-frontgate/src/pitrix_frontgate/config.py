"""Where a Frontgate's files are, what its configuration says, and its address."""

import ipaddress
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pitrix_frontgate import shapes
from pitrix_frontgate.errors import ConfigError
from pitrix_frontgate.frames import PROTOCOL

#: Never answers, never routed; connecting a datagram socket to it sends nothing.
#: Source: https://www.rfc-editor.org/rfc/rfc5737 (TEST-NET-1)
_ANYWHERE: Final = ("192.0.2.1", 9)

_LOOPBACK: Final = "127.0.0.1"

_SHAPE: Final[Mapping[str, shapes.Check]] = {
    "protocol": lambda value: value == PROTOCOL and type(value) is int,
    "frontgate_id": shapes.is_identifier,
    "token": shapes.text(4096, least=1),
    "pilot_urls": shapes.list_of(
        shapes.matches(r"(ws|wss|http|https)://[^?#\s]+", most=2048), least=1
    ),
    "throw_away": shapes.is_bool,
}


@dataclass(frozen=True)
class FrontgateConfig:
    """What ``frontgate.json`` says.

    :param throw_away: the data may be lost at any time, so that any etcd will do.
    """

    frontgate_id: str
    token: str = field(repr=False)
    pilot_urls: tuple[str, ...]
    throw_away: bool


@dataclass(frozen=True)
class Places:
    """Files and folders of a Frontgate, below *root* (``/`` on a machine of its own)."""

    root: Path

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.root / "etc/pitrix/frontgate.json"

    @property
    def state(self) -> Path:
        """The folder that outlives the process."""
        return self.root / "var/lib/pitrix/frontgate"

    @property
    def etcd_data(self) -> Path:
        """etcd's own folder."""
        return self.state / "etcd"

    @property
    def root_password(self) -> Path:
        """The password of etcd's user root."""
        return self.state / "root-password"

    @property
    def lock(self) -> Path:
        """Held by the one Frontgate that runs."""
        return self.state / "lock"

    @property
    def running(self) -> Path:
        """What the running Frontgate says about itself."""
        return self.state / "running.json"


def places(environment: Mapping[str, str]) -> Places:
    """Find the files, below ``PITRIX_ROOT`` when that is set."""
    return Places(Path(environment.get("PITRIX_ROOT") or "/"))


def load(path: Path) -> FrontgateConfig:
    """Read the configuration.

    :raises ConfigError: it is missing, or not what the protocol allows.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as ex:
        raise ConfigError(f"{path}: {ex.strerror}; write it, or name another with --config") from ex
    except ValueError as ex:
        raise ConfigError(f"{path}: not JSON: {ex}") from ex
    return parse(data, place=str(path))


def parse(data: Any, *, place: str) -> FrontgateConfig:
    """Check the configuration's content.

    :param place: what messages begin with.
    :raises ConfigError: it is not what the protocol allows.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{place}: not an object; see frontgate-config.schema.json")
    data = {"throw_away": False, **data}
    findings = shapes.closed_findings(data, _SHAPE)
    if findings:
        raise ConfigError(f"{place}: {'; '.join(findings)}; see frontgate-config.schema.json")
    return FrontgateConfig(
        frontgate_id=data["frontgate_id"],
        token=data["token"],
        pilot_urls=tuple(data["pilot_urls"]),
        throw_away=data["throw_away"],
    )


def own_address(environment: Mapping[str, str]) -> str:
    """Find the address to listen at.

    :returns: ``PITRIX_ADDRESS``, else the default route's address, else loopback.
    """
    named = environment.get("PITRIX_ADDRESS")
    if named:
        return named
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ANYWHERE)
        except OSError:
            return _LOOPBACK
        return str(probe.getsockname()[0])


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address is this machine's alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, wholly or not at all."""
    staged = path.with_name(f"{path.name}.new")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    staged.replace(path)
