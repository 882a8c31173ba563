"""Users and their groups, roles and grants, and what they show to say who they are."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Text

from pitrix_core.store.columns import ID, created_at, identity, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

groups = sa.Table(
    "groups",
    metadata,
    identity(),
    Column("name", String(255), nullable=False),
    Column("parent_id", ID, ForeignKey("groups.id"), index=True),  # None for the root alone
    Column("path", Text, nullable=False, unique=True),  # of names: /acme/web
    Column("folded_path", Text, nullable=False, unique=True),  # no two may look alike
    created_at(),
)

users = sa.Table(
    "users",
    metadata,
    identity(),
    Column("name", String(255), nullable=False, unique=True),  # what columns `owner` hold
    Column("folded_name", String(255), nullable=False, unique=True),
    Column("group_id", ID, ForeignKey("groups.id"), nullable=False, index=True),
    Column("role", String(64), nullable=False),  # for what is theirs
    Column("email", String(255)),
    Column("password_hash", String(255)),  # None for who has none here
    Column("issuer", Text),  # of OpenID Connect, and the name it has for them
    Column("subject", String(255)),
    Column("disabled_at", UtcTime),
    created_at(),
    Index("uq_users_subject", "issuer", "subject", unique=True),
)

former_users = sa.Table(  # their names are nobody else's: what happened bears them
    "former_users",
    metadata,
    Column("folded_name", String(255), primary_key=True),
    Column("issuer", Text),  # as of ``users``: who comes back is known by these
    Column("subject", String(255)),
    Column("deleted_at", UtcTime, nullable=False),
)

roles = sa.Table(  # beside the built-in ones
    "roles",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("folded_name", String(64), nullable=False, unique=True),
    json("actions"),
    created_at(),
)

grants = sa.Table(
    "grants",
    metadata,
    identity(),
    Column("user_id", ID, ForeignKey("users.id"), nullable=False),
    Column("role", String(64), nullable=False),
    Column("group_id", ID, ForeignKey("groups.id"), nullable=False, index=True),
    created_at(),
    sa.UniqueConstraint("user_id", "role", "group_id"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    identity(),
    owner(),
    Column("name", String(255), nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the token
    Column("role", String(32), nullable=False, server_default=""),  # of releases without users
    Column("actions", sa.JSON(none_as_null=True)),  # None for all that its owner may do
    Column("group_id", ID, ForeignKey("groups.id")),  # only with things of these people
    Column("expires_at", UtcTime),
    Column("used_at", UtcTime),
    created_at(),
    Index("ix_tokens_owner", "owner"),
)

sessions = sa.Table(  # of browsers
    "sessions",
    metadata,
    identity(),
    Column("user_id", ID, ForeignKey("users.id"), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),  # SHA-256 of the cookie
    Column("address", String(64), nullable=False),
    Column("agent", String(255), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    created_at(),
)

failures = sa.Table(  # logins that failed
    "failures",
    metadata,
    Column("key", String(64), primary_key=True),  # SHA-256 of the account's name, or the address
    Column("count", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False, index=True),
)

sign_ins = sa.Table(  # under way at an OpenID Connect issuer
    "sign_ins",
    metadata,
    Column("state", String(64), primary_key=True),  # SHA-256 of it
    Column("issuer", Text, nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("expires_at", UtcTime, nullable=False, index=True),
)
