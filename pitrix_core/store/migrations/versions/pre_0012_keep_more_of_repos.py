"""Keep how repos are read, which of them are, and those that are taken away."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("repos") as table:
        table.add_column(sa.Column("kind", sa.String(64), nullable=False, server_default="file"))
        table.add_column(_json("settings"))
        table.add_column(sa.Column("credential_id", sa.String(64)))
        table.add_column(_json("labels"))
        table.add_column(
            sa.Column("default_state", sa.String(32), nullable=False, server_default="active")
        )
        table.add_column(sa.Column("index_interval_s", sa.Float))
        table.add_column(
            sa.Column("is_enabled", sa.Boolean, nullable=False, server_default=sa.true())
        )
        table.add_column(sa.Column("removed_at", UtcTime))
        table.create_foreign_key(
            op.f("fk_repos_credential_id"), "secrets", ["credential_id"], ["id"]
        )


def _json(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.JSON(none_as_null=True), nullable=False, server_default="{}")
