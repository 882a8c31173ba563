"""Pictures of apps: where they are from, and their checked content."""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Text

from pitrix_core.store.columns import ID, created_at
from pitrix_core.store.tables.metadata import metadata

assets = sa.Table(
    "assets",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("media_type", String(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    created_at(),
)

app_pictures = sa.Table(
    "app_pictures",
    metadata,
    Column("app_id", ID, ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),  # 0 is the icon, others are screenshots
    Column("source", Text, nullable=False),  # a URL, or a path in the package
    Column("digest", String(80), ForeignKey("assets.digest")),
    Column("problem", Text),  # why it is not there; NULL where it is, or was not tried
)
