"""The installation, and answers kept for idempotency keys."""

import datetime as dt
import uuid
from collections.abc import Mapping

import attrs
import sqlalchemy as sa

from pitrix_core.store import tables
from pitrix_core.store.engine import Turn, insert_once, take_turn


@attrs.frozen(kw_only=True)
class KeptAnswer:
    """What a request with an idempotency key was answered."""

    request_digest: str
    #: None while the first request is still at work.
    status: str | None
    headers: Mapping[str, str] | None
    body: str | None
    created_at: dt.datetime


class IdentityRepository:
    """Who we are, and what we answered."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def installation_id(self) -> str:
        """Return this installation's id, made when first asked for."""
        known = sa.select(tables.installation.c.id)
        if found := self._connection.scalar(known):
            return str(found)
        take_turn(self._connection, Turn.INSTALLATION)
        if found := self._connection.scalar(known):  # another one was faster
            return str(found)
        made = uuid.uuid4().hex
        self._connection.execute(tables.installation.insert().values(id=made, created_at=self._now))
        return made

    def kept_answer(self, key: str, *, owner: str) -> KeptAnswer | None:
        """Return what the first request with a key was answered."""
        query = sa.select(tables.idempotency_keys).where(*_key(key, owner))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return KeptAnswer(
            request_digest=row.request_digest,
            status=row.status,
            headers=row.headers,
            body=row.body,
            created_at=row.created_at,
        )

    def reserve_key(self, key: str, *, owner: str, request_digest: str) -> bool:
        """Write down that a request with a key is at work.

        :returns: False when there was one already.
        """
        return insert_once(
            self._connection,
            tables.idempotency_keys,
            key=key,
            owner=owner,
            request_digest=request_digest,
            created_at=self._now,
        )

    def keep_answer(
        self, key: str, *, owner: str, status: str, headers: Mapping[str, str], body: str
    ) -> None:
        """Keep the answer of the request that reserved the key."""
        self._connection.execute(
            tables.idempotency_keys.update()
            .where(*_key(key, owner))
            .values(status=status, headers=dict(headers), body=body)
        )

    def release_key(self, key: str, *, owner: str) -> None:
        """Forget a key whose request did nothing, so that it can be used again."""
        self._connection.execute(tables.idempotency_keys.delete().where(*_key(key, owner)))


def _key(key: str, owner: str) -> tuple[sa.ColumnElement[bool], ...]:
    columns = tables.idempotency_keys.c
    return (columns.owner == owner, columns.key == key)
