"""The gradebook: everything recorded, and the marks that follow from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

import msgspec
from sqlalchemy import Connection, insert

from grader.gradebook import queries
from grader.gradebook.attempts import History, attempts_of, counting, final_of
from grader.gradebook.database import Database, GradebookError
from grader.gradebook.queries import StoredWork, chunks
from grader.gradebook.recording import (
    GradedAttempt,
    add_attempts,
    hide_names,
    is_unchanged,
    later_than_known,
    move_local_times,
    otherwise_called,
    put_in_force,
    remove,
    rename,
)
from grader.gradebook.settings import Assignment, Name, Setting, seed_before
from grader.gradebook.tables import audit, overrides, students, submissions
from grader.results.record import Final, Record
from grader.scoring.protocol import SubmittedFiles
from grader.source.paths import shown
from grader.submissions.students.naming import same_folder
from grader.submissions.students.roster import Person, RosterRow
from grader.util.bulk import no_collection

NOT_YET = (
    "does not know its rubric, as an older grader made it: name the one it was graded by, "
    "with `grader settings FOLDER --rubric FILE`, or grade the class again"
)
RENAMED = "students were renamed while this was graded: run again"
NOTHING = "nothing is set up or graded yet: see `grader grade` and `grader settings`"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An override to be made; see attempts.Override."""

    criterion: str | None = None
    points: float | None = None
    late_days: float | None = None
    due: datetime | None = None
    who: str
    why: str
    told: str = ""


Moves = dict[str, tuple[Final, Final]]  # each student's final before and after a change


class _NotDone(Exception):
    """Ends the transaction of a dry run."""


