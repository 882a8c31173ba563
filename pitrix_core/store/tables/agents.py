"""Frontgates, and the messages to and from them."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String

from pitrix_core.store.columns import BIG_SERIAL, ID, created_at, identity, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

frontgates = sa.Table(
    "frontgates",
    metadata,
    identity(),
    owner(),
    Column("cluster_id", ID, ForeignKey("clusters.id"), nullable=False, unique=True),
    Column("runtime_id", ID, nullable=False),
    Column("network_id", String(255), nullable=False),
    Column("secret_id", ID, ForeignKey("secrets.id"), nullable=False),  # the first it shows
    json("endpoints"),
    Column("protocol", Integer, nullable=False, server_default="1"),
    Column("version", String(64)),
    # tokens of other generations are worth nothing
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("enrolment_sha256", String(64)),  # None once it was used
    Column("enrolment_expires_at", UtcTime),
    Column("token_expires_at", UtcTime),  # of the last one that was given
    Column("pilot_id", ID),
    # counts up with every connection, and when one is no longer wanted
    Column("connection", Integer, nullable=False, server_default="0"),
    Column("connected_at", UtcTime),
    Column("seen_at", UtcTime),
    Column("removed_at", UtcTime),
    Index(
        "uq_frontgates_place",
        "runtime_id",
        "network_id",
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    ),
)

outbox = sa.Table(
    "outbox",
    metadata,
    Column("sequence", BIG_SERIAL, primary_key=True),
    Column("id", String(128), nullable=False, unique=True),  # the frame's id
    Column("frontgate_id", ID, ForeignKey("frontgates.id"), nullable=False),
    Column("type", String(64), nullable=False),
    json("body"),
    created_at(),
    Column("acked_at", UtcTime, index=True),
    Index("ix_outbox_pending", "frontgate_id", "acked_at"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    Column("id", String(255), primary_key=True),  # frontgate's id and the frame's
    Column("frontgate_id", ID, nullable=False),
    Column("type", String(64), nullable=False),
    Column("reply_to", String(128), index=True),
    json("body"),
    Column("at", UtcTime, nullable=False, index=True),
)
