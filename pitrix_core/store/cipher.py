"""Encrypts secrets with data keys, and has these wrapped by a provider of keys.

A secret is encrypted (AES-256-GCM) together with its id and owner: a row that was put into another
one's place does not decrypt. What was written before there were data keys is Fernet's, by the key
file's own keys, until it is rotated.
"""

import collections
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pitrix_core.contracts.keys import KEY_BYTES, KeyProvider
from pitrix_core.errors import KeyProviderError, PitrixError
from pitrix_core.store.key_file import FileKeys, FileKeySettings, LocalKeys

#: Unwrapped data keys that a process keeps; there is one more for each rotation of data keys.
_KEPT_KEYS: Final = 64
#: Bytes of a nonce of AES-GCM, drawn at random. Source: NIST SP 800-38D, 8.3: a key is good for
#: 2^32 secrets.
_NONCE_BYTES: Final = 12


@attrs.frozen(kw_only=True)
class DataKey:
    """A data key as it stands in the database."""

    #: Counts up: the highest is used for what is new.
    id: int
    #: Who wrapped it, and with which of its keys.
    provider: str
    key_id: str
    wrapped: bytes = attrs.field(repr=False)


class Cipher:
    """Encrypts with data keys, which it has wrapped and unwrapped by providers of keys.

    Safe to be used by several threads at a time.
    """

    def __init__(self, keys: KeyProvider | bytes, *, others: Sequence[KeyProvider] = ()) -> None:
        """Keep the providers; ask them nothing.

        :param keys: wraps and derives all that is new; or the content of a key file.
        :param others: read what they wrapped, by their names.
        """
        self._keys = LocalKeys(keys) if isinstance(keys, bytes) else keys
        self._providers = {provider.name: provider for provider in (*others, self._keys)}
        self._unwrapped: collections.OrderedDict[bytes, bytes] = collections.OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, path: Path) -> "Cipher":
        """Use a key file, which is made (mode 0600) where there is none yet."""
        return cls(FileKeys(FileKeySettings(path=str(path))))

    @property
    def keys(self) -> KeyProvider:
        """What wraps and derives all that is new."""
        return self._keys

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return keys for something else than encrypting, newest first.

        :param purpose: tells keys for one thing from those for another.
        """
        others = [each for each in self._providers.values() if each is not self._keys]
        return tuple(key for each in (self._keys, *others) for key in each.derived(purpose))

    def new_data_key(self) -> DataKey:
        """Return a new data key that has no number yet."""
        return self._wrapped(os.urandom(KEY_BYTES), number=0)

    def rewrapped(self, key: DataKey) -> DataKey:
        """Return a data key, wrapped with the current key."""
        return self._wrapped(self._opened(key), number=key.id)

    def is_current(self, key: DataKey) -> bool:
        """Say whether a data key is wrapped with the current key."""
        return (key.provider, key.key_id) == (self._keys.name, self._keys.current_key())

    def encrypt(self, text: str, *, key: DataKey, context: bytes) -> bytes:
        """Return the ciphertext.

        :param context: what it belongs to: it is decrypted with the same only.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._opened(key)).encrypt(nonce, text.encode(), context)

    def decrypt(self, ciphertext: bytes, *, key: DataKey | None, context: bytes) -> str:
        """Return the text.

        :param key: None for what was written before there were data keys.
        :raises PitrixError: the key is not the one it was encrypted with, or it was changed.
        """
        try:
            if key is None:
                return self._before().fernet().decrypt(ciphertext).decode()
            nonce, sealed = ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:]
            return AESGCM(self._opened(key)).decrypt(nonce, sealed, context).decode()
        except (InvalidToken, InvalidTag, ValueError) as ex:
            raise PitrixError(
                "A secret cannot be decrypted: the key file does not belong to this database, or "
                "the row was changed.",
                next_step="Put back the key file that was there when the secret was stored.",
            ) from ex

    def _before(self) -> LocalKeys:
        found = self._providers.get(LocalKeys.name)
        if not isinstance(found, LocalKeys):
            raise KeyProviderError(
                "keys: a secret is from before there were data keys, and there is no key file.",
                next_step="Put the key file into the data folder, and say: pitrix secrets rotate",
            )
        return found

    def _wrapped(self, data_key: bytes, *, number: int) -> DataKey:
        key_id = self._keys.current_key()
        wrapped = self._keys.wrap(data_key, key_id=key_id)
        self._keep(wrapped, data_key)
        return DataKey(id=number, provider=self._keys.name, key_id=key_id, wrapped=wrapped)

    def _opened(self, key: DataKey) -> bytes:
        with self._lock:
            known = self._unwrapped.get(key.wrapped)
        if known is not None:
            return known
        provider = self._providers.get(key.provider)
        if provider is None:
            raise KeyProviderError(
                f"keys: data key {key.id} was wrapped by the provider {key.provider!r}.",
                next_step="Name it in PITRIX_KEY_PROVIDER, or put the key file back.",
            )
        data_key = provider.unwrap(key.wrapped, key_id=key.key_id)
        self._keep(key.wrapped, data_key)
        return data_key

    def _keep(self, wrapped: bytes, data_key: bytes) -> None:
        with self._lock:
            self._unwrapped[wrapped] = data_key
            while len(self._unwrapped) > _KEPT_KEYS:
                self._unwrapped.popitem(last=False)
