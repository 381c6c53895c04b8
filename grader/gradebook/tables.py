"""The tables of the gradebook, and the version of their schema.

A change here needs a migration (migrations/versions/); REVISION is the newest one.
"""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    insert,
    inspect,
    select,
    update,
)

REVISION = "0003"  # of the newest migration
FIRST = "schema 1"  # of gradebooks from before the first migration; see `version`


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite stores no offset, so it is added again on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without an offset, as lateness would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no offset")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC, with the offset."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SafeText(TypeDecorator[str]):
    """Text that a student may have influenced: PostgreSQL accepts no NUL in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace NUL by U+FFFD."""
        return None if value is None else value.replace("\0", "\ufffd")


metadata = MetaData()

# The assignment's settings: rows are never changed or removed; the last one with a name is in
# force.
settings = Table(
    "settings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),  # JSON; see settings.py
    Column("who", SafeText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# One row, which every writer locks first.
state = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("book", Text, nullable=False),  # an id of this gradebook
)

# The instructor's table of students, by the system's id; "" if a cell is empty.
roster = Table(
    "roster",
    metadata,
    Column("id", Text, primary_key=True),
    Column("student", Text, nullable=False),
    Column("section", Text, nullable=False),
)

# `system`, `system_id` and `called` identify the student in the system that the class comes from;
# without a system, `system` is "" and the id is the name of the file or folder.
students = Table(
    "students",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("system", Text, nullable=False, server_default=""),
    Column("system_id", Text, nullable=False, server_default=""),
    Column("called", Text, nullable=False, server_default=""),
)

# How a content was graded. `key` identifies all that determines a score, so the same bytes from two
# students are one row; `basis` is the assignment's part of it, rubric and seed (NULL: not known).
# `record` is the whole record, as compact JSON.
submissions = Table(
    "submissions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("basis", Text),
    Column("name", Text, nullable=False),
    Column("sha256", Text),  # of all files that the record is about
    Column("status", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("max_score", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("grader_version", Text, nullable=False),
    Column("graded_at", UtcDateTime, nullable=False),
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
    Column("message", SafeText, nullable=False),
    Column("diagnosis", Text),
)

# The final loss of each training run, NULL if there was none.
losses = Table(
    "losses",
    metadata,
    Column("submission_id", ForeignKey(submissions.c.id), primary_key=True),
    Column("run", Text, primary_key=True),
    Column("loss", Float),
)

# Attempts: one row per student and content, whatever the files' names. `submission_id` is the
# grading in force. Days late are not stored: they follow from `handed_in` and the present policy,
# so a new due date needs no new grading.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student_id", ForeignKey(students.c.id), nullable=False),
    Column("content", Text, nullable=False),
    Column("submission_id", ForeignKey(submissions.c.id), nullable=False, index=True),
    Column("handed_in", UtcDateTime, nullable=False),
    Column("told_by", Text, nullable=False),  # source of the time; see records.ToldBy
    Column("is_local", Boolean, nullable=False, server_default=false()),  # given without a zone
    Column("marked_late", Boolean),  # the system's mark; NULL: none
    Column("marked_for", Text, nullable=False, server_default=""),  # the due date in force then
    Column("first_at", UtcDateTime, nullable=False),
    UniqueConstraint("student_id", "content"),
)

# An attempt's files, by the student's names for them. An unreadable file has a problem instead of
# bytes; a problem without a name concerns the whole attempt.
files = Table(
    "files",
    metadata,
    Column("attempt_id", ForeignKey(attempts.c.id), primary_key=True),
    Column("name", SafeText, primary_key=True),
    Column("sha256", ForeignKey("blobs.sha256"), index=True),
    Column("problem", SafeText, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # compressed with zlib
)

# Every grading of an attempt, in force or not, and when it was last put in force.
gradings = Table(
    "gradings",
    metadata,
    Column("attempt_id", ForeignKey(attempts.c.id), primary_key=True),
    Column("submission_id", ForeignKey(submissions.c.id), primary_key=True, index=True),
    Column("at", UtcDateTime, nullable=False),
)

# Rows are never changed or removed: their order determines which are in force. `why` is for the
# staff, `told` for the student. `last_attempt` is the student's newest attempt at the time.
overrides = Table(
    "overrides",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("student_id", ForeignKey(students.c.id), nullable=False, index=True),
    Column("criterion", Text),
    Column("points", Float),
    Column("late_days", Float),
    Column("due", UtcDateTime),
    Column("who", SafeText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("why", SafeText, nullable=False),
    Column("told", SafeText, nullable=False, server_default=""),
    Column("last_attempt", Integer, nullable=False, server_default="0"),
)

# Students' finals under the settings in force, updated in each transaction that affects them.
# `final` is a Final without drawings, as JSON.
finals = Table(
    "finals",
    metadata,
    Column("student_id", ForeignKey(students.c.id), primary_key=True),
    Column("stamp", Text, nullable=False),  # changes each time the row is written
    Column("final", Text, nullable=False),
)

# Counts of what was removed; names are not kept.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("students", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("who", SafeText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Alembic's own table.
alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)


def version(connection: Connection) -> str | None:
    """Return the revision of a database's tables, or None if it has none of them.

    Tables from before the first migration are FIRST, or a foreign "schema 7".
    """
    tables = inspect(connection)
    # This order: another process may create all of them in between.
    has_students = tables.has_table(students.name)
    if tables.has_table(alembic_version.name):
        return connection.execute(select(alembic_version.c.version_num)).scalar() or "none"
    if not has_students:
        return None
    if connection.dialect.name == "sqlite":
        schema = connection.exec_driver_sql("PRAGMA user_version").scalar()
    else:
        schema = tables.get_table_comment(students.name)["text"] or "unknown"
    return f"schema {schema}"


def is_older(revision: str) -> bool:
    """Tell whether tables of this revision can be upgraded to REVISION."""
    return revision == FIRST or (_is_numbered(revision) and revision < REVISION)


def is_newer(revision: str) -> bool:
    """Tell whether tables of this revision were made by a newer grader."""
    return _is_numbered(revision) and revision > REVISION


def _is_numbered(revision: str) -> bool:
    return len(revision) == len(REVISION) and revision.isdecimal()


def lock(connection: Connection) -> None:
    """Wait until no other transaction writes; in SQLite, beginning to write has already waited."""
    if connection.dialect.name != "sqlite":
        connection.execute(update(state).where(state.c.id == 1).values(book=state.c.book))


def lock_older(connection: Connection) -> None:
    """Wait until no other transaction uses an older revision's tables, and lock them."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {students.name} IN ACCESS EXCLUSIVE MODE")


def create(connection: Connection) -> None:
    """Create the tables in an empty database, and note the revision."""
    metadata.create_all(connection)
    if connection.execute(select(alembic_version)).first() is None:
        connection.execute(insert(alembic_version).values(version_num=REVISION))
        connection.execute(insert(state).values(id=1, book=uuid4().hex))
