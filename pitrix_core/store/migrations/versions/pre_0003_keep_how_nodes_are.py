"""Keep how nodes are: the last report of their health checks, and what was measured on them."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "samples",
        sa.Column("node_id", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("cluster_id", sa.String(length=64), nullable=False),
        sa.Column("measured", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "at", name=op.f("pk_samples")),
    )
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.create_index("ix_samples_cluster", ["cluster_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_samples_expires_at"), ["expires_at"], unique=False)
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("health", sa.JSON(none_as_null=True), nullable=True))
