"""What Alembic executes to run the steps: it is given the connection, in a transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
