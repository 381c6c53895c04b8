"""What the gradebook reads and writes, each within a transaction that is given."""

import difflib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from sqlalchemy import (
    Column,
    Connection,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from grader.gradebook.standing import Grading, Override
from grader.gradebook.tables import attempts, criteria, overrides, students, submissions
from grader.records import Record, content_of

CHUNK = 500  # values in one IN; SQLite once took no more than 999

Value = TypeVar("Value")
Row = dict[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """A graded file of a student.

    `key` is a hash of everything that determines the score; `handed_in` has an offset.
    """

    key: str
    record: Record
    handed_in: datetime


def add(connection: Connection, entries: Sequence[Entry], now: datetime) -> None:
    """Record gradings. A record that is known is noted as come to again, or else replaced.

    It differs where it was graded anew: because it crashed, or because somebody wanted it so.
    """
    # One record for all students who handed in the same.
    records = {entry.key: replace(entry.record, student="") for entry in entries}
    names = dict.fromkeys(entry.record.student for entry in entries)
    student_ids, _ = _ids(connection, students.c.name, names, lambda name: {"name": name})
    submission_ids, new = _ids(
        connection, submissions.c.key, records, lambda key: _submission(key, records[key], now)
    )
    _insert(
        connection,
        criteria,
        [row for key in new for row in _criteria(submission_ids[key], records[key])],
    )
    _replace(connection, {key: records[key] for key in sorted(records.keys() - new)}, now)
    handed_in: dict[tuple[int, int], datetime] = {}
    for entry in entries:
        pair = student_ids[entry.record.student], submission_ids[entry.key]
        handed_in[pair] = min(entry.handed_in, handed_in.get(pair, entry.handed_in))
    _add_attempts(connection, handed_in, now)


def _replace(connection: Connection, records: Mapping[str, Record], now: datetime) -> None:
    """Replace those records that differ from what is stored."""
    for chunk in chunks(records):
        query = (
            select(submissions.c.key, submissions.c.id, submissions.c.record)
            .where(submissions.c.key.in_(chunk))
            .order_by(submissions.c.key)  # one order, as in `_ids`
        )
        for key, id_, stored in connection.execute(query).all():
            row = _submission(key, records[key], now)
            if row["record"] == stored:
                continue
            connection.execute(update(submissions).where(submissions.c.id == id_).values(row))
            connection.execute(delete(criteria).where(criteria.c.submission_id == id_))
            _insert(connection, criteria, _criteria(id_, records[key]))


def _add_attempts(
    connection: Connection, handed_in: Mapping[tuple[int, int], datetime], now: datetime
) -> None:
    """Record which student handed in which submission; of several times the earliest stays."""
    in_order = sorted(handed_in, key=lambda pair: pair[0])  # in one order, as in `_ids`
    known = {
        (student_id, submission_id)
        for chunk in chunks({student_id for student_id, _ in in_order})
        for student_id, submission_id in connection.execute(
            select(attempts.c.student_id, attempts.c.submission_id).where(
                attempts.c.student_id.in_(chunk)
            )
        )
    }
    rows = [
        {"student_id": pair[0], "submission_id": pair[1], "handed_in": handed_in[pair]}
        for pair in in_order
        if pair not in known
    ]
    _insert(connection, attempts, [{**row, "first_at": now, "last_at": now} for row in rows])
    if not handed_in:
        return
    moment = bindparam("moment", type_=attempts.c.handed_in.type)
    connection.execute(
        update(attempts)
        .where(attempts.c.student_id == bindparam("of_student"))
        .where(attempts.c.submission_id == bindparam("of_submission"))
        .values(
            last_at=now,
            handed_in=case((attempts.c.handed_in > moment, moment), else_=attempts.c.handed_in),
        ),
        # The new ones too: another process may have been the one that inserted them.
        [
            {"of_student": pair[0], "of_submission": pair[1], "moment": handed_in[pair]}
            for pair in in_order
        ],
    )


def _submission(key: str, record: Record, now: datetime) -> Row:
    return {
        "key": key,
        "name": record.submission,
        "sha256": content_of(record),
        "status": record.status,
        "score": record.score,
        "max_score": record.max_score,
        "loss_manual": record.training.manual,
        "loss_net": record.training.net,
        "seconds": record.seconds,
        "seed": "",
        "grader_version": record.grader_version,
        "graded_at": now,
        "record": msgspec.json.encode(record).decode(),
    }


def _criteria(submission_id: int, record: Record) -> list[Row]:
    return [
        {"submission_id": submission_id, **msgspec.structs.asdict(criterion)}
        for criterion in record.criteria
    ]


def _ids(
    connection: Connection, column: Column[str], values: Iterable[str], row: Callable[[str], Row]
) -> tuple[dict[str, int], list[str]]:
    """Return the id of the row of each value, and the values whose rows had to be inserted.

    All processes insert them in one order, so that no two wait for each other.
    """
    values = list(values)
    known = _known_ids(connection, column, values)
    new = sorted(set(values) - known.keys())
    _insert(connection, column.table, [row(value) for value in new])
    return known | _known_ids(connection, column, new), new


def _known_ids(
    connection: Connection, column: Column[str], values: Iterable[str]
) -> dict[str, int]:
    return {
        value: id_
        for chunk in chunks(values)
        for value, id_ in connection.execute(
            select(column, column.table.c.id).where(column.in_(chunk))
        )
    }


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; those that another process has inserted meanwhile stay as they are."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:  # SQLite has one writer at a time; elsewhere the transaction fails, and is done anew
        connection.execute(insert(table), rows)


def records_by(
    connection: Connection, column: Column[Value], values: Iterable[Value]
) -> dict[Value, Record]:
    """Return the records of the submissions that have one of these values in `column`."""
    decoder = msgspec.json.Decoder(Record)
    return {
        value: decoder.decode(record)
        for chunk in chunks(values)
        for value, record in connection.execute(
            select(column, submissions.c.record).where(column.in_(chunk))
        )
    }


def gradings_of(connection: Connection, names: Sequence[str]) -> dict[str, list[Grading]]:
    """Return the gradings of each student, in the order of being recorded."""
    found: dict[str, list[Grading]] = {}
    query = (
        select(
            students.c.name.label("student"),
            submissions.c.id.label("submission_id"),
            func.coalesce(submissions.c.sha256, submissions.c.key).label("content"),
            submissions.c.name,
            submissions.c.status,
            submissions.c.score,
            submissions.c.grader_version,
            attempts.c.handed_in,
            attempts.c.first_at,
            attempts.c.last_at,
        )
        .select_from(attempts.join(students).join(submissions))
        .where(students.c.name.in_(names))
        .order_by(attempts.c.id)
    )
    for row in connection.execute(query).mappings():
        fields = dict(row)
        found.setdefault(fields.pop("student"), []).append(Grading(**fields))
    return found


def overrides_of(connection: Connection, names: Sequence[str]) -> dict[str, list[Override]]:
    """Return the overrides of each student, in the order of being made."""
    found: dict[str, list[Override]] = {}
    query = (
        select(students.c.name.label("student"), overrides)
        .select_from(overrides.join(students))
        .where(students.c.name.in_(names))
        .order_by(overrides.c.id)
    )
    for row in connection.execute(query).mappings():
        fields = {name: row[name] for name in Override.__struct_fields__ if name in row}
        found.setdefault(row["student"], []).append(Override(**fields))
    return found


def student_id_of(connection: Connection, student: str) -> int | None:
    """Return the id of a student, None where there is none of this name."""
    query = select(students.c.id).where(students.c.name == student)
    return connection.execute(query).scalar()


def close_names(connection: Connection, student: str) -> list[str]:
    """Return the names of students that are spelled nearly like this one."""
    names = connection.execute(select(students.c.name)).scalars().all()
    return difflib.get_close_matches(student, names)


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Yield the values, CHUNK at a time."""
    remaining = iter(values)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        yield chunk
