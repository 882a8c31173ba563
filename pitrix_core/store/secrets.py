"""Secrets: encrypted at rest, named by id everywhere else."""

import base64
import contextlib
import datetime as dt
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pitrix_core.errors import NotFoundError, PitrixError
from pitrix_core.model import SecretRef
from pitrix_core.store import tables
from pitrix_core.store.ids import new_id

#: Bytes of a derived key.
_DERIVED_BYTES: Final = 32


class Cipher:
    """Encrypts with a key that is kept in a file beside the database, not in it.

    To use another key from now on, an operator puts it before the old one: the first is used for
    all that is new, and what was made with one of the others stays readable.
    """

    def __init__(self, keys: bytes) -> None:
        """Keep the keys.

        :param keys: one or several, a line each: 32 bytes as URL-safe base64.
        """
        self._keys = keys.split()
        self._fernet = MultiFernet([Fernet(key) for key in self._keys])

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return keys for something else than encrypting, newest first.

        :param purpose: tells keys for one thing from those for another.
        """
        return tuple(
            HKDF(SHA256(), _DERIVED_BYTES, salt=None, info=purpose.encode()).derive(
                base64.urlsafe_b64decode(key)
            )
            for key in self._keys
        )

    @classmethod
    def from_file(cls, path: Path) -> "Cipher":
        """Read the key, making one (mode 0600) where there is none yet.

        The file is there with its whole content or not at all, and of several processes that make
        it at the same time all use the first one's.
        """
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            own = path.with_name(f"{path.name}.{new_id('new')}")
            own.touch(mode=0o600)
            own.write_bytes(Fernet.generate_key())
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(own)
            own.unlink()
        return cls(path.read_bytes())

    def encrypt(self, text: str) -> bytes:
        """Return the ciphertext."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, ciphertext: bytes) -> str:
        """Return the text.

        :raises PitrixError: the key is not the one it was encrypted with.
        """
        try:
            return self._fernet.decrypt(ciphertext).decode()
        except InvalidToken as ex:
            raise PitrixError(
                "A secret cannot be decrypted: the key file does not belong to this database.",
                next_step="Put back the key file that was there when the secret was stored.",
            ) from ex


class SecretRepository:
    """Secrets of every kind: credentials, passwords of configurations and of agents."""

    def __init__(self, connection: sa.Connection, *, cipher: Cipher, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._cipher = cipher
        self._now = now

    def add(self, text: str, *, owner: str, secret_id: str | None = None) -> SecretRef:
        """Store a secret.

        :param secret_id: its id, where something refers to it already; a new one otherwise.
        """
        secret_id = secret_id or new_id("sec")
        self._connection.execute(
            tables.secrets.insert().values(
                id=secret_id,
                owner=owner,
                ciphertext=self._cipher.encrypt(text),
                created_at=self._now,
            )
        )
        return SecretRef(secret_id)

    def replace(self, secret_id: str, text: str) -> None:
        """Put another text in a secret's place; an empty one where it has served its purpose."""
        self._connection.execute(
            tables.secrets.update()
            .where(tables.secrets.c.id == secret_id)
            .values(ciphertext=self._cipher.encrypt(text))
        )

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return the installation's keys for a purpose, newest first."""
        return self._cipher.derived(purpose)

    def owner_of(self, secret_id: str) -> str | None:
        """Return whose a secret is; None where there is no such secret."""
        query = sa.select(tables.secrets.c.owner).where(tables.secrets.c.id == secret_id)
        owner: str | None = self._connection.scalar(query)
        return owner

    def get(self, secret_id: str) -> str:
        """Return a secret's text.

        :raises NotFoundError: there is no such secret.
        """
        query = sa.select(tables.secrets.c.ciphertext).where(tables.secrets.c.id == secret_id)
        ciphertext = self._connection.scalar(query)
        if ciphertext is None:
            raise NotFoundError(f"There is no secret {secret_id}.")
        return self._cipher.decrypt(ciphertext)

    def get_own(self, secret_id: str, *, owner: str) -> str:
        """Return a secret's text where it is named by what may come from a stranger.

        :raises NotFoundError: its owner has no such secret.
        """
        if self.owner_of(secret_id) != owner:
            raise NotFoundError(
                f"Secret {secret_id} is not one of {owner}'s.",
                next_step="Do not use the package that names it; tell whom it comes from.",
            )
        return self.get(secret_id)
