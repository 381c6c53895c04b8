"""Queries of the gradebook, each within the caller's transaction."""

import difflib
import itertools
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from msgspec.structs import replace
from sqlalchemy import Column, Connection, delete, func, insert, select, update

from grader.gradebook.attempts import Grading, Override, StoredAttempt
from grader.gradebook.settings import Setting
from grader.gradebook.tables import (
    attempts,
    blobs,
    criteria,
    files,
    finals,
    gradings,
    losses,
    overrides,
    roster,
    settings,
    state,
    students,
    submissions,
)
from grader.results.policy import ToldBy
from grader.results.record import Final, Record, content_of, sha256, with_points_by_hand
from grader.scoring.protocol import SubmittedFiles
from grader.submissions.students.naming import same_folder
from grader.submissions.students.roster import Person, RosterRow

CHUNK = 500  # values in one IN; older SQLite allows at most 999

# Whether an attempt's files are stored; those recorded by an older grader are not.
IS_KEPT = select(files.c.name).where(files.c.attempt_id == attempts.c.id).exists()

Value = TypeVar("Value")
Row = dict[str, Any]


class StoredWork(msgspec.Struct, frozen=True):
    """An attempt stored with its files."""

    id: int
    student: str
    content: str
    status: str
    handed_in: datetime
    told_by: ToldBy
    is_local: bool
    marked_late: bool | None


# Settings and the state of the gradebook


def settings_of(connection: Connection) -> list[Setting]:
    """Return all settings ever made, in the order they were made."""
    query = select(settings.c.name, settings.c.value, settings.c.who, settings.c.at)
    rows = connection.execute(query.order_by(settings.c.id))
    return [Setting(*row) for row in rows]


def newest_setting(connection: Connection) -> int:
    """Return the id of the newest setting, 0 if there is none."""
    return connection.execute(select(func.max(settings.c.id))).scalar() or 0


def renames(connection: Connection) -> int:
    """Return the count of renamings."""
    query = select(func.count()).select_from(settings).where(settings.c.name == "names")
    return connection.execute(query).scalar_one()


def add_settings(connection: Connection, rows: Sequence[Setting]) -> None:
    """Add settings; the last one with a name is in force."""
    if rows:
        connection.execute(insert(settings), [msgspec.structs.asdict(row) for row in rows])


def book_of(connection: Connection) -> str:
    """Return the id of this gradebook."""
    book: str = connection.execute(select(state.c.book)).scalar_one()
    return book


def stamps_of(connection: Connection) -> dict[str, str]:
    """Return the stamp of each student's final; it changes whenever the final is written."""
    query = select(students.c.name, finals.c.stamp).select_from(finals.join(students))
    return {row.name: row.stamp for row in connection.execute(query)}


# Records


def keep_records(connection: Connection, records: Mapping[str, tuple[str, Record]]) -> set[str]:
    """Store the basis and record of each key; return the keys whose records are new or differ.

    A key's record differs if it was graded again, after a crash or on request.
    """
    now = datetime.now(UTC)
    stored_records: dict[str, tuple[int, str]] = {}
    for chunk in chunks(records):
        query = select(submissions.c.key, submissions.c.id, submissions.c.record)
        rows = connection.execute(query.where(submissions.c.key.in_(chunk)))
        stored_records |= {key: (id_, record) for key, id_, record in rows}
    rows_by_key = {
        key: _submission(key, basis, replace(record, student=""), now)
        for key, (basis, record) in records.items()
    }
    changed_keys = set()
    for key, row in sorted(rows_by_key.items()):
        if key not in stored_records:
            result = connection.execute(insert(submissions).values(row))
            (id_,) = result.inserted_primary_key or (0,)
        elif stored_records[key][1] != row["record"]:
            id_ = stored_records[key][0]
            connection.execute(update(submissions).where(submissions.c.id == id_).values(row))
            for table in (criteria, losses):
                connection.execute(delete(table).where(table.c.submission_id == id_))
        else:
            continue
        changed_keys.add(key)
        _, record = records[key]
        connection.execute(insert(criteria), _criteria(id_, record))
        if its_losses := _losses(id_, record):
            connection.execute(insert(losses), its_losses)
    return changed_keys


