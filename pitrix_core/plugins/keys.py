"""Stands around a plugin's key provider: its calls are bounded, and nothing it raises surprises."""

import json
import logging
import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any, Final, TypeVar

from pitrix_core.contracts.keys import KEY_BYTES, LIMIT_S, KeyProvider
from pitrix_core.errors import (
    InvalidInputError,
    KeyProviderError,
    KeyProviderTemporaryError,
    PitrixError,
)
from pitrix_core.model import NoCredential
from pitrix_core.plugins.forms import fill

log = logging.getLogger(__name__)

#: Seconds to make a key in, which no transaction waits for.
_RENEWAL_LIMIT_S: Final = 60.0

T = TypeVar("T")


class GuardedKeys(KeyProvider):
    """A plugin's keys, none of whose calls lasts longer than the contract allows."""

    def __init__(self, settings: KeyProvider, *, limit_s: float = LIMIT_S) -> None:
        """Keep what stands behind.

        :param settings: the plugin's provider.
        """
        self._keys = settings
        self._limit_s = limit_s
        self.name = settings.name  # type: ignore[misc]  # each stands for another one

    def current_key(self) -> str:
        """Ask which key wraps from now on."""
        return self._asked("current_key", self._keys.current_key, str)

    def wrap(self, data_key: bytes, *, key_id: str) -> bytes:
        """Have a data key encrypted."""
        return self._asked("wrap", lambda: self._keys.wrap(data_key, key_id=key_id), bytes)

    def unwrap(self, wrapped: bytes, *, key_id: str) -> bytes:
        """Have a data key decrypted."""
        found = self._asked("unwrap", lambda: self._keys.unwrap(wrapped, key_id=key_id), bytes)
        if len(found) != KEY_BYTES:
            raise _broken("unwrap", f"{len(found)} bytes")
        return found

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Have keys derived."""
        found = self._asked("derived", lambda: self._keys.derived(purpose), tuple)
        if not found or any(not isinstance(k, bytes) or len(k) != KEY_BYTES for k in found):
            raise _broken("derived", "no keys")
        return found

    def renew(self) -> None:
        """Have a new key made."""
        self._asked("renew", self._keys.renew, type(None), limit_s=_RENEWAL_LIMIT_S)

    def close(self) -> None:
        """Let go of connections."""
        self._asked("close", self._keys.close, type(None))

    def _asked(
        self, called: str, ask: Callable[[], T], kind: type[T], *, limit_s: float | None = None
    ) -> T:
        """Wait for an answer no longer than is allowed; a thread that hangs is written off."""
        answers: queue.SimpleQueue[T | Exception] = queue.SimpleQueue()

        def run() -> None:
            try:
                answers.put(ask())
            except Exception as ex:  # noqa: BLE001  # looked at below
                answers.put(ex)

        threading.Thread(target=run, daemon=True, name=f"keys.{called}").start()
        try:
            answer = answers.get(timeout=limit_s or self._limit_s)
        except queue.Empty:
            raise KeyProviderTemporaryError(
                f"keys.{called}: the provider {self.name!r} did not answer in time."
            ) from None
        if isinstance(answer, PitrixError):
            raise answer
        if isinstance(answer, kind):
            return answer
        cause = answer if isinstance(answer, Exception) else None
        raise _broken(called, type(answer).__name__, cause) from cause


def open_keys(cls: type[KeyProvider], settings: str) -> KeyProvider:
    """Build a plugin's provider; makes no request.

    :param settings: a JSON object, as the operator wrote it; empty for none.
    :raises InvalidInputError: they do not fit the class.
    :raises KeyProviderError: the class failed in a way it must not.
    """
    filled = fill(cls.settings, NoCredential, settings=_object(settings), credential={}).settings
    try:
        return GuardedKeys(cls(filled))
    except PitrixError:
        raise
    except Exception as ex:
        raise _broken("build", type(ex).__name__, ex) from ex


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as ex:
        raise _no_object(str(ex)) from ex
    if not isinstance(found, dict):
        raise _no_object("it is something else")
    return found


def _no_object(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The setting key_settings is no JSON object: {why}.",
        pointer="/key_settings",
        next_step="Set PITRIX_KEY_SETTINGS to one, such as {} for none.",
    )


def _broken(called: str, what: str, cause: Exception | None = None) -> KeyProviderError:
    """Write down where it failed, but not the text, which may hold a key."""
    where = "".join(traceback.format_tb(cause.__traceback__ if cause else None))
    log.error("A key provider failed: %s: %s\n%s", called, what, where)
    return KeyProviderError(
        f"keys.{called}: unexpected {what}.",
        next_step="Tell the authors of the plugin; the log has the traceback.",
    )
