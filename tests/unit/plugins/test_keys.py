"""Whatever a plugin's key provider does, the core waits a little, and says what is wrong."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from pitrix_core.contracts.keys import KeyProvider
from pitrix_core.errors import (
    InvalidInputError,
    KeyProviderError,
    KeyProviderTemporaryError,
    PluginLoadError,
    PluginNotFoundError,
    UnsupportedOperationError,
)
from pitrix_core.plugins.discovery import KEY_PROVIDERS
from pitrix_core.plugins.keys import GuardedKeys, open_keys
from pitrix_core.plugins.registry import PluginRegistry
from pitrix_core.testing.entry_points import entry_point


@attrs.frozen(kw_only=True)
class Settings:
    """Of the provider of these tests."""

    region: str = ""


class OddKeys(KeyProvider):
    """Does what it is told to."""

    name = "odd"
    settings = Settings

    def __init__(self, settings: Any) -> None:
        self.region = settings.region
        self.act: Callable[[], Any] = lambda: None

    def current_key(self) -> str:
        return str(self.act() or "key-1")

    def wrap(self, data_key: bytes, *, key_id: str) -> Any:
        return self.act()

    def unwrap(self, wrapped: bytes, *, key_id: str) -> Any:
        return self.act()

    def derived(self, purpose: str) -> Any:
        return self.act()


@pytest.fixture
def odd() -> OddKeys:
    """A provider that does what it is told to."""
    return OddKeys(Settings())


@pytest.fixture
def hanging() -> Iterator[Callable[[], None]]:
    """A function that returns once the test is over."""
    is_over = threading.Event()
    yield lambda: is_over.wait(60) and None
    is_over.set()


def _raising(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def test_a_provider_that_hangs_is_not_waited_for(odd: OddKeys, hanging: Callable[[], None]) -> None:
    """It may answer later; nobody holds a transaction until then."""
    odd.act = hanging

    with pytest.raises(KeyProviderTemporaryError, match=r"keys\.unwrap: .* in time"):
        GuardedKeys(odd, limit_s=0.01).unwrap(b"", key_id="key-1")


def test_its_own_errors_go_through(odd: OddKeys) -> None:
    """They say what is wrong better than anybody else can."""
    odd.act = _raising(KeyProviderError("keys.wrap: key-1 is disabled"))

    with pytest.raises(KeyProviderError, match="key-1 is disabled"):
        GuardedKeys(odd).wrap(b"", key_id="key-1")


@pytest.mark.parametrize(
    ("call", "act"),
    [
        pytest.param("unwrap", _raising(ValueError("hunter2")), id="raises-something"),
        pytest.param("unwrap", lambda: "text", id="answers-text"),
        pytest.param("unwrap", lambda: b"short", id="answers-too-little"),
        pytest.param("derived", lambda: (), id="derives-nothing"),
        pytest.param("derived", lambda: ("text",), id="derives-text"),
    ],
)
def test_what_is_no_answer_is_named(
    odd: OddKeys, call: str, act: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """By what was called; what came instead may be a key, and is not even in the log."""
    odd.act = act
    arguments: Any = {"key_id": "key-1"} if call == "unwrap" else {}

    with pytest.raises(KeyProviderError, match=f"keys.{call}: unexpected") as caught:
        getattr(GuardedKeys(odd), call)(b"", **arguments)

    assert f"failed: {call}" in caplog.text
    assert "hunter2" not in str(caught.value) + caplog.text


def test_a_provider_that_cannot_renew_says_so(odd: OddKeys) -> None:
    """With what to do instead."""
    with pytest.raises(UnsupportedOperationError, match=r"keys\.renew") as caught:
        GuardedKeys(odd).renew()

    assert "PITRIX_KEY_SETTINGS" in (caught.value.next_step or "")


def test_a_provider_is_built_from_what_the_operator_says() -> None:
    """It goes by its own name, and can be closed."""
    found = open_keys(OddKeys, '{"region": "eu"}')

    assert (found.name, found.current_key()) == ("odd", "key-1")
    found.close()


@pytest.mark.parametrize("settings", ["[]", "{", "[" * 100_000, '{"zone": 1}', '{"region": 1}'])
def test_settings_that_do_not_fit_are_refused(settings: str) -> None:
    """Before anything is encrypted."""
    with pytest.raises(InvalidInputError):
        open_keys(OddKeys, settings)


def test_a_provider_that_cannot_be_built_is_named() -> None:
    """By the contract's word for it."""

    class Broken(OddKeys):
        def __init__(self, settings: Any) -> None:
            raise RuntimeError

    with pytest.raises(KeyProviderError, match=r"keys\.build: unexpected RuntimeError"):
        open_keys(Broken, "")


def test_the_registry_finds_providers_by_name() -> None:
    """A broken one, and one that is not there, are errors of their own."""
    registry = PluginRegistry(
        entry_points=[
            entry_point(KEY_PROVIDERS, "odd", OddKeys),
            entry_point(KEY_PROVIDERS, "other", OddKeys),
            entry_point(KEY_PROVIDERS, "none", object),
        ]
    )

    assert registry.key_provider("odd") is OddKeys
    assert [(r.name, r.status) for r in registry.report() if r.group == KEY_PROVIDERS] == [
        ("none", "broken"),
        ("odd", "ok"),
        ("other", "broken"),
    ]
    with pytest.raises(PluginLoadError, match="names itself 'odd'"):
        registry.key_provider("other")
    with pytest.raises(PluginNotFoundError, match="no 'vault'"):
        registry.key_provider("vault")
