"""Who changed what: rows that are only ever added; triggers refuse everything else."""

import sqlalchemy as sa
from sqlalchemy import Column, Index, String

from pitrix_core.store.columns import ID, created_at, json
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

audit = sa.Table(
    "audit",
    metadata,
    Column("id", sa.BigInteger, primary_key=True, autoincrement=False),  # without gaps
    Column("at", UtcTime, nullable=False),
    Column("user", String(255), nullable=False),
    Column("token_id", ID, nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    json("before"),
    json("after"),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_user", "user", "id"),
    Index("ix_audit_action", "action", "id"),
    Index("ix_audit_subject", "subject", "id"),
    Index("ix_audit_at", "at", "id"),
)

audit_starts = sa.Table(  # entries up to the last of these may be dropped, and nothing else
    "audit_starts",
    metadata,
    Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    created_at(),
)
