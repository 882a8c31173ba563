"""Tell since when repos cannot be indexed."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("indexing") as table:
        table.add_column(sa.Column("failing_since", UtcTime))
