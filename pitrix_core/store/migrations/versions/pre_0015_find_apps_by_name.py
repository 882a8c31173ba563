"""Find apps by their names, of which a catalogue has tens of thousands."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Do it."""
    op.create_index("ix_apps_name", "apps", ["name"])
