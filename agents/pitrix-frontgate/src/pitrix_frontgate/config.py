"""Where a Frontgate's files are, what its configuration says, and its address."""

import ipaddress
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pitrix_frontgate import shapes
from pitrix_frontgate.errors import ConfigError

#: Never answers, never routed; connecting a datagram socket to it sends nothing.
#: Source: https://www.rfc-editor.org/rfc/rfc5737 (TEST-NET-1)
_ANYWHERE: Final = ("192.0.2.1", 9)

_LOOPBACK: Final = "127.0.0.1"

#: The first version of the protocol with tokens, TLS, and drones that enrol and supervise.
SECURED: Final = 2

_COMMON: Final[Mapping[str, shapes.Check]] = {
    "protocol": shapes.whole(1),
    "frontgate_id": shapes.is_identifier,
    "pilot_urls": shapes.list_of(shapes.url(r"(ws|wss|http|https)://[^?#\s]+"), least=1),
    "throw_away": shapes.maybe(shapes.is_bool),
}

#: By the version of the protocol that the file is of.
_SHAPES: Final[Mapping[int, Mapping[str, shapes.Check]]] = {
    1: {**_COMMON, "token": shapes.text(4096, least=1)},
    2: {
        **_COMMON,
        "enrolment": shapes.matches(r"[A-Za-z0-9_-]{32,128}", most=128),
        "pilot_ca": shapes.maybe(shapes.certificates(65_536)),
        "proxy": shapes.maybe(shapes.url(r"http://[^/?#\s]+/?")),
        "image_mirror": shapes.maybe(shapes.url(r"https?://[^?#\s]+")),
        "agents_url": shapes.maybe(shapes.url(r"https?://[^?#\s]+")),
        "agents_ca": shapes.maybe(shapes.certificates(65_536)),
        "member": shapes.maybe(shapes.whole(1, 9)),
        "join_urls": shapes.maybe(shapes.list_of(shapes.url(r"https://[^/?#\s]+/?"), least=1)),
        "join_ca": shapes.maybe(shapes.certificates(65_536)),
    },
}


@dataclass(frozen=True)
class FrontgateConfig:
    """What ``frontgate.json`` says.

    :param secret: the enrolment; in a file of protocol 1 the token.
    :param throw_away: the data may be lost at any time, so that any etcd will do.
    :param protocol: the version that the file is of, and that is spoken with the Pilot.
    :param pilot_ca: certificates, PEM, of the only authorities that are trusted; empty: the
        machine's are.
    :param image_mirror: URL of what this network's own mirror of images mirrors; empty: Docker's
        registry.
    :param agents_url: where the installation hands out agents; empty: nodes get none here.
    :param agents_ca: certificates, PEM, of the only authorities that are trusted there; empty: the
        machine's are.
    :param member: which of several machines this one is, all of which are the Frontgate; None: it
        is the only one.
    :param join_urls: where others of them let this one in; empty: it is the first.
    :param join_ca: certificate, PEM, of the Frontgate's own authority, by which they are known.
    :param proxy: URL of the proxy that leads out; empty: what the environment says.
    """

    frontgate_id: str
    secret: str = field(repr=False)
    pilot_urls: tuple[str, ...]
    throw_away: bool = False
    protocol: int = 2
    pilot_ca: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)
    image_mirror: str = ""
    agents_url: str = ""
    agents_ca: str = field(default="", repr=False)
    member: int | None = None
    join_urls: tuple[str, ...] = ()
    join_ca: str = field(default="", repr=False)

    @property
    def is_secured(self) -> bool:
        """Whether it has signed tokens, and its drones TLS."""
        return self.protocol >= SECURED


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
    def identity(self) -> Path:
        """The certificate for drones, and its key: etcd and the enrolment read it."""
        return self.state / "identity.pem"

    @property
    def authority(self) -> Path:
        """The certificate of the Frontgate's own authority: other members are known by it."""
        return self.state / "authority.pem"

    @property
    def initial_cluster(self) -> Path:
        """The members there were when this one was let in; not there before."""
        return self.state / "initial-cluster"

    @property
    def certificate(self) -> Path:
        """What is known of the certificate."""
        return self.state / "certificate.json"

    @property
    def plain(self) -> Path:
        """There as long as drones of version 1 are to be let in."""
        return self.state / "plain-http"

    @property
    def token(self) -> Path:
        """What the Pilot gave to be shown at the next connection."""
        return self.state / "token.json"

    @property
    def mirror(self) -> Path:
        """The folder of the mirror of images."""
        return self.state / "mirror"

    @property
    def archives(self) -> Path:
        """The folder of agents' archives."""
        return self.state / "agents"

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
    protocol = data.get("protocol")
    shape = _SHAPES.get(protocol) if type(protocol) is int else None
    if shape is None:
        known = " and ".join(map(str, _SHAPES))
        raise ConfigError(f"{place}: /protocol: this Frontgate speaks {known}; update it")
    findings = shapes.closed_findings(data, shape)
    if "join_urls" in data:
        findings += [f"/{name}: missing" for name in ("member", "join_ca") if name not in data]
    if findings:
        raise ConfigError(f"{place}: {'; '.join(findings)}; see frontgate-config.schema.json")
    lists = {name: tuple(data.get(name, ())) for name in ("pilot_urls", "join_urls")}
    members = {**data, **lists}
    secret = members.pop("enrolment" if "enrolment" in shape else "token")
    return FrontgateConfig(**members, secret=secret)


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