def _submission(key: str, basis: str, record: Record, now: datetime) -> Row:
    return {
        "key": key,
        "basis": basis,
        "name": record.submission,
        "sha256": content_of(record),
        "status": record.status,
        "score": record.score,
        "max_score": record.max_score,
        "seconds": record.seconds,
        "grader_version": record.grader_version,
        "graded_at": now,
        "record": msgspec.json.encode(record).decode(),
    }


def _criteria(submission_id: int, record: Record) -> list[Row]:
    names = [column.name for column in criteria.c if column.name != "submission_id"]
    return [
        {"submission_id": submission_id, **{name: getattr(criterion, name) for name in names}}
        for criterion in record.criteria
    ]


def _losses(submission_id: int, record: Record) -> list[Row]:
    return [
        {"submission_id": submission_id, "run": run, "loss": loss}
        for run, loss in record.training.losses.items()
    ]


def records_by(
    connection: Connection, column: Column[Value], values: Iterable[Value]
) -> dict[Value, Record]:
    """Return the records of submissions with one of these values in `column`."""
    decoder = msgspec.json.Decoder(Record)
    return {
        value: decoder.decode(record)
        for chunk in chunks(values)
        for value, record in connection.execute(
            select(column, submissions.c.record).where(column.in_(chunk))
        )
    }


def submission_ids(connection: Connection, keys: Iterable[str]) -> dict[str, int]:
    """Return the submission's id for each known key."""
    return ids_by(connection, submissions.c.key, keys)


def ids_by(connection: Connection, column: Column[str], values: Iterable[str]) -> dict[str, int]:
    """Return the row's id for each value in a column, if there is such a row."""
    return {
        value: id_
        for chunk in chunks(values)
        for value, id_ in connection.execute(
            select(column, column.table.c.id).where(column.in_(chunk))
        )
    }


# Students and their attempts


def known_attempts(
    connection: Connection, student_ids: Iterable[int]
) -> dict[tuple[int, str], Row]:
    """Return students' attempts, by student and content; `is_kept`: their files are stored."""
    query = select(attempts, submissions.c.status, IS_KEPT.label("is_kept")).join(submissions)
    return {
        (row["student_id"], row["content"]): dict(row)
        for chunk in chunks(student_ids)
        for row in connection.execute(
            query.where(attempts.c.student_id.in_(chunk)).order_by(attempts.c.id)
        ).mappings()
    }


def keep_files(connection: Connection, attempt_id: int, submission: SubmittedFiles) -> None:
    """Store an attempt's files, replacing those stored before."""
    digests = {name: sha256(data) for name, data in submission.files.items()}
    data_by_digest = {digests[name]: data for name, data in submission.files.items()}
    stored_digests = {
        digest
        for chunk in chunks(data_by_digest)
        for (digest,) in connection.execute(select(blobs.c.sha256).where(blobs.c.sha256.in_(chunk)))
    }
    new = [
        {"sha256": digest, "data": zlib.compress(data)}
        for digest, data in data_by_digest.items()
        if digest not in stored_digests
    ]
    if new:
        connection.execute(insert(blobs), new)
    rows: list[Row] = [
        {"name": name, "sha256": digest, "problem": ""} for name, digest in digests.items()
    ]
    rows += [{"name": n, "sha256": None, "problem": p} for n, p in submission.problems.items()]
    if not rows or submission.problem:
        rows = [{"name": "", "sha256": None, "problem": submission.problem}, *rows]
    connection.execute(delete(files).where(files.c.attempt_id == attempt_id))
    connection.execute(insert(files), [{"attempt_id": attempt_id, **row} for row in rows])


def files_of(connection: Connection, attempt_id: int) -> SubmittedFiles:
    """Return an attempt's files, as they were handed in."""
    query = (
        select(students.c.name, files.c.name, files.c.problem, blobs.c.data)
        .select_from(files.join(attempts).join(students).outerjoin(blobs))
        .where(files.c.attempt_id == attempt_id)
        .order_by(files.c.name)
    )
    submission = SubmittedFiles("", {}, {}, "")
    for student, name, problem, data in connection.execute(query):
        submission = msgspec.structs.replace(submission, student=student)
        if data is not None:
            submission.files[name] = zlib.decompress(data)
        elif name:
            submission.problems[name] = problem
        else:
            submission = msgspec.structs.replace(submission, problem=problem)
    return submission


