"""Keep how nodes' agents get in, and what they got when they enrolled."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("nodes") as table:
        table.add_column(
            sa.Column("agent_protocol", sa.Integer, nullable=False, server_default="1")
        )
        table.add_column(sa.Column("credential_sha256", sa.String(64)))
