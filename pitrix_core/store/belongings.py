"""What belongs to whom, across all tables: told before a user goes, and handed over."""

from typing import Final

import sqlalchemy as sa

from pitrix_core.store import tables
from pitrix_core.store.secrets import SecretRepository

#: What is told by its name; all else hangs on these.
_TOLD: Final = (tables.clusters, tables.runtimes, tables.repos, tables.apps)
#: What happened stays whose it was; what answers and tokens are, is nobody else's business.
#: Who used something used it; from then on it is metered for who gets it (store/metering.py).
_KEPT: Final = frozenset({"events", "idempotency_keys", "meters", "tokens"})


class BelongingRepository:
    """Whose things are whose."""

    def __init__(self, connection: sa.Connection, *, secrets: SecretRepository) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._secrets = secrets

    def of(self, owner: str, *, limit: int) -> list[str]:
        """Return what belongs to somebody and is not gone: ``cluster web (cl-…)``, ….

        :param limit: how many of a kind at most.
        """
        found: list[str] = []
        for table in _TOLD:
            columns = table.c
            query = sa.select(columns.id, columns.name).where(columns.owner == owner)
            if "state" in columns:
                query = query.where(columns.state != "deleted")
            if table is tables.apps:
                query = query.join(tables.repos)
            if table in (tables.apps, tables.repos):  # rows stay, for what came from them
                query = query.where(tables.repos.c.removed_at.is_(None))
            kind = table.name.removesuffix("s")
            rows = self._connection.execute(query.order_by(columns.id).limit(limit))
            found += [f"{kind} {row.name} ({row.id})" for row in rows]
        return found

    def hand_over(self, owner: str, *, to: str) -> None:
        """Let everything that belongs to somebody belong to somebody else, secrets included."""
        jobs = tables.jobs.c
        first = sa.select(jobs.id).where(jobs.owner == owner).order_by(jobs.id)
        self._connection.execute(first.with_for_update()).all()  # in the order of runners
        ids = sa.select(tables.secrets.c.id).where(tables.secrets.c.owner == owner)
        texts = {
            secret_id: self._secrets.get(secret_id)
            for secret_id in self._connection.scalars(ids).all()
        }
        for table in tables.metadata.sorted_tables:
            if "owner" in table.c and table.name not in _KEPT:
                self._connection.execute(
                    table.update().where(table.c.owner == owner).values(owner=to)
                )
        for secret_id, text in texts.items():  # each is sealed with whose it is
            self._secrets.replace(secret_id, text)
