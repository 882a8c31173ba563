"""Whoever had a token before there were users is one afterwards."""

from pathlib import Path

import sqlalchemy as sa

from pitrix_core.model.access import Action
from pitrix_core.store import make_engine, migrations
from pitrix_core.store.access import AccessRepository


def test_owners_of_tokens_become_users(tmp_path: Path) -> None:
    """With the rights that the token gave them: all of them, or those with what is theirs."""
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    migrations.upgrade(engine, revision="0006")
    insert = "INSERT INTO tokens (id, owner, digest, role, created_at) VALUES (?, ?, ?, ?, ?)"
    with engine.begin() as connection:
        for owner, role in (("admin", "admin"), ("Bob", "user")):
            row = (f"tok-{owner}", owner, f"digest-{owner}", role, "2026-01-01 00:00:00")
            connection.exec_driver_sql(insert, row)

    migrations.upgrade(engine)

    with engine.begin() as connection:
        access = AccessRepository(connection)
        admin, bob = access.actor("admin"), access.actor("Bob")
        rows = connection.execute(sa.text("SELECT owner, name, actions FROM tokens ORDER BY owner"))
        tokens = [tuple(row) for row in rows]
    engine.dispose()
    assert admin is not None
    assert admin.is_admin
    assert bob is not None
    assert Action.CLUSTERS_WRITE in bob.actions
    assert not bob.may_within(Action.CLUSTERS_READ, "/")
    assert tokens == [("Bob", "", None), ("admin", "", None)]
