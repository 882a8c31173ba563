"""Keys that are kept in a file beside the database, not in it: the provider ``file``.

The file has a key a line, 32 bytes as URL-safe base64 each: the first is used for all that is new,
the others read what was made with them. It is read again whenever it was changed, so that running
processes know a new key before anything is encrypted with it.

Where several machines share a database, the new key has to be on all of them first. It waits in a
second file, ``key.next``, which is read like the old keys, until it is put before them.
"""

import base64
import binascii
import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import attrs
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pitrix_core.contracts.keys import KEY_BYTES, KeyProvider
from pitrix_core.errors import ConflictError, KeyProviderError
from pitrix_core.store.ids import new_id

#: Purposes of what is derived from a key; none is used for two things.
_NAMING: Final = "pitrix: id of a key"
_WRAPPING: Final = "pitrix: wraps data keys"
#: Hexadecimal digits of a key's id.
_ID_DIGITS: Final = 16
#: Bytes of a nonce of AES-GCM. Source: NIST SP 800-38D, 8.2; one key wraps a handful of others.
_NONCE_BYTES: Final = 12

_PUT_BACK: Final = "Put back the key file that was there when the secret was stored."


@attrs.frozen
class _Key:
    text: bytes = attrs.field(repr=False)

    def derived(self, purpose: str) -> bytes:
        secret = base64.urlsafe_b64decode(self.text)
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)

    @property
    def id(self) -> str:
        return self.derived(_NAMING).hex()[:_ID_DIGITS]


class LocalKeys(KeyProvider):
    """Keys that this process has in its memory."""

    name: ClassVar[str] = "file"

    def __init__(self, settings: bytes) -> None:
        """Keep the keys.

        :param settings: one or several, a line each.
        :raises KeyProviderError: one is none.
        """
        self._keys = _parsed(settings, "The keys")

    def current_key(self) -> str:
        """Return the id of the first key."""
        return self._known()[0].id

    def wrap(self, data_key: bytes, *, key_id: str) -> bytes:
        """Encrypt a data key with AES-256-GCM."""
        nonce = os.urandom(_NONCE_BYTES)
        wrapping = AESGCM(self._named(key_id).derived(_WRAPPING))
        return nonce + wrapping.encrypt(nonce, data_key, key_id.encode())

    def unwrap(self, wrapped: bytes, *, key_id: str) -> bytes:
        """Return the data key."""
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        wrapping = AESGCM(self._named(key_id).derived(_WRAPPING))
        try:
            return wrapping.decrypt(nonce, sealed, key_id.encode())
        except (InvalidTag, ValueError) as ex:
            raise KeyProviderError(f"keys.unwrap: this was not wrapped with {key_id}") from ex

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return a key for each, the first one's first."""
        return tuple(key.derived(purpose) for key in self._known())

    def fernet(self) -> MultiFernet:
        """Return what read and wrote secrets before there were data keys."""
        return MultiFernet([Fernet(key.text) for key in self._known()])

    def _known(self) -> tuple[_Key, ...]:
        return self._keys

    def _named(self, key_id: str) -> _Key:
        for key in self._known():
            if key.id == key_id:
                return key
        raise KeyProviderError(
            f"keys: the key file does not belong to this database: it lacks the key {key_id}.",
            next_step=_PUT_BACK,
        )


@attrs.frozen(kw_only=True)
class FileKeySettings:
    """Where the keys are."""

    path: str


class FileKeys(LocalKeys):
    """Keys in a file; its methods may be called by several threads at a time."""

    settings: ClassVar[type] = FileKeySettings

    def __init__(self, settings: FileKeySettings) -> None:
        """Read the file, making it (mode 0600) where there is none yet.

        It is there with its whole content or not at all, and of several processes that make it at
        the same time all use the first one's.

        :raises KeyProviderError: it cannot be read, or holds no key.
        """
        self._path = Path(settings.path)
        self._next = self._path.with_name(f"{self._path.name}.next")
        self._lock = threading.Lock()
        self._read_at: object = None
        self._make(self._path)
        self._known()

    def prepare(self) -> Path:
        """Make the key that :meth:`renew` will take, if there is none yet, and return its file."""
        self._make(self._next)
        return self._next

    def renew(self) -> None:
        """Put the prepared key, or a new one, before the others; to be done under the lock."""
        self.prepare()
        added, known = (path.read_bytes().split() for path in (self._next, self._path))
        if known[0] != added[0]:  # else it was put there, and then somebody was killed
            content = b"".join(key + b"\n" for key in (*added, *known))
            with self._written(content) as own:
                own.replace(self._path)
        self._next.unlink()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others on this machine from renewing inside the block.

        :raises ConflictError: another one is at it.
        """
        with self._path.with_name(f"{self._path.name}.lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as ex:
                raise ConflictError(
                    "Keys are being rotated already.", next_step="Try again when that has ended."
                ) from ex
            yield

    def _known(self) -> tuple[_Key, ...]:
        with self._lock:
            state = _state_of(self._path), _state_of(self._next)
            is_lost = not state[0] and self._read_at is not None  # what was read is good still
            if state != self._read_at and not is_lost:
                current = _parsed(_read(self._path), str(self._path))
                waiting = _read(self._next)
                self._keys = (*current, *(_parsed(waiting, str(self._next)) if waiting else ()))
                self._read_at = state
            return self._keys

    @contextlib.contextmanager
    def _written(self, content: bytes) -> Iterator[Path]:
        """Give a file with the content, safely on disk, to be put where it belongs."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        own = self._path.with_name(f"{self._path.name}.{new_id('new')}")
        try:
            descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)  # nothing may be encrypted with a key that can vanish
            yield own
        finally:
            own.unlink(missing_ok=True)
        _keep(self._path.parent)

    def _make(self, path: Path) -> None:
        if not path.exists():
            with self._written(Fernet.generate_key()) as own, contextlib.suppress(FileExistsError):
                path.hardlink_to(own)


def _parsed(content: bytes, where: str) -> tuple[_Key, ...]:
    keys = tuple(_Key(text) for text in content.split())
    try:
        for key in keys:
            Fernet(key.text)
    except (ValueError, binascii.Error) as ex:
        raise KeyProviderError(f"keys: {where} holds something that is no key.") from ex
    if not keys:
        raise KeyProviderError(f"keys: {where} holds no key.", next_step=_PUT_BACK)
    return keys


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as ex:
        raise KeyProviderError(f"keys: {path} cannot be read: {ex.strerror}.") from ex


def _state_of(path: Path) -> tuple[int, ...]:
    """Return what differs once a file was put in another one's place."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _keep(folder: Path) -> None:
    """Have a folder's names survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
