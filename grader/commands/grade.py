"""`grader grade`: find the submissions, grade new ones, record them, write the reports."""

import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from grader.commands.shared import entries_of, find_nothing, require_unreadable, starter
from grader.errors import UserError
from grader.gradebook import (
    Assignment,
    Gradebook,
    GradebookError,
    Setting,
    default_url,
    file_of,
    gradebook_file,
    note_url,
    seed_before,
    untouched_url,
    url_of,
)
from grader.gradebook.options import Options, check_same, first, is_short, login_name_or_number
from grader.grading.batch import Batch, work_of
from grader.judging.messages import ENGLISH
from grader.lms.registry import UNTIMED
from grader.reports.feedback.pages import Pages
from grader.reports.figures import ClassFigures
from grader.reports.results_folder import ResultsFolder
from grader.reports.terminal import GradeScreen
from grader.results.record import Final, record_path
from grader.scoring.protocol import GradingSettings
from grader.scoring.reading import Reader
from grader.submissions.archives import Archives
from grader.submissions.candidates import Handout
from grader.submissions.discover import discover
from grader.submissions.file_names import listing
from grader.submissions.students.roster import Person, RosterRow, StudentNames, read_people
from grader.submissions.students.times import NO_TIMES, Times
from grader.submissions.students.timetable import read_times
from grader.submissions.submission import Submission
from grader.util.exits import DONE, UNDER_MARK, say, status_after

OVERTAKEN = "another process keeps changing its settings: run again"


@dataclass(frozen=True)
class GradeRequest:
    """The arguments of `grader grade`: `paths` of the class, results below `out`.

    If the database is None, it is the one in the results.
    """

    paths: Sequence[Path]
    out: Path
    jobs: int
    options: Options
    fail_under: float | None
    isolation: Literal["auto", "strict"]
    format: Literal["text", "json"]
    db: str | None
    cluster: str | None
    cache: bool
    pages: bool
    times: Path | None


@dataclass(frozen=True)
class _PriorState:
    """The gradebook's content before this run; empty if there was none."""

    assignment: Assignment | None = None
    settings: Sequence[Setting] = ()
    people: Sequence[Person] = ()
    roster: dict[str, RosterRow] = field(default_factory=dict)
    renames: int = 0

    @property
    def terms(self) -> tuple[object, ...]:
        """The data this run relies on; if they change meanwhile, it starts again."""
        return self.assignment, self.roster, self.renames

    @classmethod
    def of(cls, book: Gradebook) -> "_PriorState":
        """Return a gradebook's content."""
        return cls(
            book.find_assignment(),
            book.settings(),
            book.people(),
            book.roster(),
            book.renames(),
        )


class _Overtaken(UserError):
    """Another process has changed data that this run relies on."""


def grade(request: GradeRequest) -> int:
    """Grade a request's submissions; return the exit code."""
    with suppress(_Overtaken):
        return _grade(request)
    return _grade(request)  # with the other process's settings, or refused if the options differ


def _grade(request: GradeRequest) -> int:
    results = request.out
    url = url_of(results, request.db)
    require_unreadable(
        {
            "the class": request.paths,
            "the folder of results": [results],
            "the gradebook": [file_of(url)],
            "the rubric": [request.options.rubric],
            "the table of students": [request.options.students],
            "the table of times": [request.times],
        }
    )
    with ExitStack() as stack:
        # Nothing is written until the scorers have proved themselves.
        before = _untouched(url, results, stack)
        prior = _PriorState.of(before) if before else _PriorState()
        assignment = _assignment(request, prior, results)
        rubric, handout = assignment.rubric, Handout(assignment.rubric)
        source_bytes = rubric.limits.source_bytes
        # Unpacked files are read while the class is graded, and deleted afterwards.
        archives = stack.enter_context(Archives(rubric.archives, source_bytes))
        rows = request.options.read_roster()
        names = _names(request, prior, rows, results)
        remarks = list(_other_python(rubric.software.python))
        with closing(Reader()) as reader:
            submissions = discover(
                request.paths,
                archives,
                results,
                names,
                names.students,
                is_untouched=lambda path: reader.is_handout(path, source_bytes, handout.lines),
                remark=remarks.append,
                zone=rubric.late.time_zone,
                times=_times(request, assignment),
                look=partial(reader.look_at, tasks=rubric.tasks),
            )
        remarks += names.check() if rows else []
        several = any(len(each.files) > 1 for s in submissions for each in s.attempts)
        stub_lines = handout.lines if several else ()
        grading_settings = GradingSettings.of(
            rubric, assignment.seed.value, request.isolation == "strict", stub_lines
        )
        works = [work_of(submission, source_bytes) for submission in submissions]
        screen = stack.enter_context(
            GradeScreen(sum(map(len, works)), rubric, results, quiet=request.format == "json")
        )
        start = starter(grading_settings, request.jobs, len(works), screen, request.cluster)
        find = before.find if before and request.cache else find_nothing
        batch = stack.enter_context(Batch(works, grading_settings, find, start, screen.show_alarm))
        results.mkdir(parents=True, exist_ok=True)
        note_url(results, url)
        book = stack.enter_context(Gradebook(url))
        earlier = book.find_assignment()
        if earlier and (earlier, book.roster(), book.renames()) != prior.terms:
            raise _Overtaken(f"{results}: {OVERTAKEN}")
        set_up = replace(assignment, software=grading_settings.software)
        renames = book.set_up(set_up, rows, login_name_or_number(), prior.renames)
        if book.assignment.basis != assignment.basis:
            raise _Overtaken(f"{results}: {OVERTAKEN}")
        remarks += _remember(book, assignment, earlier, grading_settings, results)
        screen.show_remarks(remarks)
        return _grade_class(request, submissions, book, renames, batch, screen)


