"""Databases of both kinds; a PostgreSQL server is started once, for whoever asks first.

What Hypothesis draws is the same in every run, so that a change is judged by what it changed;
``pytest --hypothesis-profile explore`` draws anew.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

from pitrix_core.store import make_engine, migrations, tables
from pitrix_core.testing.postgresql_server import (
    PostgresqlMissingError,
    PostgresqlServer,
    postgresql_server,
)

# How long a draw takes says something of the machine, and nothing of what is tested.
hypothesis.settings.register_profile(
    "explore",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "suite", hypothesis.settings.get_profile("explore"), derandomize=True, database=None
)
hypothesis.settings.load_profile("suite")

#: Ends what tests before this one have left open.
_CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
#: Rows first that refer to others; faster than TRUNCATE, where tables are nearly empty.
_TABLES = [table.name for table in reversed(tables.metadata.sorted_tables)]
_DELETES = ";".join(f"DELETE FROM {name}" for name in _TABLES)  # noqa: S608  # our own tables
#: Triggers keep the audit from losing rows; but not those of a replica.
_EMPTY = f"SET LOCAL session_replication_role = replica; {_DELETES}"
_COUNT_ANEW = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"


@pytest.fixture(scope="session", autouse=True)
def _careless_sqlite() -> Iterator[None]:
    """Have databases on SQLite not wait for the disk: none outlives the machine."""

    def relax(connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA synchronous=OFF")

    sa.event.listen(sa.Engine, "engine_connect", relax)
    yield
    sa.event.remove(sa.Engine, "engine_connect", relax)


@pytest.fixture(scope="session")
def shared_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that all tests share: none may stop it."""
    pytest.importorskip("psycopg", reason="pip install 'pitrix-core[postgresql]'")
    try:
        with postgresql_server() as server:
            yield server
    except PostgresqlMissingError as ex:
        pytest.skip(str(ex))


@pytest.fixture(scope="session")
def _migrated_postgresql(shared_postgresql: PostgresqlServer) -> str:
    engine = make_engine(shared_postgresql.url())
    migrations.upgrade(engine)
    engine.dispose()
    return shared_postgresql.url()


@pytest.fixture(scope="session")
def empty_tables() -> Callable[[sa.Engine], None]:
    """Return a function that makes a migrated database on PostgreSQL as good as new."""

    def empty(engine: sa.Engine) -> None:
        with engine.begin() as connection:
            for statement in (_EMPTY, _COUNT_ANEW):
                connection.execute(sa.text(statement))

    return empty


@pytest.fixture
def postgresql_url(_migrated_postgresql: str, empty_tables: Callable[[sa.Engine], None]) -> str:
    """A database on PostgreSQL with this version's tables and nothing in them."""
    engine = make_engine(_migrated_postgresql)
    with engine.begin() as connection:
        connection.execute(sa.text(_CUT_OFF))
    empty_tables(engine)
    engine.dispose()
    return _migrated_postgresql


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    engine = make_engine(f"sqlite:///{path}")
    migrations.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(_migrated_sqlite: Path, tmp_path: Path) -> str:
    """A database on SQLite with this version's tables and nothing in them."""
    shutil.copy(_migrated_sqlite, tmp_path / "pitrix.db")
    return f"sqlite:///{tmp_path / 'pitrix.db'}"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """An empty database; on SQLite, unless a test asks for another kind."""
    url: str = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, of one kind and of the other."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
