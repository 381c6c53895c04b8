"""A gradebook remembers its assignment, and an attempt is one content with all its gradings.

Before, an attempt was one row per grading, and the seed stood with each submission.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
OLD_ATTEMPTS = sa.table(
    "attempts",
    sa.column("id", sa.Integer),
    sa.column("student_id", sa.Integer),
    sa.column("submission_id", sa.Integer),
    sa.column("handed_in", MOMENT),
    sa.column("first_at", MOMENT),
    sa.column("last_at", MOMENT),
)
OLD_SUBMISSIONS = sa.table(
    "submissions",
    sa.column("id", sa.Integer),
    sa.column("key", sa.Text),
    sa.column("sha256", sa.Text),
    sa.column("seed", sa.Text),
)
OVERRIDES = sa.table(
    "overrides",
    sa.column("id", sa.Integer),
    sa.column("student_id", sa.Integer),
    sa.column("at", MOMENT),
    sa.column("last_attempt", sa.Integer),
)

OldAttempt = sa.Row[Any]
Attempt = dict[str, Any]


def upgrade() -> None:
    """Change the tables, and group the old attempts by their content."""
    connection = op.get_bind()
    old = _old_attempts(connection)
    _change_columns(connection)
    op.drop_table("attempts")
    _create_tables_of_attempts(connection, old)
    _create_tables_of_the_assignment(connection, old)


def _old_attempts(connection: sa.Connection) -> Sequence[OldAttempt]:
    """Return the old attempts in the order of being recorded, each with its content and seed."""
    content = sa.func.coalesce(OLD_SUBMISSIONS.c.sha256, OLD_SUBMISSIONS.c.key).label("content")
    return connection.execute(
        sa.select(OLD_ATTEMPTS, content, OLD_SUBMISSIONS.c.seed)
        .join(OLD_SUBMISSIONS, OLD_SUBMISSIONS.c.id == OLD_ATTEMPTS.c.submission_id)
        .order_by(OLD_ATTEMPTS.c.first_at, OLD_ATTEMPTS.c.id)
    ).all()


def _latest(old: Sequence[OldAttempt]) -> OldAttempt:
    """Return the last one that the grader came to; of equals the one recorded last."""
    return sorted(old, key=lambda row: row.last_at)[-1]


def _change_columns(connection: sa.Connection) -> None:
    for name in ("system", "system_id", "called"):
        op.add_column("students", sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.add_column("overrides", sa.Column("due", MOMENT))
    op.add_column("overrides", sa.Column("told", sa.Text, nullable=False, server_default=""))
    op.add_column(
        "overrides", sa.Column("last_attempt", sa.Integer, nullable=False, server_default="0")
    )
    with op.batch_alter_table("submissions") as submissions:  # SQLite: a new table of this name
        submissions.add_column(sa.Column("basis", sa.Text))
        submissions.drop_column("seed")
    # An older grader then sees that these tables are not its own.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA user_version = 0")
    else:
        op.drop_table_comment("students", existing_comment="1")


def _create_tables_of_attempts(connection: sa.Connection, old: Sequence[OldAttempt]) -> None:
    attempts = op.create_table(
        "attempts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("student_id", sa.Integer, sa.ForeignKey("students.id"), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column(
            "submission_id", sa.Integer, sa.ForeignKey("submissions.id"), nullable=False, index=True
        ),
        sa.Column("handed_in", MOMENT, nullable=False),
        sa.Column("told_by", sa.Text, nullable=False),
        sa.Column("is_local", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("marked_late", sa.Boolean),
        sa.Column("marked_for", sa.Text, nullable=False, server_default=""),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.UniqueConstraint("student_id", "content"),
    )
    gradings = op.create_table(
        "gradings",
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("attempts.id"), primary_key=True),
        sa.Column(
            "submission_id",
            sa.Integer,
            sa.ForeignKey("submissions.id"),
            primary_key=True,
            index=True,
        ),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "files",
        sa.Column("attempt_id", sa.Integer, sa.ForeignKey("attempts.id"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, sa.ForeignKey("blobs.sha256"), index=True),
        sa.Column("problem", sa.Text, nullable=False),
    )
    contents: dict[tuple[int, str], list[OldAttempt]] = {}
    for row in old:
        contents.setdefault((row.student_id, row.content), []).append(row)
    in_order = [_attempt(id_, rows) for id_, rows in zip(count(1), contents.values(), strict=False)]
    op.bulk_insert(attempts, in_order)
    op.bulk_insert(
        gradings,
        [
            {"attempt_id": attempt["id"], "submission_id": row.submission_id, "at": row.last_at}
            for attempt, rows in zip(in_order, contents.values(), strict=True)
            for row in rows
        ],
    )
    _count_on(connection, len(in_order))
    _tell_overrides_their_attempts(connection, in_order)


def _attempt(id_: int, old: Sequence[OldAttempt]) -> Attempt:
    """Return the attempt that the old ones of one student and content are."""
    return {
        "id": id_,
        "student_id": old[0].student_id,
        "content": old[0].content,
        "submission_id": _latest(old).submission_id,
        "handed_in": min(row.handed_in for row in old),
        "told_by": "",
        "marked_late": None,
        "first_at": old[0].first_at,
    }


def _count_on(connection: sa.Connection, last_id: int) -> None:
    """Have new attempts numbered after these; SQLite does so by itself."""
    if connection.dialect.name == "postgresql" and last_id:
        sequence = sa.func.pg_get_serial_sequence("attempts", "id")
        connection.execute(sa.select(sa.func.setval(sequence, last_id)))


def _tell_overrides_their_attempts(connection: sa.Connection, attempts: Sequence[Attempt]) -> None:
    """Note with each override the newest attempt that its student had then."""
    of_student: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        of_student.setdefault(attempt["student_id"], []).append(attempt)
    for row in connection.execute(sa.select(OVERRIDES)).all():
        known = [a["id"] for a in of_student.get(row.student_id, []) if a["first_at"] <= row.at]
        connection.execute(
            sa.update(OVERRIDES)
            .where(OVERRIDES.c.id == row.id)
            .values(last_attempt=max(known, default=0))
        )


def _create_tables_of_the_assignment(connection: sa.Connection, old: Sequence[OldAttempt]) -> None:
    settings = op.create_table(
        "settings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    state = op.create_table(
        "state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("book", sa.Text, nullable=False),
    )
    op.create_table(
        "roster",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("student", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
    )
    op.create_table(
        "finals",
        sa.Column("student_id", sa.Integer, sa.ForeignKey("students.id"), primary_key=True),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("final", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("students", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    connection.execute(sa.insert(state).values(id=1, book=uuid4().hex))
    if old:
        seed = {"value": _latest(old).seed, "origin": "before"}
        row = {"name": "seed", "value": json.dumps(seed), "who": "migration"}
        connection.execute(sa.insert(settings).values(**row, at=datetime.now(UTC)))
