"""The core's own key provider passes the suite, and so does one that stands behind the guard."""

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from pitrix_core.contracts.keys import KeyProvider
from pitrix_core.plugins.keys import GuardedKeys, open_keys
from pitrix_core.store.key_file import FileKeys, FileKeySettings
from pitrix_core.testing.key_suite import KeyProviderSuite, Open


class TestKeyFile(KeyProviderSuite):
    """Keys in a file."""

    @pytest.fixture
    def open_keys(self, tmp_path: Path) -> Open:
        """Return a function that opens the same file each time."""
        return lambda: FileKeys(FileKeySettings(path=str(tmp_path / "key")))


@attrs.frozen(kw_only=True)
class ServiceSettings:
    """Where the keys are."""

    folder: str


class ServiceKeys(KeyProvider):
    """Stands for a service that keeps keys, and makes them itself."""

    name = "service"
    settings = ServiceSettings

    def __init__(self, settings: ServiceSettings) -> None:
        self._keys = FileKeys(FileKeySettings(path=f"{settings.folder}/key"))

    def current_key(self) -> str:
        return self._keys.current_key()

    def wrap(self, data_key: bytes, *, key_id: str) -> bytes:
        return self._keys.wrap(data_key, key_id=key_id)

    def unwrap(self, wrapped: bytes, *, key_id: str) -> bytes:
        return self._keys.unwrap(wrapped, key_id=key_id)

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        return self._keys.derived(purpose)


class TestService(KeyProviderSuite):
    """Keys behind the guard that stands before plugins."""

    @pytest.fixture
    def open_keys(self, tmp_path: Path) -> Open:
        """Return a function that builds the plugin each time."""
        settings: Any = json.dumps({"folder": str(tmp_path)})
        return lambda: _guarded(settings)


def _guarded(settings: str) -> KeyProvider:
    found = open_keys(ServiceKeys, settings)
    assert isinstance(found, GuardedKeys)
    return found
