"""What Alembic runs: the versions that are missing, on the connection and in the transaction it is given."""

from alembic import context

from dashboard.state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
