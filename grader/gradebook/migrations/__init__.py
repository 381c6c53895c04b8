"""How the tables of an older grader are brought up to those of this one, with Alembic.

Each file in versions/ is one step, and names the one before it; the last of them is
`tables.REVISION`. A step knows the tables as they were at its time, never those of tables.py, and
makes of them exactly what tables.py would create; a test compares the two.

Importing Alembic takes as long as a short command does, so this is imported only if it is needed.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert

from grader.gradebook.tables import alembic_version

FIRST = "0001"  # the tables of those gradebooks that do not say their revision


def bring_up(connection: Connection) -> None:
    """Bring the tables up to the newest revision, within the transaction that is given."""
    if not connection.dialect.has_table(connection, alembic_version.name):
        alembic_version.create(connection)
        connection.execute(insert(alembic_version).values(version_num=FIRST))
    upgrade(connection, "head")


def upgrade(connection: Connection, revision: str) -> None:
    """Take the steps from the revision that a database says it has to another one."""
    config = Config()
    config.set_main_option("script_location", "grader.gradebook:migrations")
    config.attributes["connection"] = connection  # see env.py
    command.upgrade(config, revision)
