"""Plans, stored whole as they were shown."""

import datetime as dt

import sqlalchemy as sa

from pitrix_core import convert
from pitrix_core.errors import NotFoundError
from pitrix_core.model import Plan
from pitrix_core.store import tables


class PlanRepository:
    """Plans that were made, applied or not."""

    def __init__(self, connection: sa.Connection, *, now: dt.datetime) -> None:
        """Work inside the transaction of ``connection``."""
        self._connection = connection
        self._now = now

    def add(self, plan: Plan) -> None:
        """Store a plan."""
        self._connection.execute(
            tables.plans.insert().values(
                id=plan.id,
                owner=plan.owner,
                cluster_id=plan.cluster_id,
                digest=plan.digest,
                document=convert.to_json(plan),
                created_at=self._now,
            )
        )

    def get(self, plan_id: str) -> Plan:
        """Return a plan.

        :raises NotFoundError: there is no such plan.
        """
        query = sa.select(tables.plans.c.document).where(tables.plans.c.id == plan_id)
        document = self._connection.scalar(query)
        if document is None:
            raise NotFoundError(f"There is no plan {plan_id!r}.")
        return convert.from_json(document, Plan)

    def lock(self, plan_id: str) -> None:
        """Be the only one to apply a plan until the transaction ends."""
        columns = tables.plans.c
        query = sa.select(columns.id).where(columns.id == plan_id).with_for_update()
        self._connection.execute(query).all()

    def applied_by(self, plan_id: str) -> str | None:
        """Return the job that carries the plan out, if it was applied."""
        query = sa.select(tables.plans.c.applied_job_id).where(tables.plans.c.id == plan_id)
        found: str | None = self._connection.scalar(query)
        return found

    def mark_applied(self, plan_id: str, *, job_id: str) -> None:
        """Write down which job carries the plan out."""
        self._connection.execute(
            tables.plans.update().where(tables.plans.c.id == plan_id).values(applied_job_id=job_id)
        )
