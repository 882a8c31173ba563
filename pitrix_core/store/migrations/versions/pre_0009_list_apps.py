"""Keep what the catalogue is browsed by: listings and their words, categories, pictures."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.engine import UtcTime

revision = "0009"
down_revision = "0008"

_ID = sa.String(64)
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Do it."""
    _create_listings()
    _create_categories()
    _create_pictures()
    _create_texts()


def _create_listings() -> None:
    op.create_table(
        "app_listings",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("app_id", _ID, nullable=False),
        sa.Column("sort_name", sa.String(255), nullable=False),
        sa.Column("app_type", sa.String(64)),
        sa.Column("latest_id", _ID),
        sa.Column("latest_version", sa.String(255)),
        sa.Column("versions", sa.Integer, nullable=False),
        sa.Column("pre_releases", sa.Integer, nullable=False),
        sa.Column("info", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("released_at", UtcTime, nullable=False),
        sa.Column("readme", sa.Text, nullable=False),
        sa.Column("gathered_from", _ID),
        sa.Column("gather_at", UtcTime),
        sa.Column("gather_failures", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["app_id"], ["apps.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("app_id"),
    )
    for column in ("sort_name", "released_at"):
        op.create_index(f"ix_app_listings_{column}", "app_listings", [column, "number"])
    op.create_index("ix_app_listings_gather_at", "app_listings", ["gather_at"])
    op.create_table(
        "app_terms",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("value", sa.String(255), primary_key=True),
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(["number"], ["app_listings.number"], ondelete="CASCADE"),
    )
    op.create_index("ix_app_terms_number", "app_terms", ["number"])


def _create_categories() -> None:
    op.create_table(
        "categories",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(255), nullable=False, unique=True),
        sa.Column("parent_id", _ID, sa.ForeignKey("categories.id")),
        sa.Column("titles", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
    )
    for thing in ("app", "repo"):
        op.create_table(
            f"{thing}_categories",
            _reference(f"{thing}_id", f"{thing}s.id"),
            _reference("category_id", "categories.id"),
        )


def _reference(name: str, target: str) -> "sa.Column[str]":
    key = sa.ForeignKey(target, ondelete="CASCADE")
    return sa.Column(name, _ID, key, primary_key=True)


def _create_pictures() -> None:
    op.create_table(
        "assets",
        sa.Column("digest", sa.String(80), primary_key=True),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
    )
    op.create_table(
        "app_pictures",
        _reference("app_id", "apps.id"),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("digest", sa.String(80), sa.ForeignKey("assets.digest")),
        sa.Column("problem", sa.Text),
    )


def _create_texts() -> None:
    """Make the words' own table; see ``pitrix_core/store/texts.py``."""
    for statement in _ON_SQLITE if op.get_bind().dialect.name == "sqlite" else _ON_POSTGRESQL:
        op.execute(statement)


_ON_SQLITE = (
    """
    CREATE VIRTUAL TABLE app_texts USING fts5(
        name, title, keywords, about, readme, prefix='2 3', tokenize='unicode61 remove_diacritics 0'
    )
    """,
    """
    CREATE TRIGGER app_texts_go AFTER DELETE ON app_listings
    BEGIN DELETE FROM app_texts WHERE rowid = old.number; END
    """,
)
_ON_POSTGRESQL = (
    """
    CREATE TABLE app_texts (
        number BIGINT PRIMARY KEY REFERENCES app_listings (number) ON DELETE CASCADE,
        names TSVECTOR NOT NULL,
        document TSVECTOR NOT NULL
    )
    """,
    "CREATE INDEX ix_app_texts_names ON app_texts USING gin (names)",
    "CREATE INDEX ix_app_texts_document ON app_texts USING gin (document)",
)
