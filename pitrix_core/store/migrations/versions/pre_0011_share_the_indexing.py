"""Share the indexing: whose turn a repo is, and what is listed and was not read yet."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0011"
down_revision = "0010"

_ID = sa.String(64)


def upgrade() -> None:
    """Do it."""
    with op.batch_alter_table("app_versions") as table:
        table.alter_column("app_type", existing_type=sa.String(64), nullable=True)
        table.alter_column("digest", existing_type=sa.String(80), nullable=True)
        table.add_column(sa.Column("removed_at", UtcTime))
    op.create_table(
        "indexing",
        _reference("repo_id", "repos.id", primary_key=True),
        sa.Column("due_at", UtcTime, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("leased_until", UtcTime),
        sa.Column("tag", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("findings", sa.JSON(none_as_null=True), nullable=False),
    )
    op.create_table(
        "index_entries",
        _reference("version_id", "app_versions.id", primary_key=True),
        _reference("repo_id", "repos.id"),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(80)),
        sa.Column("urls", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("is_unread", sa.Boolean, nullable=False),
        sa.Column("is_unreadable", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", UtcTime),
    )
    op.create_index("ix_index_entries_repo", "index_entries", ["repo_id", "is_unread"])
    op.create_index("ix_index_entries_due_at", "index_entries", ["due_at"])


def _reference(name: str, target: str, *, primary_key: bool = False) -> "sa.Column[str]":
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, _ID, key, primary_key=primary_key, nullable=False)
