"""Brings a database to this version's tables (Alembic).

Revisions come in halves: ``pre_`` ones only add, so that the last release goes on working beside
this one during a rolling upgrade; ``post_`` ones take away, once no process of it is left.
"""

from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa

from pitrix_core.store.engine import Turn, take_turn


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest revision; does nothing when it is there already."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        take_turn(connection, Turn.MIGRATION)  # of several processes that start, one does it
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
