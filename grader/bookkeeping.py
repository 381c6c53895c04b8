"""The gradebook's own commands: set points by hand, and show a student's history."""

import getpass
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

import msgspec

from grader.catalogue import ENGLISH
from grader.errors import UserError
from grader.gradebook import Gradebook, GradebookError, default_url
from grader.records import GRADES, Criterion, Final, read_students, write_grades
from grader.reports.history import days_late, show
from grader.reports.index import write_index
from grader.rubric import Rubric


class Change(msgspec.Struct, frozen=True):
    """What somebody typed to have overridden; without a criterion it is about the whole score."""

    criterion: str | None
    points: float | None
    late_days: float | None
    withdraw: bool

    def check(self, final: Final) -> None:
        """Raise UserError, with what to type instead, where this is no change of that final."""
        given = self.points is not None or self.late_days is not None
        if self.withdraw == given:
            raise UserError("give POINTS or --late-days, or else --withdraw")
        if self.criterion is not None and self.late_days is not None:
            raise UserError("--late-days is of the whole score: leave --criterion out")
        if self.late_days is not None and not 0 <= self.late_days < math.inf:
            raise UserError(f"--late-days {self.late_days:g} is no number of days")
        most = final.record.max_score
        if self.criterion is not None:
            most = _criterion(final.criteria, self.criterion).max_points
        if self.points is not None and not 0 <= self.points <= most:
            raise UserError(f"{self.points:g} is not within 0 and {most:g} points")


def override_by_hand(
    student: str,
    change: Change,
    who: str | None,
    why: str,
    rubric: Rubric,
    results: Path,
    url: str | None,
) -> str:
    """Record a change, rewrite grades.csv and index.html, and return what became of the points.

    Raise UserError where the change is none, and GradebookError where the gradebook fails.
    """
    if not why.strip():
        raise UserError("--why is empty: the history needs a reason")
    with _open(results, url, rubric) as book:
        before = book.history(student).final
        change.check(before)
        book.override(
            student,
            criterion=change.criterion,
            points=change.points,
            late_days=change.late_days,
            who=who or _login_name(),
            why=why,
            when=datetime.now(UTC),
        )
        after = book.history(student).final
        _rewrite_grades(book, rubric, results)
    return f"{student}: {_told(change, before)} -> {_told(change, after)}"


def show_history(student: str, rubric: Rubric, results: Path, url: str | None) -> None:
    """Print the history of a student; raise GradebookError where there is none."""
    with _open(results, url, rubric) as book:
        show(book.history(student), rubric.policy(), rubric.late.time_zone.info)


def _open(results: Path, url: str | None, rubric: Rubric) -> Gradebook:
    if url is None and not (results / "gradebook.db").exists():
        raise GradebookError(f"{results}: no gradebook.db in it; name the folder with --results")
    return Gradebook(default_url(results) if url is None else url, rubric.policy())


def _criterion(criteria: Sequence[Criterion], named: str) -> Criterion:
    for criterion in criteria:
        if criterion.id == named:
            return criterion
    raise UserError(f"no criterion {named}: {', '.join(c.id for c in criteria)}")


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as containers have them
        raise UserError("this user has no login name: say who you are with --who") from None


def _rewrite_grades(book: Gradebook, rubric: Rubric, results: Path) -> None:
    """Write grades.csv anew for the students it lists, where there is one, and index.html."""
    try:
        names = read_students(results)
    except FileNotFoundError:
        return
    except UserError as error:
        raise GradebookError(f"recorded, but {error}") from error
    write_grades(_all(names, book.finals(names), results), list(rubric.points), results)
    write_index(book.finals(names), rubric, results, ENGLISH)


def _all(names: Iterable[str], finals: Iterable[Final], results: Path) -> Iterator[Final]:
    """Yield the finals; raise GradebookError before a student is lost who is not in the book."""
    for name, final in zip_longest(names, finals):
        if final is None or final.student != name:
            raise GradebookError(
                f"recorded, but {results / GRADES} stays as it was: "
                f"it lists {name}, who is not in this gradebook"
            )
        yield final


def _told(change: Change, final: Final) -> str:
    days = f", {days_late(final.late_days)}" if final.late_days else ""
    whole = f"final {final.final:g}{days}"
    if change.criterion is None:
        return whole
    points = _criterion(final.criteria, change.criterion).points
    return f"{change.criterion} {points:g}, {whole}"