def stored_of(connection: Connection, names: Sequence[str] | None) -> list[StoredWork]:
    """Return the attempts stored with their files, by student and in order."""
    query = (
        select(
            attempts.c.id,
            students.c.name.label("student"),
            attempts.c.content,
            submissions.c.status,
            attempts.c.handed_in,
            attempts.c.told_by,
            attempts.c.is_local,
            attempts.c.marked_late,
        )
        .select_from(attempts.join(students).join(submissions))
        .where(IS_KEPT)
        .order_by(students.c.name, attempts.c.id)
    )
    return [StoredWork(**row) for row in _of_students(connection, query, names)]


def students_not_kept(connection: Connection) -> list[str]:
    """Return the students with an attempt stored without its files."""
    query = select(students.c.name).join(attempts).where(~IS_KEPT).distinct()
    return list(connection.execute(query.order_by(students.c.name)).scalars())


def students_without_attempts(connection: Connection) -> list[str]:
    """Return the students without attempts."""
    has_any = select(attempts.c.id).where(attempts.c.student_id == students.c.id).exists()
    query = select(students.c.name).where(~has_any).order_by(students.c.name)
    return list(connection.execute(query).scalars())


def students_with(connection: Connection, keys: Iterable[str]) -> list[str]:
    """Return the students for whom a submission with one of these keys is in force."""
    return [
        name
        for chunk in chunks(keys)
        for name in connection.execute(
            select(students.c.name)
            .select_from(attempts.join(students).join(submissions))
            .where(submissions.c.key.in_(chunk))
        ).scalars()
    ]


def all_names(connection: Connection) -> list[str]:
    """Return the names of all students."""
    return list(connection.execute(select(students.c.name).order_by(students.c.name)).scalars())


def delete_unused(connection: Connection) -> None:
    """Delete submissions that no attempt's grading uses, and contents that no file uses."""
    used_ids = select(gradings.c.submission_id)
    for table in (criteria, losses):
        connection.execute(delete(table).where(table.c.submission_id.not_in(used_ids)))
    connection.execute(delete(submissions).where(submissions.c.id.not_in(used_ids)))
    kept_digests = select(files.c.sha256).where(files.c.sha256.is_not(None))
    connection.execute(delete(blobs).where(blobs.c.sha256.not_in(kept_digests)))


