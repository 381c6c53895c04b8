"""Add attempts to the gradebook, and remove them; each within a transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from grader.gradebook import queries
from grader.gradebook.queries import chunks
from grader.gradebook.tables import attempts, files, finals, gradings, overrides, roster, students
from grader.lms.layout import Owner
from grader.results.policy import ToldBy
from grader.results.record import Record, content_of
from grader.scoring.protocol import SubmittedFiles
from grader.scoring.protocol import content_of as content_of_files
from grader.submissions.file_names import stem_of
from grader.submissions.students.pseudonyms import Pseudonym
from grader.submissions.students.roster import Person

# How far a time is trusted: a system's more than that of an archive's entry or a file.
BELIEF = {"system": 1, "archive": 0, "file": 0, "": 0}


class GradedAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """A student's attempt and how it was graded.

    `key` is a hash of everything that determines the score, `content` one of the files (see
    protocol), and `files` reads them if they are not stored yet. `handed_in` has an offset;
    `is_local` says that it was read in the assignment's zone.
    """

    key: str
    content: str
    record: Record
    files: Callable[[], SubmittedFiles]
    handed_in: datetime
    told_by: ToldBy
    is_local: bool = False
    marked_late: bool | None = None
    owner: Owner | None = None


def is_unchanged(connection: Connection, entries: Sequence[GradedAttempt], due: str) -> bool:
    """Tell whether these gradings are already in force, with nothing to add."""
    ids = queries.submission_ids(connection, {entry.key for entry in entries})
    for entry, row in _with_rows(connection, entries):
        if row is None or not row["is_kept"] or row["submission_id"] != ids.get(entry.key):
            return False
        if _time_of(row, entry, due):
            return False
    return True


def _with_rows(
    connection: Connection, entries: Sequence[GradedAttempt]
) -> Iterator[tuple[GradedAttempt, dict[str, Any] | None]]:
    """Yield each entry with the known attempt of the same work, or None."""
    names = {entry.record.student for entry in entries}
    ids = queries.ids_by(connection, students.c.name, names)
    attempts_by_work = queries.known_attempts(connection, ids.values())
    for entry in entries:
        yield entry, attempts_by_work.get((ids.get(entry.record.student, 0), entry.content))


def _time_of(row: Mapping[str, Any], entry: GradedAttempt, due: str) -> dict[str, Any]:
    """Return the values of an attempt's time for which an entry is more reliable.

    A system's time wins over a file's; if both are equally reliable, the earlier one wins, because
    handing in the same bytes again does not change when they were first handed in. So a mark as
    late counts only for that time; a mark as not late always counts, because only an extension can
    cause it. `due` is the due date in force, to which the mark refers.
    """
    belief = BELIEF[entry.told_by], BELIEF[row["told_by"]]
    moments = entry.handed_in, row["handed_in"]
    values: dict[str, Any] = {}
    if belief[0] > belief[1] or (belief[0] == belief[1] and moments[0] < moments[1]):
        values = {
            "handed_in": entry.handed_in, "told_by": entry.told_by, "is_local": entry.is_local
        }  # fmt: skip
    is_of_that_time = (
        bool(values)
        or moments[0] == moments[1]
        or entry.marked_late is False
        or row["told_by"] in ("file", "")  # no system has given that time
    )
    if is_of_that_time and entry.marked_late not in (None, row["marked_late"]):
        values |= {"marked_late": entry.marked_late, "marked_for": due}
    return values


def later_than_known(connection: Connection, entries: Sequence[GradedAttempt]) -> list[str]:
    """Return the students for whom a system now gives a later time than before."""
    return [
        entry.record.student
        for entry, row in _with_rows(connection, entries)
        if row
        and row["told_by"] == entry.told_by == "system"
        and row["handed_in"] < entry.handed_in
    ]


def move_local_times(connection: Connection, old: tzinfo, new: tzinfo) -> None:
    """Reinterpret times given without a zone in another zone."""
    query = select(attempts.c.id, attempts.c.handed_in).where(attempts.c.is_local)
    for id_, moment in connection.execute(query).all():
        local = moment.astimezone(old).replace(tzinfo=None)
        row = update(attempts).where(attempts.c.id == id_)
        connection.execute(row.values(handed_in=local.replace(tzinfo=new)))


def otherwise_called(connection: Connection, entries: Sequence[GradedAttempt]) -> str | None:
    """Return a student's old name if, by their system's id, they now have another one."""
    owners = {entry.owner: entry.record.student for entry in entries if entry.owner}
    for system in {owner.system for owner in owners} - {""}:
        ids = [owner.id for owner in owners if owner.system == system]
        names = queries.names_by_id(connection, system, ids)
        for owner, student in owners.items():
            if owner.system == system and names.get(owner.id, student) != student:
                return student
    return None


def add_attempts(
    connection: Connection, entries: Sequence[GradedAttempt], changed_keys: set[str], due: str
) -> set[str]:
    """Record attempts and put their gradings in force; return the students affected.

    `changed_keys` are those of new or changed records; `due` is the due date in force.
    """
    student_ids = _with_students(connection, entries)
    ids = queries.submission_ids(connection, {entry.key for entry in entries})
    attempts_by_work = queries.known_attempts(connection, student_ids.values())
    names = {entry.record.student for entry in entries if entry.key in changed_keys}
    in_force: dict[int, int] = {}
    for entry in entries:
        student_id = student_ids[entry.record.student]
        row = attempts_by_work.get((student_id, entry.content)) or _adopted(
            attempts_by_work, student_id, entry
        )
        if row is None:
            row = _inserted(connection, student_id, ids[entry.key], entry, due)
            attempts_by_work[student_id, entry.content] = row
        elif not _is_updated(connection, row, ids[entry.key], entry, due):
            continue
        names.add(entry.record.student)
        in_force[row["id"]] = ids[entry.key]
    put_in_force(connection, in_force)
    return names


def _inserted(
    connection: Connection, student_id: int, submission_id: int, entry: GradedAttempt, due: str
) -> dict[str, Any]:
    """Insert an attempt with its files; return its row."""
    values = {
        "student_id": student_id,
        "content": entry.content,
        "submission_id": submission_id,
        "handed_in": entry.handed_in,
        "told_by": entry.told_by,
        "is_local": entry.is_local,
        "marked_late": entry.marked_late,
        "marked_for": due if entry.marked_late is not None else "",
        "first_at": datetime.now(UTC),
    }
    result = connection.execute(insert(attempts).values(values))
    (id_,) = result.inserted_primary_key or (0,)
    queries.keep_files(connection, id_, entry.files())
    return {**values, "id": id_, "is_kept": True, "status": entry.record.status}


def _is_updated(
    connection: Connection, row: dict[str, Any], submission_id: int, entry: GradedAttempt, due: str
) -> bool:
    """Update an attempt from an entry; return whether the entry had anything new."""
    values = _time_of(row, entry, due)
    if row["content"] != entry.content:
        values["content"] = entry.content
    is_same = row["submission_id"] == submission_id and row["is_kept"]
    if values:
        connection.execute(update(attempts).where(attempts.c.id == row["id"]).values(values))
    if not is_same:  # its files may have new names
        queries.keep_files(connection, row["id"], entry.files())
    row |= {**values, "is_kept": True}
    return bool(values) or not is_same


def _adopted(
    attempts_by_work: Mapping[tuple[int, str], dict[str, Any]],
    student_id: int,
    entry: GradedAttempt,
) -> dict[str, Any] | None:
    """Return an older grader's record of the same work, which is without its files."""
    content = content_of(entry.record)
    for (its_student, its_content), row in attempts_by_work.items():
        if its_student != student_id or row["is_kept"]:
            continue
        both_unreadable = entry.record.status == row["status"] == "unreadable"
        if both_unreadable or (content is not None and its_content == content):
            return row
    return None


