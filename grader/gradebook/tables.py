"""The five tables of the gradebook, and the version of their schema."""

from datetime import UTC, datetime

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    inspect,
)

SCHEMA = 1


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no offset, so it is put back on what is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse what has no offset: it would be a guess by how much work is late."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return it in UTC, with the offset."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Message(TypeDecorator[str]):
    """Text that a student may have a hand in: PostgreSQL takes no NUL in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Show a NUL as U+FFFD."""
        return None if value is None else value.replace("\0", "\ufffd")


metadata = MetaData()

# The comment is the schema's version where a database keeps comments; see `version`.
students = Table(
    "students",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    comment=str(SCHEMA),
)

# A graded file. `key` tells apart all that determines a score, so the same bytes of two students
# are one row; `record` is the whole result.json, as compact JSON.
submissions = Table(
    "submissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("sha256", Text),  # of all files that the record is about
    Column("status", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("max_score", Float, nullable=False),
    Column("loss_manual", Float),
    Column("loss_net", Float),
    Column("seconds", Float, nullable=False),
    Column("seed", Text, nullable=False),  # up to 2**64: more than a BIGINT holds
    Column("grader_version", Text, nullable=False),
    Column("graded_at", Moment, nullable=False),
    Column("record", Text, nullable=False),
)

criteria = Table(
    "criteria",
    metadata,
    Column("submission_id", ForeignKey(submissions.c.id), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("points", Float, nullable=False),
    Column("max_points", Float, nullable=False),
    Column("error", Float),
    Column("message", Message, nullable=False),
    Column("diagnosis", Text),
)

# That a student handed in a submission. Days late are not stored: they follow from `handed_in`
# and the policy of now, so that a new due date needs no new grading.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student_id", ForeignKey(students.c.id), nullable=False),
    Column("submission_id", ForeignKey(submissions.c.id), nullable=False),
    Column("handed_in", Moment, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    UniqueConstraint("student_id", "submission_id"),
)

# Rows are never changed or removed: what is in force follows from their order.
overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student_id", ForeignKey(students.c.id), nullable=False, index=True),
    Column("criterion", Text),
    Column("points", Float),
    Column("late_days", Float),
    Column("who", Message, nullable=False),
    Column("at", Moment, nullable=False),
    Column("why", Message, nullable=False),
)


def version(connection: Connection) -> str | None:
    """Return the version of the schema in a database, None where it has none of these tables."""
    if not inspect(connection).has_table(students.name):
        return None
    if connection.dialect.name == "sqlite":
        return str(connection.exec_driver_sql("PRAGMA user_version").scalar())
    return inspect(connection).get_table_comment(students.name)["text"] or "unknown"


def create(connection: Connection) -> None:
    """Create the tables that are missing, and note the version."""
    metadata.create_all(connection)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA}")
