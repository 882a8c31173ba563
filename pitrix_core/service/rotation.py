"""Rotate the keys that secrets depend on, while everything runs, and say what is under which.

Every step can be interrupted: it changes a few rows in one transaction, what has not been changed
stays readable, and the next rotation begins with what is left. Nothing is lost, for no key is ever
taken away: that the operator does, once nothing is under it any more.
"""

import contextlib
import functools
from typing import Final

import attrs

from pitrix_core.contracts.keys import KeyProvider
from pitrix_core.errors import UnsupportedOperationError
from pitrix_core.store import Store, Transaction
from pitrix_core.store.data_keys import KeyUse
from pitrix_core.store.secrets import Resealed

#: Secrets in one transaction; others that write wait no longer than it takes.
_BATCH: Final = 50


@attrs.frozen(kw_only=True)
class KeyStatus:
    """What secrets depend on."""

    provider: str
    #: Which of the provider's keys wraps what is new.
    current_key: str
    #: The newest first; all new secrets are under it.
    data_keys: tuple[KeyUse, ...]


@attrs.frozen(kw_only=True)
class Rotation:
    """What a rotation has done."""

    #: Data keys that were wrapped anew.
    rewrapped: int
    #: Secrets that were encrypted anew.
    resealed: int
    #: Ids of secrets that cannot be read: they were left as they are.
    unreadable: tuple[str, ...]


def status(store: Store, keys: KeyProvider) -> KeyStatus:
    """Say under which keys secrets are.

    :raises KeyProviderError: the keys cannot be had.
    """
    with store.read() as tx:
        uses = tx.data_keys.uses()
    return KeyStatus(provider=keys.name, current_key=keys.current_key(), data_keys=tuple(uses))


def rotate(store: Store, keys: KeyProvider) -> Rotation:
    """Make a new key, and wrap all data keys with it; what is under none is encrypted anew.

    Where data keys are left over that are not wrapped with the current key (a rotation that was
    interrupted, another provider, a key that was renewed elsewhere), no other key is made.

    :raises UnsupportedOperationError: keys are made elsewhere, and there is nothing to wrap anew.
    :raises KeyProviderError: the keys cannot be had.
    """
    if not _wrapped_with_others(store):
        keys.renew()
    return _rotate(store, every=False)


def rotate_data_keys(store: Store, keys: KeyProvider) -> Rotation:
    """Do what :func:`rotate` does, then make a new data key, and encrypt every secret anew with it.

    Where secrets are left over that are not under the newest data key, no other one is made.

    :raises KeyProviderError: the keys cannot be had.
    """
    if not _wrapped_with_others(store):
        with contextlib.suppress(UnsupportedOperationError):  # else the key there is will do
            keys.renew()
    if not _under_older(store):
        store.carry_out(lambda tx: tx.data_keys.add())
    return _rotate(store, every=True)


def _wrapped_with_others(store: Store) -> bool:
    with store.read() as tx:
        return any(use.id is not None and not use.is_current for use in tx.data_keys.uses())


def _under_older(store: Store) -> bool:
    with store.read() as tx:
        return any(use.secrets for use in tx.data_keys.uses()[1:] if use.id is not None)


def _rotate(store: Store, *, every: bool) -> Rotation:
    rewrapped = store.carry_out(lambda tx: tx.data_keys.rewrap())
    looked_at, last = 0, ""
    unreadable: list[str] = []
    while True:
        reseal = functools.partial(_reseal, after=last, every=every)
        part = store.carry_out(reseal)
        looked_at += len(part.ids)
        unreadable += part.unreadable
        if len(part.ids) < _BATCH:
            break
        last = part.ids[-1]
    resealed = looked_at - len(unreadable)
    return Rotation(rewrapped=rewrapped, resealed=resealed, unreadable=tuple(unreadable))


def _reseal(tx: Transaction, *, after: str, every: bool) -> Resealed:
    return tx.secrets.reseal(after=after, limit=_BATCH, every=every)
