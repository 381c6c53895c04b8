"""The gradebook: what is recorded, and what of it counts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

import msgspec
from sqlalchemy import Connection, insert

from grader.gradebook import statements
from grader.gradebook.database import Database, GradebookError
from grader.gradebook.standing import History, attempts_of, counting, final_of
from grader.gradebook.statements import Entry
from grader.gradebook.tables import overrides, submissions
from grader.policy import Policy
from grader.records import Final, Record


class Gradebook:
    """Students, what they handed in, how it was graded, and what was set by hand.

    Use as a context manager. Several processes may write to one database at the same time.
    Everything raises GradebookError, one line, where the database fails.
    """

    def __init__(self, url: str, policy: Policy) -> None:
        """Open the database at `url`; create the tables where there are none."""
        self._database = Database(url)
        self._policy = policy

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    def find(self, keys: Sequence[str]) -> dict[str, Record]:
        """Return the records of those keys that were graded before, as they were stored.

        They name no student: several may have handed in the same.
        """
        return self._database.read(
            lambda connection: statements.records_by(connection, submissions.c.key, keys)
        )

    def add(self, entries: Sequence[Entry]) -> None:
        """Record gradings, all or none of them; what is known is only noted as come to again."""
        now = datetime.now(UTC)
        self._database.write(lambda connection: statements.add(connection, entries, now))

    def finals(self, students: Iterable[str]) -> Iterator[Final]:
        """Yield what each student gets in the end, in this order; unknown ones are left out.

        The class is read in chunks, and is never in memory as a whole.
        """
        for names in statements.chunks(students):
            yield from self._database.read(partial(self._finals, names))

    def override(
        self,
        student: str,
        *,
        criterion: str | None,
        points: float | None,
        late_days: float | None,
        who: str,
        why: str,
        when: datetime,
    ) -> None:
        """Set points or late days by hand, or with neither withdraw what was set.

        Raise GradebookError where the student is not in the book.
        """

        def insert_override(connection: Connection) -> None:
            row = {
                "student_id": self._id_of(student, connection),
                "criterion": criterion,
                "points": points,
                "late_days": late_days,
                "who": who,
                "at": when,
                "why": why,
            }
            connection.execute(insert(overrides), row)

        self._database.write(insert_override)

    def history(self, student: str) -> History:
        """Return all that is known of a student; raise GradebookError where there is nothing."""
        return self._database.read(partial(self._history, student))

    def _finals(self, names: Sequence[str], connection: Connection) -> list[Final]:
        gradings = statements.gradings_of(connection, names)
        set_by_hand = statements.overrides_of(connection, names)
        attempts = {
            name: attempts_of(gradings[name], set_by_hand.get(name, []), self._policy)
            for name in names
            if name in gradings
        }
        counts = {
            name: counting(of_student, self._policy).latest.submission_id
            for name, of_student in attempts.items()
        }
        records = statements.records_by(connection, submissions.c.id, list(counts.values()))
        return [
            final_of(
                attempts[name],
                msgspec.structs.replace(records[counts[name]], student=name),
                set_by_hand.get(name, []),
                self._policy,
            )
            for name in names
            if name in attempts
        ]

    def _history(self, student: str, connection: Connection) -> History:
        self._id_of(student, connection)
        gradings = statements.gradings_of(connection, [student])[student]
        set_by_hand = statements.overrides_of(connection, [student]).get(student, [])
        (final,) = self._finals([student], connection)
        return History(
            final=final,
            attempts=attempts_of(gradings, set_by_hand, self._policy),
            overrides=set_by_hand,
        )

    def _id_of(self, student: str, connection: Connection) -> int:
        found = statements.student_id_of(connection, student)
        if found is None:
            close = statements.close_names(connection, student)
            meant = f"; did you mean {' or '.join(close)}?" if close else ""
            raise GradebookError(f"no student {student} in the gradebook{meant}")
        return found
