"""What an operator can set, and where it is kept.

A setting is taken from the command line, else from the environment (``PITRIX_`` and its name in
capitals), else from its default.
"""

import ipaddress
import os
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from pitrix_core.errors import InvalidInputError
from pitrix_core.model.lifecycle import ReviewPolicy, phases_in

_PREFIX: Final = "PITRIX_"
_FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}
_LEVELS: Final = ("debug", "info", "warning", "error")
_HIGHEST_PORT: Final = 65535
_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where one user's installation is kept: ``$XDG_DATA_HOME/pitrix``."""
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "pitrix"


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in _FLAGS:
        raise ValueError("it is neither yes nor no")
    return _FLAGS[str(value).lower()]


def _lower(value: str) -> str:
    return value.lower()


def _number(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError("it is not a whole number") from None


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("it is not a number of seconds") from None


def _is_port(_config: object, _field: object, value: int) -> None:
    if not 0 <= value <= _HIGHEST_PORT:
        raise ValueError(f"ports are 0 to {_HIGHEST_PORT}")


def _is_positive(_config: object, _field: object, value: float) -> None:
    if not 0 < value < threading.TIMEOUT_MAX:
        raise ValueError("it has to be more than 0 seconds, and not for ever")


def _is_level(_config: object, _field: object, value: str) -> None:
    if value not in _LEVELS:
        raise ValueError("levels are " + ", ".join(_LEVELS))


def _is_phases(_config: object, _field: object, value: str) -> None:
    phases_in(value)


def _are_networks(_config: object, _field: object, value: str) -> None:
    for word in value.split(","):
        if word.strip() not in ("", "all"):
            ipaddress.ip_network(word.strip())  # whose errors are words for people


def _begins_with(*beginnings: str) -> Callable[[object, object, str], None]:
    def check(_config: object, _field: object, value: str) -> None:
        if value and not value.startswith(beginnings):
            raise ValueError("it has to begin with " + " or ".join(beginnings))

    return check


def _each_begins_with(*beginnings: str) -> Callable[[object, object, str], None]:
    check = _begins_with(*beginnings)

    def check_each(config: object, field: object, value: str) -> None:
        for part in value.split(","):
            check(config, field, part.strip())

    return check_each


@attrs.frozen(kw_only=True)
class Config:
    """Settings of one installation's processes on this machine."""

    #: Folder for the database, keys, agents' archives and providers' state.
    data_dir: Path = attrs.field(factory=default_data_dir, converter=Path)
    #: ``postgresql://USER@HOST/DATABASE``, or ``sqlite:///PATH``; empty for SQLite in the data
    #: folder.
    database: str = attrs.field(
        default="", repr=False, validator=_begins_with("sqlite:///", "postgresql://", "postgresql+")
    )
    api_host: str = "127.0.0.1"
    #: 0 for a free one.
    api_port: int = attrs.field(default=9100, converter=_number, validator=_is_port)
    pilot_host: str = "127.0.0.1"
    #: 0 for a free one.
    pilot_port: int = attrs.field(default=9114, converter=_number, validator=_is_port)
    #: Where machines and users reach the API; empty for its host and port.
    public_url: str = attrs.field(default="", validator=_begins_with("http://", "https://"))
    #: File with the certificates (PEM) that machines check the API's with; empty for those that
    #: their images trust.
    public_ca: str = ""
    #: Where Frontgates reach the Pilots, separated by commas; empty for this one's host and port.
    pilot_url: str = attrs.field(default="", validator=_each_begins_with("ws://", "wss://"))
    #: PEM files with the Pilot's certificate, its chain after it, and its key; empty for no TLS.
    pilot_tls_cert: str = ""
    pilot_tls_key: str = ""
    #: PEM file with the only authorities that Frontgates trust for the Pilot; empty for those of
    #: their machines.
    pilot_ca: str = ""
    #: Providers that run programs on this very machine may be used.
    allow_local: bool = attrs.field(default=False, converter=_flag)
    #: Networks (CIDR) that repos and icons may be in beside public ones, separated by commas;
    #: ``all`` for private ones but those where clouds tell machines about themselves.
    private_repos: str = attrs.field(default="", validator=_are_networks)
    #: JSON file that describes whom people can sign in with (OpenID Connect); empty for nobody.
    issuers: str = ""
    #: Names of enabled plugins, separated by commas; empty for all that are installed.
    enabled_plugins: str = ""
    #: What keeps the keys that secrets depend on: ``file``, or the name of a plugin.
    key_provider: str = "file"
    #: What the plugin is told, as a JSON object; empty for nothing.
    key_settings: str = attrs.field(default="", repr=False)
    #: Seconds between one look at a repo's index and the next, unless the repo says otherwise.
    index_interval_s: float = attrs.field(default=600.0, converter=_seconds, validator=_is_positive)
    #: What versions are reviewed for before they may be released, separated by commas: ``isv``,
    #: ``business``, ``technical``; empty for no review.
    review_phases: str = attrs.field(default="", validator=_is_phases)
    #: Whether people may review what is theirs, and several phases of one version.
    review_own: bool = attrs.field(default=False, converter=_flag)
    #: Seconds a job may be at work that was given no deadline of its own; none for no limit.
    job_deadline_s: float | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_seconds),
        validator=attrs.validators.optional(_is_positive),
    )
    #: Seconds between looks whether runtimes' accounts and the database agree.
    orphans_interval_s: float = attrs.field(
        default=6 * _HOUR_S, converter=_seconds, validator=_is_positive
    )
    #: Seconds for which messages are kept that nobody waits for any more.
    keep_messages_s: float = attrs.field(default=_DAY_S, converter=_seconds, validator=_is_positive)
    #: Seconds in which a request that is sent again with its Idempotency-Key is answered as before.
    keep_answers_s: float = attrs.field(default=_DAY_S, converter=_seconds, validator=_is_positive)
    #: Seconds for which events are kept.
    keep_events_s: float = attrs.field(
        default=90 * _DAY_S, converter=_seconds, validator=_is_positive
    )
    #: Seconds for which the arguments and results of finished jobs' tasks are kept.
    keep_jobs_s: float = attrs.field(
        default=90 * _DAY_S, converter=_seconds, validator=_is_positive
    )
    #: ``debug``, ``info``, ``warning`` or ``error``.
    log_level: str = attrs.field(default="info", converter=_lower, validator=_is_level)

    @classmethod
    def load(
        cls,
        data_dir: Path | None = None,
        *,
        environ: Mapping[str, str] = os.environ,
        **overrides: Any,
    ) -> "Config":
        """Read the settings.

        :param data_dir: as given on the command line.
        :param overrides: what else was given there; None for what was not.
        :raises InvalidInputError: a setting is not of its kind.
        """
        values: dict[str, Any] = {"data_dir": default_data_dir(environ)}
        for field in attrs.fields(cls):
            if environ.get(_variable(field.name)):
                values[field.name] = environ[_variable(field.name)]
        values |= {name: value for name, value in overrides.items() if value is not None}
        if data_dir is not None:
            values["data_dir"] = data_dir
        for name, value in values.items():
            _require_sound(name, value)
        return cls(**values)

    @property
    def database_url(self) -> str:
        """The database's URL."""
        return self.database or f"sqlite:///{self.data_dir / 'pitrix.db'}"

    @property
    def enabled(self) -> frozenset[str] | None:
        """Names of enabled plugins; None for all."""
        names = frozenset(name.strip() for name in self.enabled_plugins.split(",") if name.strip())
        return names or None

    @property
    def review_policy(self) -> ReviewPolicy:
        """What is asked of versions before they may be released."""
        return ReviewPolicy(phases=phases_in(self.review_phases), allows_own=self.review_own)

    @property
    def api_url(self) -> str:
        """Where the API is reached."""
        return self.public_url or f"http://{self.api_host}:{self.api_port}"

    def public_authority(self) -> str:
        """Read the certificates that machines check the API's with; empty for their images' own.

        :raises InvalidInputError: the file cannot be read, or holds none.
        """
        return _authority("public_ca", self.public_ca)

    def pilot_authority(self) -> str:
        """Read the certificates that Frontgates check the Pilot's with; empty for their images'
        own.

        :raises InvalidInputError: the file cannot be read, or holds none.
        """
        return _authority("pilot_ca", self.pilot_ca)

    def pilot_tls(self) -> ssl.SSLContext | None:
        """Return what the Pilot serves TLS with; None where it serves none.

        :raises InvalidInputError: certificate and key cannot be read, or do not belong together.
        """
        if not self.pilot_tls_cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.pilot_tls_cert, self.pilot_tls_key or None)
        except (OSError, ValueError) as ex:  # SSLError is an OSError
            raise InvalidInputError(
                f"The Pilot cannot serve TLS with {self.pilot_tls_cert}: {ex}",
                pointer="/pilot_tls_cert",
                next_step="Name PEM files: the certificate with its chain, and its key.",
            ) from ex
        return context

    @property
    def frontgate_urls(self) -> tuple[str, ...]:
        """Where Frontgates reach the Pilots."""
        named = tuple(url.strip() for url in self.pilot_url.split(",") if url.strip())
        scheme = "wss" if self.pilot_tls_cert else "ws"
        return named or (f"{scheme}://{self.pilot_host}:{self.pilot_port}",)

    @property
    def url_file(self) -> Path:
        """Where the running API's URL is written, for commands on this machine."""
        return self.data_dir / "url"

    @property
    def token_file(self) -> Path:
        """Where the first admin token is written (mode 0600)."""
        return self.data_dir / "token"

    @property
    def key_file(self) -> Path:
        """Where the key is that secrets are encrypted with (mode 0600)."""
        return self.data_dir / "key"


def _authority(name: str, path: str) -> str:
    """Read a setting's file of certificates, as PEM."""
    if not path:
        return ""
    try:
        text = Path(path).read_text("ascii")
        # NOTE(ssl): of an empty text it takes the machine's own
        ssl.create_default_context(cadata=text or "empty")
    except (OSError, ValueError) as ex:  # SSLError is an OSError
        raise InvalidInputError(
            f"The setting {name} names a file without certificates: {path}: {ex}",
            pointer=f"/{name}",
            next_step=f"Name a PEM file in {_variable(name)}.",
        ) from ex
    return text


def _variable(name: str) -> str:
    return _PREFIX + ("DATA" if name == "data_dir" else name.upper())


def _require_sound(name: str, value: Any) -> None:
    """Try one setting alone, so that the error can name it; its value may hold a password."""
    try:
        Config(**{name: value})
    except ValueError as ex:
        raise InvalidInputError(
            f"The setting {name} is not of its kind: {ex}.",
            pointer=f"/{name}",
            next_step=f"Set it on the command line or as {_variable(name)}.",
        ) from None