def data_of(connection: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of stored files, by digest."""
    return {
        digest: zlib.decompress(data)
        for chunk in chunks(digests)
        for digest, data in connection.execute(
            select(blobs.c.sha256, blobs.c.data).where(blobs.c.sha256.in_(chunk))
        )
    }


def handed_in_by(
    connection: Connection, names: Sequence[str] | None, basis: str, points: Mapping[str, float]
) -> dict[str, list[StoredAttempt]]:
    """Return each student's attempts, in the order recorded; None: everybody's.

    A grading by an older grader, which stored no basis, is comparable with those of `basis` if its
    criteria have the same `points`.
    """
    query = (
        select(
            students.c.name.label("student"),
            attempts.c.id,
            attempts.c.submission_id,
            submissions.c.name,
            submissions.c.status,
            submissions.c.score,
            submissions.c.basis,
            attempts.c.handed_in,
            attempts.c.told_by,
            attempts.c.marked_late,
            attempts.c.marked_for,
        )
        .select_from(attempts.join(students).join(submissions))
        .order_by(attempts.c.id)
    )
    by_student: dict[str, list[StoredAttempt]] = {}
    unknown: list[tuple[str, int]] = []
    for fields in _of_students(connection, query, names):
        student, its_basis = fields.pop("student"), fields.pop("basis")
        if its_basis is None:
            unknown.append((student, len(by_student.get(student, []))))
        by_student.setdefault(student, []).append(
            StoredAttempt(**fields, is_comparable=its_basis == basis)
        )
    ids = {by_student[student][number].submission_id for student, number in unknown}
    comparable = _with_criteria(connection, ids, points)
    for student, number in unknown:
        file = by_student[student][number]
        by_student[student][number] = replace(file, is_comparable=file.submission_id in comparable)
    return by_student


def _with_criteria(
    connection: Connection, ids: Iterable[int], points: Mapping[str, float]
) -> set[int]:
    """Return the submissions that were graded on exactly these criteria and points."""
    points_by_id: dict[int, dict[str, float]] = {}
    for chunk in chunks(ids):
        query = select(criteria.c.submission_id, criteria.c.id, criteria.c.max_points)
        for id_, criterion, most in connection.execute(
            query.where(criteria.c.submission_id.in_(chunk))
        ):
            points_by_id.setdefault(id_, {})[criterion] = most
    return {id_ for id_, its_points in points_by_id.items() if its_points == points}


def gradings_of(connection: Connection, student: str) -> dict[int, list[Grading]]:
    """Return the gradings of each of a student's attempts, the one in force last.

    The others are ordered by their times, from possibly different clocks.
    """
    by_attempt: dict[int, list[Grading]] = {}
    in_force = attempts.c.submission_id == submissions.c.id
    query = (
        select(
            gradings.c.attempt_id,
            submissions.c.id.label("submission_id"),
            submissions.c.name,
            submissions.c.status,
            submissions.c.score,
            submissions.c.grader_version,
            gradings.c.at,
            in_force.label("in_force"),
        )
        .select_from(gradings.join(submissions))
        .join(attempts, attempts.c.id == gradings.c.attempt_id)  # not on the grading in force
        .join(students, students.c.id == attempts.c.student_id)
        .where(students.c.name == student)
        .order_by(in_force, gradings.c.at, submissions.c.id)
    )
    for row in connection.execute(query).mappings():
        fields = dict(row)
        by_attempt.setdefault(fields.pop("attempt_id"), []).append(Grading(**fields))
    return by_attempt


def overrides_of(connection: Connection, names: Sequence[str] | None) -> dict[str, list[Override]]:
    """Return each student's overrides, in the order they were made; None: everybody's."""
    by_student: dict[str, list[Override]] = {}
    query = (
        select(students.c.name.label("student"), overrides)
        .select_from(overrides.join(students))
        .order_by(overrides.c.id)
    )
    for row in _of_students(connection, query, names):
        fields = {name: row[name] for name in Override.__struct_fields__}
        by_student.setdefault(row["student"], []).append(Override(**fields))
    return by_student


def names_by_id(connection: Connection, system: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the names of students with these ids in a system."""
    query = select(students.c.system_id, students.c.name).where(students.c.system == system)
    return {
        id_: name
        for chunk in chunks(ids)
        for id_, name in connection.execute(query.where(students.c.system_id.in_(chunk)))
    }


def roster_of(connection: Connection) -> dict[str, RosterRow]:
    """Return the rows of the instructor's table of students, by id."""
    rows = connection.execute(select(roster.c.id, roster.c.student, roster.c.section))
    return {row.id: RosterRow(row.id, row.student, row.section) for row in rows}


def put_roster(connection: Connection, rows: Iterable[RosterRow]) -> None:
    """Add rows to the table of students, replacing those with the same id."""
    for chunk in chunks(rows):
        connection.execute(delete(roster).where(roster.c.id.in_([row.id for row in chunk])))
        connection.execute(insert(roster), [msgspec.structs.asdict(row) for row in chunk])


def people_of(connection: Connection, names: Sequence[str] | None = None) -> list[Person]:
    """Return students' identities in the system they come from, by name; None: everybody's."""
    query = select(students).order_by(students.c.name)
    return [
        Person(row["name"], row["system"], row["system_id"], row["called"])
        for row in _of_students(connection, query, names)
    ]


def put_person(connection: Connection, person: Person) -> None:
    """Note a student's identity in a system, if the student is in the gradebook."""
    row = update(students).where(students.c.name == person.student)
    values = {"system": person.system, "system_id": person.id, "called": person.name}
    connection.execute(row.values(values))


def sections_of(connection: Connection, names: Sequence[str] | None) -> dict[str, str]:
    """Return the section of each student who has one; None: everybody's."""
    rows = roster_of(connection)
    if not any(row.section for row in rows.values()):
        return {}
    by_name = {row.student or row.id: row for row in rows.values()}
    return {
        person.student: row.section
        for person in people_of(connection, names)
        if (row := rows.get(person.id) or by_name.get(person.student)) and row.section
    }


def _of_students(connection: Connection, query: Any, names: Sequence[str] | None) -> Iterator[Row]:
    queries = [query] if names is None else [query.where(_named(some)) for some in chunks(names)]
    for each in queries:
        for row in connection.execute(each).mappings():
            yield dict(row)


def _named(names: Sequence[str]) -> Any:
    return students.c.name.in_(names)


def records_in_force(connection: Connection, finals: Sequence[Final]) -> dict[str, Record]:
    """Return the whole record of the attempt that counts for each final, by student."""
    numbers = {final.student: final.attempt for final in finals}
    counting: dict[str, int] = {}
    query = (
        select(students.c.name.label("student"), attempts.c.submission_id)
        .select_from(attempts.join(students))
        .order_by(attempts.c.id)
    )
    so_far: Counter[str] = Counter()
    for row in _of_students(connection, query, list(numbers)):
        student = row["student"]
        so_far[student] += 1
        if so_far[student] == numbers[student]:
            counting[student] = row["submission_id"]
    records = records_by(connection, submissions.c.id, set(counting.values()))
    return {student: records[id_] for student, id_ in counting.items()}


def student_id_of(connection: Connection, student: str) -> int | None:
    """Return a student's id, or None if there is no student of this name."""
    query = select(students.c.id).where(students.c.name == student)
    return connection.execute(query).scalar()


def close_names(connection: Connection, student: str) -> list[str]:
    """Return at most three names of students that are spelled nearly like this one, nearest first.

    Names that differ only in capitals or in Unicode's forms are nearest.
    """
    names = connection.execute(select(students.c.name)).scalars().all()
    by_folder = {same_folder(name): name for name in names}
    return [by_folder[key] for key in difflib.get_close_matches(same_folder(student), by_folder)]


# Finals


def put_finals(connection: Connection, by_student: Mapping[int, Final]) -> None:
    """Store students' finals, by id, replacing earlier ones."""
    stamp = uuid4().hex
    for chunk in chunks(by_student):
        connection.execute(delete(finals).where(finals.c.student_id.in_(chunk)))
        rows = [
            {
                "student_id": id_,
                "stamp": stamp,
                "final": msgspec.json.encode(_without_drawings(by_student[id_])).decode(),
            }
            for id_ in chunk
        ]
        connection.execute(insert(finals), rows)


def _without_drawings(final: Final) -> Final:
    """Remove what only a page shows, which the submission's record has, and `criteria`.

    These are the record's with the points set by hand.
    """
    training = replace(final.record.training, x=[], y=[], runs={})
    as_graded = [replace(criterion, map=None) for criterion in final.record.criteria]
    record = replace(final.record, criteria=as_graded, training=training)
    return replace(final, record=record, criteria=[])


def _restored(final: Final) -> Final:
    return replace(final, criteria=with_points_by_hand(final.record.criteria, final.by_hand))


def finals_of(connection: Connection, names: Sequence[str] | None = None) -> Iterator[Final]:
    """Yield students' finals, by name; None: everybody's."""
    decoder = msgspec.json.Decoder(Final)
    query = select(finals.c.final).select_from(finals.join(students)).order_by(students.c.name)
    if names is None:
        for (text,) in connection.execute(query):
            yield _restored(decoder.decode(text))
        return
    for chunk in chunks(sorted(names)):
        for (text,) in connection.execute(query.where(students.c.name.in_(chunk))):
            yield _restored(decoder.decode(text))


def chunks(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Yield the values, CHUNK at a time."""
    remaining = iter(values)
    while chunk := list(itertools.islice(remaining, CHUNK)):
        yield chunk