def _with_students(connection: Connection, entries: Sequence[GradedAttempt]) -> dict[str, int]:
    """Return each student's id; add or update students as the system identifies them."""
    owners = {entry.record.student: entry.owner for entry in entries}
    ids = queries.ids_by(connection, students.c.name, owners)
    if new := [_row(name, owner) for name, owner in owners.items() if name not in ids]:
        connection.execute(insert(students), new)
        ids = queries.ids_by(connection, students.c.name, owners)
    people = {each.student: each for each in queries.people_of(connection, list(owners))}
    for name, owner in owners.items():
        person = people[name]
        if owner is None or (person.system, person.id) == (owner.system, owner.id):
            continue
        if owner.system or not person.system:  # a system's identity wins over a file's name
            queries.put_person(connection, Person(name, owner.system, owner.id, owner.name))
    return ids


def _row(name: str, owner: Owner | None) -> dict[str, str]:
    owner = owner or Owner("", "", "")
    return {"name": name, "system": owner.system, "system_id": owner.id, "called": owner.name}


def put_in_force(connection: Connection, submission_of: Mapping[int, int]) -> None:
    """Put gradings in force, by attempt."""
    now = datetime.now(UTC)
    for attempt_id, submission_id in submission_of.items():
        one = (gradings.c.attempt_id == attempt_id) & (gradings.c.submission_id == submission_id)
        connection.execute(delete(gradings).where(one))
        row = {"attempt_id": attempt_id, "submission_id": submission_id, "at": now}
        connection.execute(insert(gradings), row)
        connection.execute(
            update(attempts).where(attempts.c.id == attempt_id).values(submission_id=submission_id)
        )


