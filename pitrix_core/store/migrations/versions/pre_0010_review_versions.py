"""Keep reviews of versions, and every move that versions make."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0010"
down_revision = "0009"

_ID = sa.String(64)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Do it."""
    op.create_table(
        "reviews",
        _version(primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("phases", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("reviewer", sa.String(255)),
        sa.Column("passed_by", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("submitted_by", sa.String(255), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
    )
    op.create_table(
        "transitions",
        sa.Column("id", _NUMBER, primary_key=True),
        _version(),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("move", sa.String(32), nullable=False),
        sa.Column("source", sa.String(32)),
        sa.Column("target", sa.String(32), nullable=False),
        sa.Column("phase", sa.String(32)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
    )
    op.create_index("ix_transitions_version", "transitions", ["app_version_id", "id"])


def _version(*, primary_key: bool = False) -> "sa.Column[str]":
    key = sa.ForeignKey("app_versions.id")
    return sa.Column("app_version_id", _ID, key, primary_key=primary_key, nullable=False)
