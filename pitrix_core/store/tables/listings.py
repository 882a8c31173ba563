"""The catalogue as people browse it: what is worked out of apps and versions, and categories.

The words of a listing are in ``app_texts``, which the migration makes: a virtual table of SQLite's
FTS5, or on PostgreSQL a table with a ``tsvector``; see :mod:`pitrix_core.store.texts`.
"""

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, String, Text

from pitrix_core.store.columns import BIG_SERIAL, ID, created_at, identity, json
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

app_listings = sa.Table(  # one for each app, made anew whenever something of it changes
    "app_listings",
    metadata,
    Column("number", BIG_SERIAL, primary_key=True),  # what ``app_texts`` names it by
    Column("app_id", ID, ForeignKey("apps.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("sort_name", String(255), nullable=False),
    Column("app_type", String(64)),
    Column("latest_id", ID),  # NULL: no version is on offer
    Column("latest_version", String(255)),
    Column("versions", Integer, nullable=False),
    Column("pre_releases", Integer, nullable=False),
    json("info"),  # what the latest version says of the app
    Column("released_at", UtcTime, nullable=False),
    Column("readme", Text, nullable=False),  # its words, to be found by
    Column("gathered_from", ID),  # version whose package readme and images are from
    Column("gather_at", UtcTime),  # when there is something to gather; NULL: there is not
    Column("gather_failures", Integer, nullable=False),
    Index("ix_app_listings_sort_name", "sort_name", "number"),
    Index("ix_app_listings_released_at", "released_at", "number"),
    Index("ix_app_listings_gather_at", "gather_at"),
)

app_terms = sa.Table(  # what listings are filtered and counted by
    "app_terms",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("value", String(255), primary_key=True),
    Column(
        "number",
        sa.BigInteger().with_variant(Integer, "sqlite"),
        ForeignKey("app_listings.number", ondelete="CASCADE"),
        primary_key=True,
        index=True,
        autoincrement=False,
    ),
)

categories = sa.Table(
    "categories",
    metadata,
    identity(),
    Column("name", String(255), nullable=False, unique=True),
    Column("parent_id", ID, ForeignKey("categories.id")),
    json("titles"),  # language → title
    created_at(),
)

app_categories = sa.Table(  # chosen by hand: packages' own words do not count for these apps
    "app_categories",
    metadata,
    Column("app_id", ID, ForeignKey("apps.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", ID, ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True),
)

repo_categories = sa.Table(  # of apps that say nothing themselves
    "repo_categories",
    metadata,
    Column("repo_id", ID, ForeignKey("repos.id", ondelete="CASCADE"), primary_key=True),
    Column("category_id", ID, ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True),
)
