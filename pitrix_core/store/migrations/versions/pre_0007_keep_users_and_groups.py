"""Keep users, groups, roles and grants, what people show, and who sees what.

Whoever has a token already becomes a user of the root group, with the role the token had.
"""

import datetime as dt
import uuid

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0007"
down_revision = "0006"

_ROOT = "grp-root"


def _id(length: int = 64) -> sa.Column[str]:
    return sa.Column("id", sa.String(length), primary_key=True)


def _created_at() -> "sa.Column[dt.datetime]":
    return sa.Column("created_at", UtcTime, nullable=False)


def upgrade() -> None:
    """Do it."""
    _create_people()
    _create_logins()
    _add_columns()
    _register_owners(op.get_bind())


def _create_people() -> None:
    op.create_table(
        "groups",
        _id(),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("parent_id", sa.String(64), sa.ForeignKey("groups.id"), index=True),
        sa.Column("path", sa.Text, nullable=False, unique=True),
        sa.Column("folded_path", sa.Text, nullable=False, unique=True),
        _created_at(),
    )
    op.create_table(
        "users",
        _id(),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("folded_name", sa.String(255), nullable=False, unique=True),
        sa.Column(
            "group_id", sa.String(64), sa.ForeignKey("groups.id"), nullable=False, index=True
        ),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("email", sa.String(255)),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.String(255)),
        sa.Column("disabled_at", UtcTime),
        _created_at(),
        sa.Index("uq_users_subject", "issuer", "subject", unique=True),
    )
    op.create_table(
        "roles",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("folded_name", sa.String(64), nullable=False, unique=True),
        sa.Column("actions", sa.JSON(none_as_null=True), nullable=False),
        _created_at(),
    )
    op.create_table(
        "grants",
        _id(),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column(
            "group_id", sa.String(64), sa.ForeignKey("groups.id"), nullable=False, index=True
        ),
        _created_at(),
        sa.UniqueConstraint("user_id", "role", "group_id"),
    )


def _create_logins() -> None:
    op.create_table(
        "sessions",
        _id(),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(255), nullable=False),
        sa.Column("seen_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        _created_at(),
    )
    op.create_table(
        "failures",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", UtcTime, nullable=False, index=True),
    )
    op.create_table(
        "sign_ins",
        sa.Column("state", sa.String(64), primary_key=True),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False, index=True),
    )


def _add_columns() -> None:
    with op.batch_alter_table("tokens") as table:
        table.alter_column("role", server_default="", existing_type=sa.String(32))
        table.add_column(sa.Column("name", sa.String(255), nullable=False, server_default=""))
        table.add_column(sa.Column("actions", sa.JSON(none_as_null=True)))
        table.add_column(sa.Column("group_id", sa.String(64)))
        table.add_column(sa.Column("expires_at", UtcTime))
        table.add_column(sa.Column("used_at", UtcTime))
        table.create_foreign_key(op.f("fk_tokens_group_id_groups"), "groups", ["group_id"], ["id"])
        table.create_index("ix_tokens_owner", ["owner"])
    for name in ("repos", "runtimes", "apps"):
        with op.batch_alter_table(name) as table:
            is_optional = name == "apps"  # as its repo
            table.add_column(
                sa.Column(
                    "visibility",
                    sa.String(16),
                    nullable=is_optional,
                    server_default=None if is_optional else "public",
                )
            )
            groups = sa.Column(
                "groups", sa.JSON(none_as_null=True), nullable=False, server_default="[]"
            )
            table.add_column(groups)


def _register_owners(connection: sa.Connection) -> None:
    now = dt.datetime.now(dt.UTC)
    meta = sa.MetaData()
    groups, users, grants, tokens = (
        sa.Table(name, meta, autoload_with=connection)
        for name in ("groups", "users", "grants", "tokens")
    )
    connection.execute(
        groups.insert().values(id=_ROOT, name="", path="/", folded_path="/", created_at=now)
    )
    owners = sa.select(tokens.c.owner, sa.func.min(tokens.c.role).label("role"))
    for owner, role in connection.execute(owners.group_by(tokens.c.owner)).all():
        user_id = f"usr-{uuid.uuid4().hex}"
        connection.execute(
            users.insert().values(
                id=user_id,
                name=owner,
                folded_name=owner.casefold(),
                group_id=_ROOT,
                role=role,
                created_at=now,
            )
        )
        if role == "admin":
            connection.execute(
                grants.insert().values(
                    id=f"grt-{uuid.uuid4().hex}",
                    user_id=user_id,
                    role=role,
                    group_id=_ROOT,
                    created_at=now,
                )
            )
