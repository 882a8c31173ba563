"""An installation that is brought to this version meters what it has, and counts it for quotas."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pitrix_core.store import make_engine, migrations, tables

MADE_AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
GONE_AT = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """A database as the version before metering left it, with the tables of that."""
    engine = make_engine(f"sqlite:///{tmp_path / 'pitrix.db'}")
    migrations.upgrade(engine, revision="0005")
    with engine.begin() as connection:
        old = sa.MetaData()
        old.reflect(connection)
        for table, row in _rows():
            connection.execute(old.tables[table].insert().values(**row))
    migrations.upgrade(engine)
    yield engine
    engine.dispose()


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a cluster of one node with a machine and a volume, a deleted one, and a hidden one."""
    made = {"owner": "alice", "created_at": _naive(MADE_AT)}
    no_json = {"settings": {}, "labels": {}, "limits": {}}
    yield (
        "runtimes",
        {
            **made,
            **no_json,
            "id": "rt-1",
            "name": "here",
            "provider": "fake",
            "zone": "",
            "throw_away": False,
            "state": "active",
        },
    )
    for cluster_id, state, hidden in (
        ("cl-1", "active", False),
        ("cl-2", "deleted", False),
        ("cl-3", "active", True),
    ):
        yield (
            "clusters",
            {
                **made,
                "id": cluster_id,
                "name": cluster_id,
                "state": state,
                "runtime_id": "rt-1",
                "app_version_id": "ver-1",
                "hidden": hidden,
                "revision": 1,
                "metadata_revision": 0,
                "config": {},
                "endpoints": {},
                "updated_at": _naive(MADE_AT),
            },
        )
    yield (
        "nodes",
        {
            "id": "cln-1",
            "cluster_id": "cl-1",
            "owner": "alice",
            "role": "",
            "sid": 1,
            "gid": 1,
            "gsid": 1,
            "state": "running",
            "planned": {"cpu": 2, "memory_mib": 2048, "volume_gib": 20},
            "facts": {},
            "agent": {},
        },
    )
    for key, kind, cluster_id, released_at in (
        ("req-vm", "compute.create", "cl-1", None),
        ("req-disk", "volume.create", "cl-1", None),
        ("req-net", "network.ensure", "cl-1", None),
        ("req-old", "compute.create", "cl-2", GONE_AT),
    ):
        yield (
            "resources",
            {
                **made,
                "request_key": key,
                "cluster_id": cluster_id,
                "runtime_id": "rt-1",
                "kind": kind,
                "resource_id": f"of-{key}",
                "node_id": "cln-1" if cluster_id == "cl-1" else None,
                "outputs": {},
                "released_at": None if released_at is None else _naive(released_at),
            },
        )


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a time as SQLite keeps it."""
    return moment.replace(tzinfo=None)


def test_what_was_made_is_metered_from_then_on(engine: sa.Engine) -> None:
    """Until it was released, of the size that its node was planned with; networks are left out."""
    columns = tables.meters.c
    query = sa.select(
        columns.request_key,
        columns.began_at,
        columns.ended_at,
        columns.cpu,
        columns.memory_mib,
        columns.disk_gib,
    ).order_by(columns.request_key)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(query)]

    assert found == [
        ("req-disk", MADE_AT, None, 0, 0, 20),
        ("req-old", MADE_AT, GONE_AT, 0, 0, 0),
        ("req-vm", MADE_AT, None, 2, 2048, 0),
    ]


def test_what_is_there_counts_for_quotas(engine: sa.Engine) -> None:
    """Not what is deleted, nor what pitrix made for itself."""
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.select(tables.allotments))]

    assert found == [("cl-1", 1, 2, 2048, 20, None, None)]
