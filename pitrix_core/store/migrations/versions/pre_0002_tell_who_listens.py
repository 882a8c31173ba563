"""Tell who listens what was written; only PostgreSQL can."""

from alembic import op

revision = "0002"
down_revision = "0001"

#: Statements for ``store/wakeups.py``. What is told several times in a transaction is heard once.
TELLING = (
    """
    CREATE FUNCTION pitrix_tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('pitrix', TG_ARGV[0]); RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER tell_of_new_tasks AFTER INSERT ON tasks FOR EACH ROW
    WHEN (NEW.state = 'ready' AND NEW.run_at <= clock_timestamp())
    EXECUTE FUNCTION pitrix_tell('tasks')
    """,
    """
    CREATE TRIGGER tell_of_ready_tasks AFTER UPDATE OF state, run_at ON tasks FOR EACH ROW
    WHEN (NEW.state = 'ready' AND NEW.run_at <= clock_timestamp())
    EXECUTE FUNCTION pitrix_tell('tasks')
    """,
    """
    CREATE TRIGGER tell_of_outbox AFTER INSERT ON outbox FOR EACH STATEMENT
    EXECUTE FUNCTION pitrix_tell('outbox')
    """,
    """
    CREATE TRIGGER tell_of_events AFTER INSERT ON events FOR EACH STATEMENT
    EXECUTE FUNCTION pitrix_tell('events')
    """,
)


def upgrade() -> None:
    """Do it."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in TELLING:
            op.execute(statement)
