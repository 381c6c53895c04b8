"""The losses of a submission are one row per training run, and by run in its record.

Before, the two runs of the one homework there was were columns, and keys of the record.
"""

from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

RUNS = ("manual", "net")
RECORD_SCHEMA = 2
SUBMISSIONS = sa.table(
    "submissions",
    sa.column("id", sa.Integer),
    sa.column("record", sa.Text),
    *(sa.column(f"loss_{run}", sa.Float) for run in RUNS),
)
FINALS = sa.table(
    "finals",
    sa.column("student_id", sa.Integer),
    sa.column("stamp", sa.Text),
    sa.column("final", sa.Text),
)

Record = dict[str, Any]


def upgrade() -> None:
    """Move the losses to a table of their own, and write the records anew."""
    connection = op.get_bind()
    _move_losses(connection)
    _rewrite_records(connection)
    _rewrite_finals(connection)


def _move_losses(connection: sa.Connection) -> None:
    losses = op.create_table(
        "losses",
        sa.Column("submission_id", sa.Integer, sa.ForeignKey("submissions.id"), primary_key=True),
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("loss", sa.Float),
    )
    for run in RUNS:
        of_run = sa.select(SUBMISSIONS.c.id, sa.literal(run), SUBMISSIONS.c[f"loss_{run}"])
        connection.execute(sa.insert(losses).from_select(list(losses.c), of_run))
    with op.batch_alter_table("submissions") as submissions:  # SQLite: a new table of this name
        for run in RUNS:
            submissions.drop_column(f"loss_{run}")


def _rewrite_records(connection: sa.Connection) -> None:
    for id_ in connection.execute(sa.select(SUBMISSIONS.c.id)).scalars().all():
        this = SUBMISSIONS.c.id == id_
        text = connection.execute(sa.select(SUBMISSIONS.c.record).where(this)).scalar_one()
        record = _by_run(msgspec.json.decode(text))
        connection.execute(sa.update(SUBMISSIONS).where(this).values(record=_json(record)))


def _rewrite_finals(connection: sa.Connection) -> None:
    """Write what counts of students anew, with another stamp: result.json is another one, too."""
    stamp = uuid4().hex
    for student in connection.execute(sa.select(FINALS.c.student_id)).scalars().all():
        this = FINALS.c.student_id == student
        text = connection.execute(sa.select(FINALS.c.final).where(this)).scalar_one()
        final = msgspec.json.decode(text)
        final = _json({**final, "record": _by_run(final["record"])})
        connection.execute(sa.update(FINALS).where(this).values(final=final, stamp=stamp))


def _by_run(record: Record) -> Record:
    """Return a record as of this revision."""
    old = record["training"]
    rest = {key: value for key, value in old.items() if key not in RUNS}
    training = {"losses": {run: old[run] for run in RUNS}, **rest}
    return {**record, "schema": RECORD_SCHEMA, "training": training}


def _json(value: Record) -> str:
    return msgspec.json.encode(value).decode()
