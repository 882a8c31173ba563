"""Migrations and tables say the same."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from pitrix_core.store import make_engine, migrations, tables


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """An engine on a file that is not there yet."""
    return make_engine(f"sqlite:///{tmp_path / 'pitrix.db'}")


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Say whether a table is one of ours, and not of those of SQLite's FTS5."""
    return kind != "table" or not (name or "").startswith("app_texts")


def test_an_empty_database_gets_exactly_the_tables(engine: sa.Engine) -> None:
    """After every migration nothing is left to be generated."""
    migrations.upgrade(engine)

    with engine.connect() as connection:
        opts = {"compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=opts)
        differences = compare_metadata(context, tables.metadata)
    engine.dispose()
    assert differences == []


def test_upgrading_again_changes_nothing(engine: sa.Engine) -> None:
    """A second process that starts finds everything done."""
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO runners VALUES ('run-1', 'n', '2026-01-01')"))

    migrations.upgrade(engine)

    with engine.connect() as connection:
        names = connection.scalars(sa.text("SELECT name FROM runners")).all()
        revision = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    assert list(names) == ["n"]
    assert revision == ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


def test_a_failed_upgrade_leaves_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is one transaction."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)

    with pytest.raises(OSError, match="disk full"):
        migrations.upgrade(engine)

    with engine.connect() as connection:
        left = sa.inspect(connection).get_table_names()
    engine.dispose()
    assert left == []
