"""Tests that every key provider passes; an author overrides one fixture::

    class TestVault(KeyProviderSuite):
        @pytest.fixture
        def open_keys(self):
            return lambda: VaultKeys(VaultSettings(...))

Tests cite the clauses of ``pitrix_core.contracts.keys`` by number.
"""

import concurrent.futures
import os
import time
from collections.abc import Callable
from typing import TypeAlias

import pytest

from pitrix_core.contracts.keys import KEY_BYTES, LIMIT_S, KeyProvider
from pitrix_core.errors import KeyProviderError, UnsupportedOperationError

#: Opens the keys under test once more, as another process does.
Open: TypeAlias = Callable[[], KeyProvider]

_LONGEST_ID = 255
_LONGEST_WRAPPED = 4096


class KeyProviderSuite:
    """The contract of :mod:`pitrix_core.contracts.keys`. Each test has keys of its own."""

    @pytest.fixture
    def open_keys(self) -> Open:
        """Return a function that opens the same keys each time."""
        raise NotImplementedError("override the fixture `open_keys`")

    @pytest.fixture
    def keys(self, open_keys: Open) -> KeyProvider:
        """Return the keys under test."""
        return open_keys()

    @pytest.fixture
    def data_key(self) -> bytes:
        """Return a data key."""
        return os.urandom(KEY_BYTES)

    def test_the_current_key_is_the_same_everywhere(self, open_keys: Open) -> None:
        """Clause 71: it has one id, which fits its column."""
        first, second = open_keys().current_key(), open_keys().current_key()

        assert first == second
        assert 0 < len(first) <= _LONGEST_ID

    def test_what_one_wraps_another_unwraps(self, open_keys: Open, data_key: bytes) -> None:
        """Clause 71: in another process, and to the same bytes; what is wrapped hides them."""
        keys = open_keys()
        key_id = keys.current_key()

        wrapped = keys.wrap(data_key, key_id=key_id)

        assert open_keys().unwrap(wrapped, key_id=key_id) == data_key
        assert data_key not in wrapped
        assert len(wrapped) <= _LONGEST_WRAPPED

    def test_what_was_changed_does_not_unwrap(self, keys: KeyProvider, data_key: bytes) -> None:
        """Clauses 71 and 74: wherever it was changed, and by an error that holds nothing of it."""
        key_id = keys.current_key()
        wrapped = keys.wrap(data_key, key_id=key_id)
        changed = bytes([*wrapped[:-1], wrapped[-1] ^ 1])

        for text in (changed, wrapped[:-1], b"", os.urandom(len(wrapped))):
            with pytest.raises(KeyProviderError) as caught:
                keys.unwrap(text, key_id=key_id)
            assert data_key.hex() not in str(caught.value)

    def test_a_key_that_is_not_there_is_named(self, keys: KeyProvider, data_key: bytes) -> None:
        """Clause 74: nothing is wrapped or unwrapped with another one instead."""
        wrapped = keys.wrap(data_key, key_id=keys.current_key())

        with pytest.raises(KeyProviderError, match="no-such-key"):
            keys.wrap(data_key, key_id="no-such-key")
        with pytest.raises(KeyProviderError, match="no-such-key"):
            keys.unwrap(wrapped, key_id="no-such-key")

    def test_derived_keys_are_the_same_everywhere(self, open_keys: Open) -> None:
        """Clause 73: and others for another purpose."""
        first, second = (open_keys().derived("tokens") for _ in range(2))
        others = open_keys().derived("something else")

        assert first == second
        assert all(len(key) == KEY_BYTES for key in first)
        assert not set(first) & set(others)

    def test_a_renewed_key_does_not_take_the_old_one_away(
        self, open_keys: Open, data_key: bytes
    ) -> None:
        """Clauses 71 and 73: where renewing is done elsewhere, it is refused by name."""
        keys, running = open_keys(), open_keys()
        old_id, [old, *_] = keys.current_key(), keys.derived("tokens")
        wrapped = keys.wrap(data_key, key_id=old_id)

        try:
            keys.renew()
        except UnsupportedOperationError as ex:
            assert "keys.renew" in str(ex)  # noqa: PT017  # either is right
            assert ex.next_step  # noqa: PT017
            return

        newest, *others = running.derived("tokens")
        assert running.current_key() == keys.current_key() != old_id
        assert running.unwrap(wrapped, key_id=old_id) == data_key
        assert old in others
        assert newest != old

    def test_calls_are_short_and_come_at_once(self, keys: KeyProvider, data_key: bytes) -> None:
        """Clause 72: from several threads, each within the limit."""
        key_id = keys.current_key()

        def use(_: int) -> float:
            began = time.monotonic()
            assert keys.unwrap(keys.wrap(data_key, key_id=key_id), key_id=key_id) == data_key
            return time.monotonic() - began

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            spent = list(pool.map(use, range(8)))

        assert max(spent) < 2 * LIMIT_S