def _assignment(request: GradeRequest, prior: _PriorState, results: Path) -> Assignment:
    """Return the assignment to use; raise UserError if the remembered one differs."""
    if prior.assignment is None:
        return first(request.options, seed_before(prior.settings))
    check_same(
        request.options,
        prior.assignment,
        prior.roster,
        prior.people,
        prior.settings,
        results,
    )
    return prior.assignment


def _names(
    request: GradeRequest, prior: _PriorState, rows: Sequence[RosterRow], results: Path
) -> StudentNames:
    # An older grader stored them in a file beside the gradebook.
    people = prior.people if prior.assignment else read_people(results)
    if rows:
        return StudentNames(people, [*prior.roster.values(), *rows], request.options.students or "")
    return StudentNames(people, prior.roster.values())


def _times(request: GradeRequest, assignment: Assignment) -> Times:
    return (
        read_times(request.times, assignment.rubric.late.time_zone) if request.times else NO_TIMES
    )


def _remember(
    book: Gradebook,
    assignment: Assignment,
    earlier: Assignment | None,
    grading_settings: GradingSettings,
    results: Path,
) -> Iterator[str]:
    """Remember this run's assignment, and yield lines that the instructor should see.

    `earlier` is what was remembered before.
    """
    if earlier is None:
        book.introduce(read_people(results))
        origin = {
            "secret": "a secret one, made just now",
            "given": "as given",
            "before": "as before",
        }
        yield (
            f"{results} now remembers the rubric ({assignment.rubric_name}), the seed "
            f"({origin[assignment.seed.origin]}) and the language: later commands need none of them"
        )
    elif earlier.software not in ({}, grading_settings.software):
        book.note_software(grading_settings.software, login_name_or_number())
        yield (
            f"{results} was graded with other software before "
            f"({_changed(earlier, grading_settings)}): to grade all of it with this one, "
            f"grader regrade --all --results {results}"
        )
    if is_short(int(assignment.seed.value)):
        yield (
            "the seed is short enough for students to find it by trying; to draw another: "
            f"grader settings {results} --new-seed"
        )


def _changed(earlier: Assignment, grading_settings: GradingSettings) -> str:
    return ", ".join(
        f"{name} {version}"
        for name, version in earlier.software.items()
        if grading_settings.software.get(name) != version
    )


def _other_python(version: str) -> Iterator[str]:
    """Yield a line if the handout names another Python version than this one."""
    here = ".".join(platform.python_version_tuple()[:2])
    if here != version:
        yield (
            f"this is Python {here}, and the handout says {version} ([software] in the rubric): "
            "code that only one of them can read earns other points than students expect"
        )


def _untouched(url: str, results: Path, stack: ExitStack) -> Gradebook | None:
    """Return the existing gradebook, if possible opened without leaving a trace, or None."""
    if url == default_url(results):
        if not gradebook_file(results).exists():
            return None
        if read_only := untouched_url(results):
            with suppress(GradebookError):  # somebody has begun to write since, or it is an old one
                return stack.enter_context(Gradebook(read_only))
    return stack.enter_context(Gradebook(url))


