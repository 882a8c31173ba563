"""Repos, apps, their versions, and the packages' bytes."""

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, ForeignKey, LargeBinary, String, Text

from pitrix_core.store.columns import ID, created_at, identity, json, owner, visibility
from pitrix_core.store.engine import UtcTime
from pitrix_core.store.tables.metadata import metadata

repos = sa.Table(
    "repos",
    metadata,
    identity(),
    owner(),
    Column("name", String(255), nullable=False, unique=True),
    Column("kind", String(64), nullable=False, server_default="file"),
    Column("url", Text, nullable=False),
    json("settings", default="{}"),
    Column("credential_id", ID, ForeignKey("secrets.id")),
    json("labels", default="{}"),
    json("providers"),
    json("selectors"),
    json("trusted_keys"),
    visibility(),
    json("groups", default="[]"),
    Column("default_state", String(32), nullable=False, server_default="active"),
    Column("index_interval_s", Float),  # None: as the installation says
    Column("is_enabled", Boolean, nullable=False, server_default=sa.true()),
    Column("removed_at", UtcTime),
    Column("index_digest", String(80)),
    Column("indexed_at", UtcTime),
    json("findings"),
    created_at(),
)

packages = sa.Table(
    "packages",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("content", LargeBinary, nullable=False),
    created_at(),
)

apps = sa.Table(
    "apps",
    metadata,
    identity(),
    owner(),
    Column("repo_id", ID, ForeignKey("repos.id"), nullable=False),
    Column("name", String(255), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("visibility", String(16)),  # None: as its repo
    json("groups", default="[]"),
    created_at(),
    sa.UniqueConstraint("repo_id", "name"),
)

app_versions = sa.Table(
    "app_versions",
    metadata,
    identity(),
    owner(),
    Column("app_id", ID, ForeignKey("apps.id"), nullable=False),
    Column("version", String(255), nullable=False),
    Column("app_version", String(255), nullable=False),
    Column("app_type", String(64)),  # NULL until the package was read, as the next one
    Column("digest", String(80), ForeignKey("packages.digest")),
    Column("signed_by", String(16)),  # the id of a key of minisign's
    Column("state", String(32), nullable=False),
    json("info"),
    json("findings"),
    Column("removed_at", UtcTime),  # since when no index lists it any more
    created_at(),
    sa.UniqueConstraint("app_id", "version"),
)
