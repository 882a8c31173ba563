"""Keep who Frontgates are by enrolments and tokens, and which of their connections counts."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("frontgates") as table:
        table.add_column(sa.Column("protocol", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("version", sa.String(64)))
        table.add_column(sa.Column("generation", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("enrolment_sha256", sa.String(64)))
        table.add_column(sa.Column("enrolment_expires_at", UtcTime))
        table.add_column(sa.Column("token_expires_at", UtcTime))
        table.add_column(sa.Column("connection", sa.Integer, nullable=False, server_default="0"))
