"""Keep the names of users who are gone: what happened bears them."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "former_users",
        sa.Column("folded_name", sa.String(255), nullable=False),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.String(255)),
        sa.Column("deleted_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("folded_name", name=op.f("pk_former_users")),
    )
