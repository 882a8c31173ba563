"""Secrets: encrypted at rest, named by id everywhere else."""

import base64
import datetime as dt
import json
import logging

import attrs
import sqlalchemy as sa

from pitrix_core.errors import NotFoundError, PitrixError
from pitrix_core.model import SecretRef
from pitrix_core.store import tables
from pitrix_core.store.cipher import Cipher
from pitrix_core.store.data_keys import DataKeyRepository
from pitrix_core.store.ids import new_id

log = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class Resealed:
    """Secrets that were looked at, and those of them that could not be read."""

    ids: tuple[str, ...]
    unreadable: tuple[str, ...]


class SecretRepository:
    """Secrets of every kind: credentials, passwords of configurations and of agents."""

    def __init__(
        self,
        connection: sa.Connection,
        *,
        cipher: Cipher,
        data_keys: DataKeyRepository,
        now: dt.datetime,
    ) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._cipher = cipher
        self._data_keys = data_keys
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
                created_at=self._now,
                **self._sealed(secret_id, text, owner=owner),
            )
        )
        return SecretRef(secret_id)

    def replace(self, secret_id: str, text: str) -> None:
        """Put another text in a secret's place; an empty one where it has served its purpose."""
        owner = self.owner_of(secret_id)
        if owner is not None:
            self._connection.execute(
                tables.secrets.update()
                .where(tables.secrets.c.id == secret_id)
                .values(**self._sealed(secret_id, text, owner=owner))
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
        columns = tables.secrets.c
        query = sa.select(columns.ciphertext, columns.owner, columns.data_key_id)
        row = self._connection.execute(query.where(columns.id == secret_id)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no secret {secret_id}.")
        key = None if row.data_key_id is None else self._data_keys.get(row.data_key_id)
        context = _context(secret_id, row.owner)
        return self._cipher.decrypt(row.ciphertext, key=key, context=context)

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

    def seal(self, text: str, *, purpose: str) -> str:
        """Return a text encrypted, to be kept in another table for a while.

        It is not encrypted anew when data keys are rotated.

        :param purpose: it is opened for the same one only.
        """
        key = self._data_keys.current()
        sealed = self._cipher.encrypt(text, key=key, context=purpose.encode())
        return f"{key.id}.{base64.b64encode(sealed).decode()}"

    def unseal(self, sealed: str, *, purpose: str) -> str:
        """Return the text that was sealed.

        :raises PitrixError: it was sealed for another purpose, or with another key.
        """
        number, _, encoded = sealed.partition(".")
        key = self._data_keys.get(int(number))
        ciphertext = base64.b64decode(encoded)
        return self._cipher.decrypt(ciphertext, key=key, context=purpose.encode())

    def reseal(self, *, after: str, limit: int, every: bool) -> Resealed:
        """Encrypt some secrets anew that are not under the newest data key.

        :param after: id of the last secret that was looked at; empty for the beginning.
        :param every: all of these; otherwise those alone that are under no data key at all.
        """
        key = self._data_keys.current()
        columns = tables.secrets.c
        is_old = columns.data_key_id != key.id if every else sa.false()
        ids = self._connection.scalars(
            sa.select(columns.id)
            .where(columns.id > after, columns.data_key_id.is_(None) | is_old)
            .order_by(columns.id)
            .limit(limit)
            .with_for_update()
        ).all()
        unreadable = [secret_id for secret_id in ids if not self._reseal(secret_id)]
        return Resealed(ids=tuple(ids), unreadable=tuple(unreadable))

    def _reseal(self, secret_id: str) -> bool:
        try:
            text = self.get(secret_id)
        except PitrixError as ex:
            log.warning("Secret %s cannot be read: %s", secret_id, ex)
            return False
        self.replace(secret_id, text)
        return True

    def _sealed(self, secret_id: str, text: str, *, owner: str) -> dict[str, object]:
        key = self._data_keys.current()
        context = _context(secret_id, owner)
        ciphertext = self._cipher.encrypt(text, key=key, context=context)
        return {"ciphertext": ciphertext, "data_key_id": key.id}


def _context(secret_id: str, owner: str) -> bytes:
    """Return what a secret's ciphertext is bound to."""
    return json.dumps([secret_id, owner]).encode()