def _grade_class(
    request: GradeRequest,
    submissions: Sequence[Submission],
    book: Gradebook,
    renames: int,
    batch: Batch,
    screen: GradeScreen,
) -> int:
    results, assignment = request.out, book.assignment
    rubric, basis = assignment.rubric, assignment.basis
    if rubric.late.due and (systems := _untimed(submissions)):
        screen.show_untimed(systems)
    students = {submission.student for submission in submissions}
    overruled_students: list[str] = []
    # Closed first if a record cannot be written, so that no worker outlives the message.
    with (
        closing(
            Pages(min(request.jobs, len(submissions)), results, assignment.language, rubric)
        ) as pages,
        ResultsFolder(results, book, assignment, pages if request.pages else None) as folder,
        closing(batch.results(book.find)) as all_,
    ):
        try:
            for some in all_:
                entries = entries_of(some)
                overruled_students += book.later_than_known(entries) if request.times else []
                if not (some[0].was_known and book.is_unchanged(entries)):
                    book.add(basis, entries, renames)
                # Counted once it is in the gradebook, so an interrupt reports what is kept. The
                # next run writes the missing files.
                screen.add([result.record for result in some], were_known=some[0].was_known)
                folder.write(book.finals({entry.record.student for entry in entries}))
            screen.show_pages(pages.waiting)
            finals, figures = folder.complete(screen.alarms)
            screen.show_pages(pages.waiting)
        except KeyboardInterrupt as interrupt:
            folder.write_tables(screen.alarms)
            say(f"interrupted: {screen.graded_count} of {screen.total} graded, kept in {results}")
            return status_after(interrupt)
        except Exception:
            folder.write_tables(screen.alarms)
            raise
    of_run = [final for final in finals if final.student in students]
    if request.format == "json":
        _print_records(sorted(students), results)
    else:
        of_limit = _left_out(of_run, rubric.limits.graded_files)
        screen.show_remarks(
            [*_overruled(request, overruled_students), *_idle_extensions(book), *of_limit]
        )
        if assignment.language != "en":  # the screen's language
            figures = ClassFigures.of(finals, rubric.points, ENGLISH)
        screen.show_class(figures, of_run)
    return UNDER_MARK if _is_any_under(request, of_run) else DONE


def _is_any_under(request: GradeRequest, finals: Iterable[Final]) -> bool:
    mark = request.fail_under
    return mark is not None and any(final.final < mark for final in finals)


def _untimed(submissions: Sequence[Submission]) -> list[str]:
    """Return the systems that give no submission times, unless another source does."""
    return sorted(
        {
            each.owner.system
            for each in submissions
            if each.owner
            and each.owner.system not in ("", *UNTIMED)
            and each.handed_in(each.files[:1]).told_by != "system"
            and each.late is None
        }
    )


def _overruled(request: GradeRequest, students: Sequence[str]) -> list[str]:
    """Return a line with the students whose time in a table does not count, if any."""
    if not students:
        return []
    return [
        f"{request.times}: an earlier time of the same work is known, and counts, for "
        f"{listing(students)}; if it is wrong: grader override STUDENT --late-days N --why TEXT"
    ]


def _idle_extensions(book: Gradebook) -> list[str]:
    """Return a line with the students who have an extension but no attempt, if any."""
    names = book.extended_without_work()
    return [f"extension set, but nothing handed in yet: {', '.join(names)}"] if names else []


def _left_out(finals: Iterable[Final], most: int) -> list[str]:
    """Return a line with the students whose files were not all graded, if any."""
    files = {
        final.student: sum(file.role == "left_out" for file in final.record.files)
        for final in finals
    }
    names = [f"{student} ({count})" for student, count in files.items() if count]
    if not names:
        return []
    return [
        f"at most {most} files that define what is asked are graded ([limits] graded_files); left "
        f"out: {listing(names)}; see the role left_out in result.json"
    ]


def _print_records(students: Iterable[str], results: Path) -> None:
    """Print the records as one JSON array, without loading the whole class into memory."""
    between = b"[\n"
    for student in students:
        sys.stdout.buffer.write(between + record_path(student, results).read_bytes().rstrip())
        between = b",\n"
    sys.stdout.buffer.write(b"\n]\n")
    sys.stdout.buffer.flush()
