"""Reviews of app versions that are under way, and every move versions have made."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, String, Text

from pitrix_core.store.columns import BIG_SERIAL, ID, created_at, json, owner
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

reviews = sa.Table(
    "reviews",
    metadata,
    Column("app_version_id", ID, ForeignKey("app_versions.id"), primary_key=True),
    owner(),  # of the version
    json("phases"),  # those that are left, the one it is in first
    Column("reviewer", String(255)),  # who has taken this phase
    json("passed_by"),  # who has passed the phases before
    Column("submitted_by", String(255), nullable=False),
    created_at(),
)

transitions = sa.Table(
    "transitions",
    metadata,
    Column("id", BIG_SERIAL, primary_key=True),
    Column("app_version_id", ID, ForeignKey("app_versions.id"), nullable=False),
    owner(),  # of the version
    Column("actor", String(255), nullable=False),
    Column("move", String(32), nullable=False),
    Column("source", String(32)),  # None for a version that is new
    Column("target", String(32), nullable=False),
    Column("phase", String(32)),  # of the review, where it is about one
    Column("reason", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index("ix_transitions_version", "app_version_id", "id"),
)
