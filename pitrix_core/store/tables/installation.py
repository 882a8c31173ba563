"""The installation itself: secrets, events, and what processes share."""

import sqlalchemy as sa
from sqlalchemy import Column, Index, LargeBinary, String, Text

from pitrix_core.store.columns import BIG_SERIAL, ID, created_at, identity, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

installation = sa.Table("installation", metadata, identity(), created_at())

secrets = sa.Table(
    "secrets",
    metadata,
    identity(),
    owner(),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("data_key_id", sa.BigInteger),  # None: from before there were data keys
    created_at(),
)

data_keys = sa.Table(  # what secrets are encrypted with; never dropped
    "data_keys",
    metadata,
    Column("id", BIG_SERIAL, primary_key=True),  # the highest is used for what is new
    Column("provider", String(64), nullable=False),
    Column("key_id", String(255), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    created_at(),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("status", String(32)),  # None while the first request is at work
    Column("headers", sa.JSON(none_as_null=True)),
    Column("body", Text),
    created_at(),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

chores = sa.Table(
    "chores",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("done_at", UtcTime, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    Column("id", BIG_SERIAL, primary_key=True),
    owner(),
    Column("kind", String(64), nullable=False),
    Column("subject", ID, nullable=False),
    json("data"),
    Column("at", UtcTime, nullable=False),
    Index("ix_events_subject", "subject", "id"),
)