class Gradebook:
    """An assignment, its students, their attempts, gradings and overrides.

    Use as a context manager. Several processes may write to one database at the same time. All
    methods raise GradebookError, with one line, if the database fails.
    """

    def __init__(self, url: str) -> None:
        """Open the database at `url`; create the tables if there are none."""
        self._database = Database(url)
        self._cache: tuple[int, Assignment | None] = (-1, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    # The assignment

    @property
    def assignment(self) -> Assignment:
        """The remembered assignment; raise GradebookError, with the reason, if there is none."""
        return self._database.read(self._must)

    def find_assignment(self) -> Assignment | None:
        """Return the remembered assignment, or None if there is none yet."""
        return self._database.read(self._assignment)

    def settings(self) -> list[Setting]:
        """Return all settings ever made, in the order they were made."""
        return self._database.read(queries.settings_of)

    def set_up(
        self,
        assignment: Assignment,
        rows: Iterable[RosterRow],
        who: str,
        renames: int | None = None,
    ) -> int:
        """Remember the assignment unless there is one, and add rows to the roster.

        Return the count of renamings so far, because new rows may rename students. Raise
        GradebookError if others have renamed students since the `renames` at which the rows were
        read.
        """
        rows = list(rows)

        def work(connection: Connection) -> int:
            self._check_names(connection, renames)
            if self._assignment(connection) is None:
                self._set(connection, assignment.values(), who)
                self._recount(connection, assignment, None)
            roster = queries.roster_of(connection)
            if new := [row for row in rows if roster.get(row.id) != row]:
                queries.put_roster(connection, new)
                self._set(connection, {"names": "0"}, who)
                self._recount(connection, self._must(connection), None)  # because of sections
            return queries.renames(connection)

        return self._database.write(work)

    def note_software(self, software: dict[str, str], who: str) -> None:
        """Remember the software versions that the class is now graded with."""

        def work(connection: Connection) -> None:
            current = self._must(connection)
            new = msgspec.structs.replace(current, software=software)
            self._set(connection, current.changes_to(new), who)

        self._database.write(work)

    def change(
        self,
        before: Assignment | None,
        assignment: Assignment,
        rows: Sequence[RosterRow],
        keys: Mapping[int, str],
        who: str,
        show: Callable[[Moves, list[float]], None],
        dry_run: bool,
    ) -> dict[str, str]:
        """Put another assignment in force, replacing the one that was `before`.

        `keys` has the key of each kept attempt's new grading. `show` is called with the marks that
        change and with all new marks, before anything is written; a dry run ends there.

        Return the new names of renamed students, by old name. Raise GradebookError if another
        process has changed the settings meanwhile, or if an attempt has not been graded with the
        new rubric.
        """
        names: dict[str, str] = {}

        def work(connection: Connection) -> None:
            finals = {final.student: final for final in queries.finals_of(connection)}
            current = self._assignment(connection)
            if _terms(current) != _terms(before):
                raise GradebookError(
                    f"{self._database.label}: another process has changed its settings: run again"
                )
            if current is None or current.basis != assignment.basis:
                self._regrade(connection, keys)
            changes = current.changes_to(assignment) if current else assignment.values()
            names.update(self._renamed(connection, rows))
            if rows:
                changes["names"] = str(len(names))
            self._set(connection, changes, who)
            queries.put_roster(connection, rows)
            rename(connection, names)
            if current and current.rubric.late.time_zone != assignment.rubric.late.time_zone:
                zones = (each.rubric.late.time_zone.info for each in (current, assignment))
                move_local_times(connection, *zones)
            self._recount(connection, assignment, None)
            after = {final.student: final for final in queries.finals_of(connection)}
            moves = {
                name: (final, after[new])
                for name, final in finals.items()
                if final.final != after[new := names.get(name, name)].final
            }
            show(moves, [final.final for final in after.values()])
            if dry_run:
                raise _NotDone

        try:
            self._database.write(work)
        except _NotDone:
            self._cache = -1, None  # the values read inside were undone
        return names

    def seed_before(self) -> str | None:
        """Return the seed that an older grader used, if its gradebook was upgraded."""
        return seed_before(self.settings())

    # People

    def people(self) -> list[Person]:
        """Return the students' identities in the system they come from, by name."""
        return self._database.read(queries.people_of)

    def roster(self) -> dict[str, RosterRow]:
        """Return the instructor's table of students, by id."""
        return self._database.read(queries.roster_of)

    def introduce(self, people: Sequence[Person]) -> None:
        """Note students' identities in a system; those not in the gradebook yet are left out."""

        def work(connection: Connection) -> None:
            for person in people:
                queries.put_person(connection, person)

        self._database.write(work)

    def hide_names(self, student: str, old: str) -> list[int]:
        """Rename files of a student that carry the student's old name.

        Return the ids of the attempts with such files; they need grading again.
        """
        return self._database.write(lambda connection: hide_names(connection, student, old))

    def forget(self, names: Sequence[str], who: str) -> int:
        """Remove everything about students but a count in the audit; return the number of attempts.

        Raise GradebookError if one of them is not in the gradebook.
        """

        def work(connection: Connection) -> int:
            ids = [self._id_of(name, connection) for name in names]
            people = queries.people_of(connection, names)
            count = remove(connection, ids, people)
            row = {"action": "forget", "students": len(ids), "attempts": count, "who": who}
            connection.execute(insert(audit), {**row, "at": datetime.now(UTC)})
            return count

        count = self._database.write(work)
        self._database.compact()
        return count

    # Gradings

    def find(self, keys: Sequence[str]) -> dict[str, Record]:
        """Return the known records of these keys, as they were stored.

        They name no student, because several may have handed in the same.
        """
        return self._database.read(
            lambda connection: queries.records_by(connection, submissions.c.key, keys)
        )

    def keep(self, basis: str, records: Mapping[str, Record]) -> None:
        """Store records, by key, that are not in force yet."""
        with_basis = {key: (basis, record) for key, record in records.items()}
        self._database.write(lambda connection: queries.keep_records(connection, with_basis))

    def renames(self) -> int:
        """Return the count of renamings, to which names read now belong."""
        return self._database.read(queries.renames)

    def add(self, basis: str, entries: Sequence[GradedAttempt], renames: int | None = None) -> None:
        """Record gradings and put them in force, all or none.

        Raise GradebookError if the rubric or seed in force is no longer that of `basis`, or if
        students were renamed since the `renames` to which the entries' names belong.
        """

        def work(connection: Connection) -> None:
            self._check_names(connection, renames)
            self._add(connection, basis, entries)

        self._database.write(work)

    def is_unchanged(self, entries: Sequence[GradedAttempt]) -> bool:
        """Tell whether these gradings are already in force, with nothing to add."""
        due = self.assignment.rubric.late.due_instant
        return self._database.read(lambda connection: is_unchanged(connection, entries, due))

    def later_than_known(self, entries: Sequence[GradedAttempt]) -> list[str]:
        """Return the students with a later time for work already known: the earlier one counts."""
        return self._database.read(lambda connection: later_than_known(connection, entries))

    def stored(self, names: Sequence[str] | None = None) -> list[StoredWork]:
        """Return the attempts stored with their files, by student; None: everybody's."""
        return self._database.read(lambda connection: queries.stored_of(connection, names))

    def not_kept(self) -> list[str]:
        """Return the students with an attempt stored without its files, by an older grader."""
        return self._database.read(queries.students_not_kept)

    def files_of(self, attempt_id: int) -> SubmittedFiles:
        """Return an attempt's files, as they were handed in."""
        return self._database.read(lambda connection: queries.files_of(connection, attempt_id))

    # Marks

    def finals(self, names: Iterable[str] | None = None) -> list[Final]:
        """Return each student's final, by name; None: everybody's."""
        names = None if names is None else list(names)
        with no_collection():
            return self._database.read(lambda c: list(queries.finals_of(c, names)))

    def stamps(self) -> tuple[str, dict[str, str]]:
        """Return the id of this gradebook, and a stamp of each student's final.

        The stamp differs each time a final is computed, in any copy of the gradebook.
        """
        return self._database.read(lambda c: (queries.book_of(c), queries.stamps_of(c)))

    def with_drawings(self, finals: Sequence[Final]) -> list[Final]:
        """Return finals with all that a page shows: the whole record of the attempt that counts.

        Students who were removed or renamed meanwhile are left out.
        """
        records = self._database.read(lambda c: queries.records_in_force(c, finals))
        return [_with_drawings(f, records[f.student]) for f in finals if f.student in records]

    def source_of(self, final: Final) -> bytes | None:
        """Return the bytes of the file that counts, or None if they are not stored."""
        digest = final.record.sha256 or ""
        return self._database.read(lambda c: queries.data_of(c, [digest])).get(digest)

    def override(self, student: str, change: Change) -> None:
        """Set points, late days or a due date by hand, or withdraw what was set if none is given.

        A due date may also be set for a student without attempts; raise GradebookError for anything
        else.
        """

        def work(connection: Connection) -> None:
            if change.due and queries.student_id_of(connection, student) is None:
                connection.execute(insert(students), {"name": student})
            id_ = self._id_of(student, connection)
            row = msgspec.structs.asdict(change)
            last = max(
                (row["id"] for row in queries.known_attempts(connection, [id_]).values()),
                default=0,
            )
            row |= {"student_id": id_, "at": datetime.now(UTC), "last_attempt": last}
            connection.execute(insert(overrides), row)
            self._recount(connection, self._must(connection), [student])

        self._database.write(work)

    def history(self, student: str) -> History:
        """Return all that is known about a student; raise GradebookError if there is nothing."""
        return self._database.read(lambda connection: self._history(connection, student))

    def knows(self, student: str) -> bool:
        """Tell whether a student is in the gradebook."""
        return self._database.read(lambda c: queries.student_id_of(c, student)) is not None

    def require(self, student: str) -> None:
        """Raise GradebookError, with similar names, if a student is not in the gradebook."""
        self._database.read(lambda connection: self._id_of(student, connection))

    def close_to(self, student: str) -> list[str]:
        """Return at most three names of students that are spelled nearly like this one."""
        return self._database.read(lambda c: queries.close_names(c, student))

    def extended_without_work(self) -> list[str]:
        """Return the students with an extension and nothing else."""
        return self._database.read(queries.students_without_attempts)

    # Within a transaction

    def _assignment(self, connection: Connection) -> Assignment | None:
        newest = queries.newest_setting(connection)
        if newest != self._cache[0]:  # parsing a rubric is the slowest part here
            self._cache = newest, Assignment.of(queries.settings_of(connection))
        return self._cache[1]

    def _must(self, connection: Connection) -> Assignment:
        if (assignment := self._assignment(connection)) is None:
            is_older = seed_before(queries.settings_of(connection)) is not None
            raise GradebookError(f"{self._database.label}: {NOT_YET if is_older else NOTHING}")
        return assignment

    def _set(self, connection: Connection, values: Mapping[Name, str], who: str) -> None:
        now = datetime.now(UTC)
        rows = [Setting(name, value, who, now) for name, value in values.items()]
        queries.add_settings(connection, rows)

    def _check_names(self, connection: Connection, renames: int | None) -> None:
        if renames not in (None, queries.renames(connection)):
            raise GradebookError(f"{self._database.label}: {RENAMED}")

    def _add(self, connection: Connection, basis: str, entries: Sequence[GradedAttempt]) -> None:
        assignment = self._must(connection)
        if assignment.basis != basis:
            raise GradebookError(
                f"{self._database.label}: its rubric or seed was changed while this was graded: "
                "run again"
            )
        changed_keys = queries.keep_records(
            connection, {entry.key: (basis, entry.record) for entry in entries}
        )
        if student := otherwise_called(connection, entries):
            raise GradebookError(f"{self._database.label}: {RENAMED} ({shown(student)})")
        due = assignment.rubric.late.due_instant
        names = add_attempts(connection, entries, changed_keys, due)
        # Others may have handed in the same bytes, whose record has now changed.
        names |= set(queries.students_with(connection, changed_keys))
        self._recount(connection, assignment, sorted(names))

    def _regrade(self, connection: Connection, keys: Mapping[int, str]) -> None:
        """Put the new gradings of all stored attempts in force."""
        if later := [s for s in queries.stored_of(connection, None) if s.id not in keys]:
            raise GradebookError(
                f"{self._database.label}: {shown(later[0].student)} handed in more while the "
                "class was graded: run again"
            )
        ids = queries.submission_ids(connection, keys.values())
        put_in_force(connection, {attempt: ids[key] for attempt, key in keys.items()})

    def _recount(
        self, connection: Connection, assignment: Assignment, names: Sequence[str] | None
    ) -> None:
        """Recompute students' finals; None: everybody's."""
        policy, basis = assignment.rubric.policy(), assignment.basis
        points = assignment.rubric.points
        sections = queries.sections_of(connection, names)
        names = queries.all_names(connection) if names is None else names
        for chunk in chunks(names):
            handed_in = queries.handed_in_by(connection, chunk, basis, points)
            by_hand = queries.overrides_of(connection, chunk)
            of_each = {
                name: attempts_of(its_files, by_hand.get(name, []), policy)
                for name, its_files in handed_in.items()
            }
            counts = {n: counting(each, policy).file.submission_id for n, each in of_each.items()}
            records = queries.records_by(connection, submissions.c.id, set(counts.values()))
            ids = queries.ids_by(connection, students.c.name, of_each)
            of_chunk = {
                ids[name]: final_of(
                    name,
                    sections.get(name, ""),
                    its_attempts,
                    records[counts[name]],
                    by_hand.get(name, []),
                    policy,
                )
                for name, its_attempts in of_each.items()
            }
            queries.put_finals(connection, of_chunk)

    def _renamed(self, connection: Connection, rows: Sequence[RosterRow]) -> dict[str, str]:
        """Return the table's names for students in the gradebook, by their current names."""
        names = {row.id: row.student for row in rows if row.student}
        people = queries.people_of(connection)
        # If an older grader noted no id, it is the file's name, which a table has replaced.
        before = {row.student: row.id for row in queries.roster_of(connection).values()}
        new_names = {
            person.student: names[id_]
            for person in people
            if (id_ := person.id or before.get(person.student, person.student)) in names
        }
        after = [same_folder(new_names.get(person.student, person.student)) for person in people]
        if twice := sorted({name for name in after if after.count(name) > 1} if new_names else ()):
            raise GradebookError(f"two students would be called {shown(twice[0])}")
        return {old: new for old, new in new_names.items() if old != new}

    def _history(self, connection: Connection, student: str) -> History:
        self._id_of(student, connection)
        assignment = self._must(connection)
        policy, points = assignment.rubric.policy(), assignment.rubric.points
        by_hand = queries.overrides_of(connection, [student]).get(student, [])
        its_files = queries.handed_in_by(connection, [student], assignment.basis, points)
        its_gradings = queries.gradings_of(connection, student)
        return History(
            student=student,
            final=next(queries.finals_of(connection, [student]), None),
            attempts=[
                msgspec.structs.replace(attempt, gradings=its_gradings.get(attempt.file.id, []))
                for attempt in attempts_of(its_files.get(student, []), by_hand, policy)
            ],
            overrides=by_hand,
        )

    def _id_of(self, student: str, connection: Connection) -> int:
        id_ = queries.student_id_of(connection, student)
        if id_ is None:
            close = queries.close_names(connection, student)
            advice = did_you_mean(close) or ": grades.csv lists the names"
            raise GradebookError(f"no student {shown(student)} in the gradebook{advice}")
        return id_


def did_you_mean(names: Sequence[str]) -> str:
    """Return a question about some names; nothing if there are none."""
    return f"; did you mean {' or '.join(map(shown, names))}?" if names else ""


def _terms(assignment: Assignment | None) -> Assignment | None:
    """Return an assignment without the software versions, which any run may update."""
    return assignment and msgspec.structs.replace(assignment, software={})


def _with_drawings(final: Final, record: Record) -> Final:
    """Return a final with its whole record, including what only a page shows."""
    maps = {criterion.id: criterion.map for criterion in record.criteria}
    criteria = [msgspec.structs.replace(c, map=maps.get(c.id)) for c in final.criteria]
    record = msgspec.structs.replace(record, student=final.student)
    return msgspec.structs.replace(final, record=record, criteria=criteria)
