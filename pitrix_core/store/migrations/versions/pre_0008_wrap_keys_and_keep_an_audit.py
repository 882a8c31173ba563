"""Keep data keys, wrapped, and who changed what, in rows that can only be added."""

import sqlalchemy as sa
from alembic import op

from pitrix_core.store.columns import BIG_SERIAL
from pitrix_core.store.engine import UtcTime

revision = "0008"
down_revision = "0007"

#: The audit only grows. What was exported may go, once it is written down where the chain begins.
SQLITE = (
    """
    CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    WHEN OLD.id > COALESCE((SELECT max(id) FROM audit_starts), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END
    """,
    """
    CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END
    """,
    """
    CREATE TRIGGER audit_starts_stay BEFORE DELETE ON audit_starts
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END
    """,
    """
    CREATE TRIGGER audit_starts_are_fixed BEFORE UPDATE ON audit_starts
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END
    """,
)
POSTGRESQL = (
    """
    CREATE FUNCTION pitrix_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the audit only grows'; END $$
    """,
    """
    CREATE FUNCTION pitrix_refuse_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.id > COALESCE((SELECT max(id) FROM audit_starts), 0) THEN
            RAISE EXCEPTION 'the audit only grows';
        END IF;
        RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION pitrix_refuse_kept()
    """,
    """
    CREATE TRIGGER audit_is_fixed BEFORE UPDATE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION pitrix_refuse()
    """,
    """
    CREATE TRIGGER audit_starts_are_fixed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_starts
    FOR EACH STATEMENT EXECUTE FUNCTION pitrix_refuse()
    """,
)


def upgrade() -> None:
    """Do it."""
    _add_data_keys()
    _add_audit()
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE if is_sqlite else POSTGRESQL:
        op.execute(statement)


def _add_data_keys() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", BIG_SERIAL, nullable=False),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("key_id", sa.String(255), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
    )
    op.add_column("secrets", sa.Column("data_key_id", sa.BigInteger))


def _add_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("token_id", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    for name in ("user", "action", "subject", "at"):
        op.create_index(f"ix_audit_{name}", "audit", [name, "id"])
    op.create_table(
        "audit_starts",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_starts")),
    )
