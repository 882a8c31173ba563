"""What an operator can set, and where it is kept.

A setting is taken from the command line, else from the environment (``PITRIX_`` and its name in
capitals), else from its default.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from pitrix_core.errors import InvalidInputError

_PREFIX: Final = "PITRIX_"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where one user's installation is kept: ``$XDG_DATA_HOME/pitrix``."""
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "pitrix"


def _is_true(value: object) -> bool:
    return value if isinstance(value, bool) else str(value).lower() in _TRUE


@attrs.frozen(kw_only=True)
class Config:
    """Settings of one installation's processes on this machine."""

    #: Folder for the database, keys, agents' archives and providers' state.
    data_dir: Path = attrs.field(factory=default_data_dir, converter=Path)
    #: SQLAlchemy URL; empty for SQLite in the data folder.
    database_url: str = ""
    api_host: str = "127.0.0.1"
    #: 0 for a free one.
    api_port: int = attrs.field(default=9100, converter=int)
    pilot_host: str = "127.0.0.1"
    #: 0 for a free one.
    pilot_port: int = attrs.field(default=9114, converter=int)
    #: Where machines and users reach the API; empty for its host and port.
    public_url: str = ""
    #: Where Frontgates reach the Pilot; empty for its host and port.
    pilot_url: str = ""
    #: Providers that run programs on this very machine may be used.
    allow_local: bool = attrs.field(default=False, converter=_is_true)
    #: Names of enabled plugins, separated by commas; empty for all that are installed.
    enabled_plugins: str = ""
    #: Seconds between looks at the repos' indexes.
    index_interval_s: float = attrs.field(default=300.0, converter=float)
    log_level: str = "info"

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
        values: dict[str, Any] = {}
        for field in attrs.fields(cls):
            variable = _PREFIX + ("DATA" if field.name == "data_dir" else field.name.upper())
            if environ.get(variable):
                values[field.name] = environ[variable]
        values |= {name: value for name, value in overrides.items() if value is not None}
        if data_dir is not None:
            values["data_dir"] = data_dir
        try:
            return cls(**values)
        except ValueError as ex:
            raise InvalidInputError(f"A setting is not of its kind: {ex}.") from ex

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'pitrix.db'}"

    @property
    def enabled(self) -> frozenset[str] | None:
        """Names of enabled plugins; None for all."""
        names = frozenset(name.strip() for name in self.enabled_plugins.split(",") if name.strip())
        return names or None

    @property
    def api_url(self) -> str:
        """Where the API is reached."""
        return self.public_url or f"http://{self.api_host}:{self.api_port}"

    @property
    def frontgate_url(self) -> str:
        """Where Frontgates reach the Pilot."""
        return self.pilot_url or f"ws://{self.pilot_host}:{self.pilot_port}"

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
