"""The gradebook's own commands: override, show the history or the settings, forget."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from grader.errors import UserError
from grader.gradebook import (
    Change,
    Gradebook,
    default_url,
    did_you_mean,
    gradebook_file,
    require_gradebook,
    untouched_url,
    url_of,
)
from grader.gradebook.options import Options, check_same, login_name
from grader.reports.changes import show_settings as print_settings
from grader.reports.history import days_late, show
from grader.reports.results_folder import ResultsFolder, complete_folder
from grader.results.policy import Late
from grader.results.record import CriterionResult, Final
from grader.source.paths import shown
from grader.submissions.file_names import counted
from grader.submissions.students.naming import safe


class OverrideOptions(msgspec.Struct, frozen=True):
    """The options of an override; without a criterion it is for the whole score."""

    criterion: str | None
    points: float | None
    late_days: float | None
    until: str | None
    withdraw: bool
    why: str
    tell: str
    who: str | None

    def change(self, final: Final | None, late: Late) -> Change:
        """Return the override as a change for the gradebook.

        Raise UserError, with what to type instead, if it is not a valid change of that final (None:
        there is no attempt yet, and only a due date can be set).
        """
        if not self.why.strip():
            raise UserError("--why is empty: the history needs a reason")
        values = (self.points, self.late_days, self.until)
        if self.withdraw == any(value is not None for value in values):
            raise UserError("give POINTS, --late-days or --until, or else --withdraw")
        if self.criterion is not None and (self.late_days is not None or self.until is not None):
            raise UserError(
                "--late-days and --until apply to the whole score: leave out --criterion"
            )
        if self.late_days is not None and not 0 <= self.late_days < math.inf:
            raise UserError(f"--late-days must be 0 or more, not {self.late_days:g}")
        due = late.moment(self.until) if self.until is not None else None
        if due and late.due_at is None:
            raise UserError("there is no due date to extend: first set due in [late] of the rubric")
        if due and late.due_at and due <= late.due_at:
            raise UserError(
                f"--until {self.until} is not an extension: the class's due date is {late.due}"
            )
        if final is not None:
            self._check_points(final)
        return Change(
            criterion=self.criterion,
            points=self.points,
            late_days=self.late_days,
            due=due,
            who=self.who or login_name(),
            why=self.why,
            told=self.tell,
        )

    def _check_points(self, final: Final) -> None:
        most = final.record.max_score
        if self.criterion is not None:
            most = _criterion(final.criteria, self.criterion).max_points
        if self.points is not None and not 0 <= self.points <= most:
            raise UserError(f"POINTS must be from 0 to {most:g}, not {self.points:g}")


class GradebookPlace(msgspec.Struct, frozen=True):
    """A gradebook's location, and the rubric option, which must match the remembered one."""

    results: Path
    db: str | None
    rubric: Path | None = None

    @property
    def exists(self) -> bool:
        """Whether the gradebook exists."""
        url = url_of(self.results, self.db)
        return url != default_url(self.results) or gradebook_file(self.results).exists()

    def _readable(self, url: str) -> str:
        """Return a URL that can read the gradebook even if the folder is not writable."""
        may_write = url != default_url(self.results) or os.access(self.results, os.W_OK)
        return url if may_write else untouched_url(self.results) or url

    def open(self) -> Gradebook:
        """Open the gradebook; raise UserError if it is missing or has another rubric."""
        url = url_of(self.results, self.db)
        require_gradebook(self.results, url)
        book = Gradebook(self._readable(url))
        try:
            options = Options(rubric=str(self.rubric) if self.rubric else None)
            check_same(options, book.assignment, {}, (), book.settings(), self.results)
        except BaseException:
            book.close()
            raise
        return book


def override_by_hand(student: str, options: OverrideOptions, place: GradebookPlace) -> list[str]:
    """Record a change, update the results, and return lines on what happened to the points.

    Raise UserError if the change is invalid, and GradebookError if the gradebook fails.
    """
    with place.open() as book:
        late = book.assignment.rubric.late
        is_new = options.until is not None and not options.withdraw and not book.knows(student)
        if is_new and student != safe(student):
            raise UserError(
                f"{student!r} cannot be a student's name: it is not a valid folder name"
            )
        before = None if is_new else _final(book, student)
        if before is None and (options.points is not None or options.late_days is not None):
            raise UserError(
                f"{shown(student)} has not handed in anything: you can only set --until"
            )
        close = book.close_to(student) if is_new else []
        book.override(student, options.change(before, late))
        after = _final(book, student)
        if place.results.is_dir():  # a gradebook elsewhere needs no such folder
            complete_folder(book, place.results)
    if after is None:
        what = "is withdrawn" if options.withdraw else f"is kept{did_you_mean(close)}"
        return [f"{shown(student)}: nothing is handed in yet; the extension {what}"]
    first = _summary(options, before) if before else "nothing"
    return [f"{shown(student)}: {first} -> {_summary(options, after)}"]


def show_history(student: str, place: GradebookPlace) -> None:
    """Print a student's history; raise GradebookError if there is none."""
    with place.open() as book:
        rubric = book.assignment.rubric
        show(book.history(student), rubric.policy(), rubric.late.time_zone.info)


def show_settings(place: GradebookPlace, with_seed: bool) -> None:
    """Print the remembered settings; the seed only on request."""
    with place.open() as book:
        print_settings(book.assignment, book.settings(), with_seed, str(place.results))


def forget(students: Sequence[str], who: str | None, place: GradebookPlace) -> list[str]:
    """Remove everything about students; return lines about that and about what stays.

    Raise GradebookError, and remove nothing, if one of them is not in the gradebook.
    """
    names = list(dict.fromkeys(students))
    with place.open() as book:
        for student in names:
            book.require(student)
        # Files first: if killed after that, the name is still in the gradebook, so forget can be
        # repeated.
        ResultsFolder(place.results, book, book.assignment, None).remove(names)
        count = book.forget(names, who or login_name())
        if place.results.is_dir():
            complete_folder(book, place.results)
    what = f"{counted(len(names), 'student')} with {counted(count, 'attempt')}"
    lines = [f"removed {what}, and all their files in {place.results}"]
    copies = sorted(place.results.glob("gradebook.db.before-*"))
    return lines + [
        f"{copy} is an older copy that still contains them: delete it" for copy in copies
    ]


def _final(book: Gradebook, student: str) -> Final | None:
    book.require(student)
    return next(iter(book.finals([student])), None)


def _criterion(criteria: Sequence[CriterionResult], id_: str) -> CriterionResult:
    for criterion in criteria:
        if criterion.id == id_:
            return criterion
    raise UserError(f"no criterion {id_}; choose from {', '.join(c.id for c in criteria)}")


def _summary(options: OverrideOptions, final: Final) -> str:
    days = f", {days_late(final.late_days)}" if final.late_days else ""
    mark = f"final {final.final:g}{days}"
    if options.criterion is None:
        return mark
    points = _criterion(final.criteria, options.criterion).points
    return f"{options.criterion} {points:g}, {mark}"
