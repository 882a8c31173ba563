"""How long a month's use takes to add up, of 10,000 clusters with six resources each.

Twice as many rows are of older months. Measured is what ``GET /v1/usage`` asks the store for, by
each of what can be asked. The ideal is one sum over the same rows, with nothing told apart.
"""

import argparse
import datetime as dt
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bench.databases import add_database_argument, databases
from pitrix_core.model.usage import UsageBy
from pitrix_core.store import Cipher, Store, make_engine, migrations, tables
from pitrix_core.store.usage import Period

#: What the store promises.
_TARGET_S: Final = 1.0
_MONTH: Final = Period(
    began_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), ended_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
)
_RESOURCES: Final = 6
_OLDER: Final = 2
_BATCH: Final = 5000


@attrs.frozen(kw_only=True)
class Result:
    """What was measured, in seconds; of several times the least, and the longest."""

    database: str
    clusters: int
    rows: int
    fastest_s: dict[str, float]
    slowest_s: dict[str, float]
    ideal_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    add_database_argument(parser)
    parser.add_argument("--clusters", type=int, default=10_000)
    parser.add_argument("-n", type=int, default=5, help="how often each is asked for")


def measure(typed: argparse.Namespace) -> Result:
    """Fill a database, and ask it.

    :raises MeasurementError: there is no PostgreSQL.
    """
    with tempfile.TemporaryDirectory() as folder, databases(typed.database) as new:
        engine = make_engine(new() or f"sqlite:///{Path(folder) / 'bench.db'}")
        store = Store(engine, cipher=Cipher(Fernet.generate_key()))
        try:
            migrations.upgrade(engine)
            rows = _fill(engine, clusters=typed.clusters)
            times = {str(by): _times(store, by, typed.n) for by in UsageBy}
            ideal_s = min(_timed(lambda: _sum(engine)) for _ in range(typed.n))
        finally:
            store.close()
    return Result(
        database=typed.database,
        clusters=typed.clusters,
        rows=rows,
        fastest_s={by: min(each) for by, each in times.items()},
        slowest_s={by: max(each) for by, each in times.items()},
        ideal_s=ideal_s,
    )


def is_sound(result: Result) -> bool:
    """Say whether it is as fast as promised."""
    return max(result.fastest_s.values()) < _TARGET_S


def to_json(result: Result) -> dict[str, Any]:
    """Return it for programs."""
    return {**attrs.asdict(result), "target_s": _TARGET_S}


def table(result: Result) -> str:
    """Return it for people."""
    lines = [
        f"{by:<8} {result.fastest_s[by]:7.3f} {result.slowest_s[by]:7.3f}"
        for by in result.fastest_s
    ]
    return "\n".join(
        (
            f"{result.clusters} clusters, {result.rows} rows, {result.database}",
            f"{'by':<8} {'least s':>7} {'most s':>7}",
            *lines,
            f"{'one sum':<8} {result.ideal_s:7.3f}",
        )
    )


def _times(store: Store, by: UsageBy, number: int) -> list[float]:
    def ask() -> None:
        with store.read() as tx:
            tx.usage.used(by, _MONTH)
            tx.usage.names(by, _MONTH)

    return [_timed(ask) for _ in range(number)]


def _sum(engine: sa.Engine) -> None:
    columns = tables.meters.c
    query = sa.select(sa.func.sum(columns.cpu)).where(columns.began_at < _MONTH.ended_at)
    with engine.connect() as connection:
        connection.execute(query).all()


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _fill(engine: sa.Engine, *, clusters: int) -> int:
    rows = list(_rows(clusters))
    with engine.begin() as connection:
        for first in range(0, len(rows), _BATCH):
            connection.execute(tables.meters.insert(), rows[first : first + _BATCH])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    return len(rows)


def _rows(clusters: int) -> Iterator[dict[str, Any]]:
    """Yield machines and volumes, of which some end within the month, and older ones."""
    for number in range(clusters):
        began_at = _MONTH.began_at + dt.timedelta(hours=number % 700)
        ended_at = None if number % 3 else began_at + dt.timedelta(hours=200)
        for place in range(_RESOURCES):
            row = _row(number, place)
            yield {**row, "began_at": began_at, "ended_at": ended_at}
            for older in range(1, _OLDER + 1):
                past = _MONTH.began_at - older * dt.timedelta(days=40)
                key = f"{row['request_key']}-{older}"
                end = past + dt.timedelta(days=20)
                yield {**row, "request_key": key, "began_at": past, "ended_at": end}


def _row(number: int, place: int) -> dict[str, Any]:
    is_machine = place % 2 == 0
    return {
        "request_key": f"t-{number}-{place}",
        "number": 1,
        "cluster_id": f"cl-{number}",
        "owner": f"user{number % 500}",
        "app_id": f"app-{number % 200}",
        "app_version_id": f"appv-{number % 900}",
        "runtime_id": f"rt-{number % 10}",
        "interface": "compute" if is_machine else "volume",
        "resource_id": f"i-{number}-{place}",
        "cpu": 2 if is_machine else 0,
        "memory_mib": 4096 if is_machine else 0,
        "disk_gib": 0 if is_machine else 50,
        "price_millionths": 7_300_000 + place,  # each at its own: nothing falls together
        "currency": "EUR",
    }
