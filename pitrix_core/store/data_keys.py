"""Data keys: what secrets are encrypted with, wrapped by a provider of keys."""

import datetime as dt

import attrs
import sqlalchemy as sa

from pitrix_core.store import tables
from pitrix_core.store.cipher import Cipher, DataKey


@attrs.frozen(kw_only=True)
class KeyUse:
    """A data key, and how many secrets are under it."""

    #: None for what is from before there were data keys.
    id: int | None
    provider: str
    key_id: str
    secrets: int
    created_at: dt.datetime | None
    #: Whether its key is the one that wraps what is new.
    is_current: bool


class DataKeyRepository:
    """The keys of secrets; the newest is used for what is new, the others read."""

    def __init__(self, connection: sa.Connection, *, cipher: Cipher, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._cipher = cipher
        self._now = now
        self._found: dict[int, DataKey] = {}
        self._newest: DataKey | None = None

    def current(self) -> DataKey:
        """Return the newest, made where there is none yet."""
        if self._newest is None:
            number = self._connection.scalar(sa.select(sa.func.max(tables.data_keys.c.id)))
            self._newest = self.add() if number is None else self.get(number)
        return self._newest

    def get(self, number: int) -> DataKey:
        """Return one of them, by the number that its secrets name."""
        if number not in self._found:
            query = sa.select(tables.data_keys).where(tables.data_keys.c.id == number)
            self._found[number] = _data_key(self._connection.execute(query).one())
        return self._found[number]

    def add(self) -> DataKey:
        """Make another one; it is the newest from now on."""
        made = self._cipher.new_data_key()
        values = {**attrs.asdict(made), "created_at": self._now}
        del values["id"]
        insert = tables.data_keys.insert().values(values).returning(tables.data_keys.c.id)
        number = self._connection.execute(insert).scalar_one()
        self._newest = self._found[number] = attrs.evolve(made, id=number)
        return self._newest

    def rewrap(self) -> int:
        """Have those wrapped with the current key that are not, and return how many these were."""
        old = [key for key in self._all() if not self._cipher.is_current(key)]
        for key in old:
            made = self._cipher.rewrapped(key)
            self._connection.execute(
                tables.data_keys.update()
                .where(tables.data_keys.c.id == key.id)
                .values(provider=made.provider, key_id=made.key_id, wrapped=made.wrapped)
            )
        return len(old)

    def uses(self) -> list[KeyUse]:
        """Return what secrets are under, the newest first; what is under none comes last."""
        columns = tables.secrets.c
        counted = sa.select(columns.data_key_id, sa.func.count()).group_by(columns.data_key_id)
        rows = self._connection.execute(counted)
        secrets: dict[int | None, int] = {row[0]: row[1] for row in rows}
        query = sa.select(tables.data_keys).order_by(tables.data_keys.c.id.desc())
        found = [
            KeyUse(
                id=row.id,
                provider=row.provider,
                key_id=row.key_id,
                secrets=secrets.get(row.id, 0),
                created_at=row.created_at,
                is_current=self._cipher.is_current(_data_key(row)),
            )
            for row in self._connection.execute(query)
        ]
        return [*found, *_without_key(secrets.get(None, 0))]

    def _all(self) -> list[DataKey]:
        query = sa.select(tables.data_keys).order_by(tables.data_keys.c.id).with_for_update()
        return [_data_key(row) for row in self._connection.execute(query)]


def _data_key(row: "sa.Row[tuple[object, ...]]") -> DataKey:
    fields = {field.name: getattr(row, field.name) for field in attrs.fields(DataKey)}
    return DataKey(**fields)


def _without_key(count: int) -> list[KeyUse]:
    if not count:
        return []
    without = KeyUse(
        id=None, provider="file", key_id="", secrets=count, created_at=None, is_current=False
    )
    return [without]
