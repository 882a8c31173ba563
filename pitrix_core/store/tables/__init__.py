"""Every table. Changing one needs a migration beside it (``migrations/versions``)."""

from pitrix_core.store.tables.access import (
    failures,
    former_users,
    grants,
    groups,
    roles,
    sessions,
    sign_ins,
    tokens,
    users,
)
from pitrix_core.store.tables.agents import frontgates, inbox, outbox
from pitrix_core.store.tables.assets import app_pictures, assets
from pitrix_core.store.tables.audit import audit, audit_starts
from pitrix_core.store.tables.catalogue import app_versions, apps, packages, repos
from pitrix_core.store.tables.clusters import (
    clusters,
    lanes,
    nodes,
    plans,
    resources,
    runtimes,
    samples,
)
from pitrix_core.store.tables.indexing import index_entries, indexing
from pitrix_core.store.tables.installation import (
    chores,
    data_keys,
    events,
    idempotency_keys,
    installation,
    secrets,
)
from pitrix_core.store.tables.jobs import HAS_SUCCEEDED, jobs, runners, task_edges, tasks
from pitrix_core.store.tables.listings import (
    app_categories,
    app_listings,
    app_terms,
    categories,
    repo_categories,
)
from pitrix_core.store.tables.metadata import metadata
from pitrix_core.store.tables.reviews import reviews, transitions
from pitrix_core.store.tables.usage import allotments, meters, quotas

__all__ = [
    "HAS_SUCCEEDED",
    "allotments",
    "app_categories",
    "app_listings",
    "app_pictures",
    "app_terms",
    "app_versions",
    "apps",
    "assets",
    "audit",
    "audit_starts",
    "categories",
    "chores",
    "clusters",
    "data_keys",
    "events",
    "failures",
    "former_users",
    "frontgates",
    "grants",
    "groups",
    "idempotency_keys",
    "inbox",
    "index_entries",
    "indexing",
    "installation",
    "jobs",
    "lanes",
    "metadata",
    "meters",
    "nodes",
    "outbox",
    "packages",
    "plans",
    "quotas",
    "repo_categories",
    "repos",
    "resources",
    "reviews",
    "roles",
    "runners",
    "runtimes",
    "samples",
    "secrets",
    "sessions",
    "sign_ins",
    "task_edges",
    "tasks",
    "tokens",
    "transitions",
    "users",
]
