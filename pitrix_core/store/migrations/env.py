"""Run by Alembic: uses the connection that the caller opened, inside its transaction."""

from alembic import context

from pitrix_core.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