def rename(connection: Connection, names: Mapping[str, str]) -> None:
    """Rename students, first to neutral names, as two may swap theirs."""
    ids = queries.ids_by(connection, students.c.name, names)
    neutral = {old: f"/{ids[old]}" for old in names}
    for name_of in (neutral, names):
        for old, name in name_of.items():
            row = update(students).where(students.c.id == ids[old])
            connection.execute(row.values(name=name))


def hide_names(connection: Connection, student: str, old: str) -> list[int]:
    """Rename files named after their student; return the attempts concerned."""
    (person,) = queries.people_of(connection, [student])
    own = {name for name in (old, person.id, person.name) if name}
    if any(name.casefold() in student.casefold() for name in own):
        return []  # a longer form of the name, which hides nothing
    id_ = queries.ids_by(connection, students.c.name, [student])[student]
    ids = []
    new_contents: set[str] = set()
    attempts_by_work = queries.known_attempts(connection, [id_])
    for row in attempts_by_work.values():
        submission = queries.files_of(connection, row["id"])
        pseudonym = Pseudonym(student, own, _mentioned(submission))
        files_ = {pseudonym.hide(name): data for name, data in submission.files.items()}
        problems = {pseudonym.hide(name): problem for name, problem in submission.problems.items()}
        if row["is_kept"] and (files_, problems) != (submission.files, submission.problems):
            new = msgspec.structs.replace(submission, files=files_, problems=problems)
            queries.keep_files(connection, row["id"], new)
            content = content_of_files(new)
            # Attempts that differ only in names stay separate, so that no mark changes.
            if (id_, content) not in attempts_by_work and content not in new_contents:
                query = update(attempts).where(attempts.c.id == row["id"])
                connection.execute(query.values(content=content))
            new_contents.add(content)
            ids.append(row["id"])
    return ids


def _mentioned(submission: SubmittedFiles) -> set[str]:
    """Return the names of files that other files mention, and so may import."""
    return {
        stem_of(name)
        for name in submission.files
        for other, data in submission.files.items()
        if other != name and stem_of(name).encode() in data
    }


def remove(connection: Connection, ids: Sequence[int], people: Sequence[Person]) -> int:
    """Remove students with all that is theirs alone; return the number of attempts."""
    attempt_ids = [row["id"] for row in queries.known_attempts(connection, ids).values()]
    for chunk in chunks(attempt_ids):
        for table in (files, gradings):
            connection.execute(delete(table).where(table.c.attempt_id.in_(chunk)))
        connection.execute(delete(attempts).where(attempts.c.id.in_(chunk)))
    for table in (finals, overrides):
        connection.execute(delete(table).where(table.c.student_id.in_(ids)))
    connection.execute(delete(students).where(students.c.id.in_(ids)))
    names = {name for person in people for name in (person.id, person.student) if name}
    connection.execute(delete(roster).where(roster.c.id.in_(names) | roster.c.student.in_(names)))
    # Contents that another student handed in too are kept.
    queries.delete_unused(connection)
    return len(attempt_ids)
