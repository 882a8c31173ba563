"""What indexers know: whose turn a repo is, and what its index says of each version."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Text

from pitrix_core.store.columns import ID, json
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

indexing = sa.Table(  # a row for each repo that was ever indexed
    "indexing",
    metadata,
    Column("repo_id", ID, ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("due_at", UtcTime, nullable=False),
    Column("fence", Integer, nullable=False),  # counts the indexers that had their turn
    Column("leased_until", UtcTime),  # NULL: no indexer is at it
    Column("tag", Text),  # of the index that was read last
    Column("failures", Integer, nullable=False),  # in a row
    Column("failure", Text),  # why the last one failed
    Column("failing_since", UtcTime),  # when the first of these failed
    json("findings"),  # in the index itself
)

index_entries = sa.Table(  # a row for each version that came from an index
    "index_entries",
    metadata,
    Column("version_id", ID, ForeignKey("app_versions.id", ondelete="CASCADE"), primary_key=True),
    Column("repo_id", ID, ForeignKey("repos.id", ondelete="CASCADE"), nullable=False),
    Column("fingerprint", String(64), nullable=False),  # of all that the index says of it
    Column("digest", String(80)),  # of the archive, as the index says; NULL where it does not
    json("urls"),
    Column("rank", Integer, nullable=False),  # 0: the newest of its app; these are read first
    Column("is_unread", Boolean, nullable=False),
    Column("is_unreadable", Boolean, nullable=False),  # the last try failed, and not for a moment
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime),  # when it is to be read; NULL: when somebody asks for it
    Index("ix_index_entries_repo", "repo_id", "is_unread"),
    Index("ix_index_entries_due_at", "due_at"),
)
