"""`grader regrade` and `grader settings`: grade again what the gradebook keeps; no files needed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from grader.batch import Batch, HandIn, Result, Work
from grader.commands.shared import entries_of, find_nothing, require_unreadable, starter
from grader.errors import UserError
from grader.exits import DONE
from grader.gradebook import (
    Assignment,
    Gradebook,
    GradebookError,
    Moves,
    Seed,
    Stored,
    file_of,
    note_url,
    require_gradebook,
    url_of,
)
from grader.jobs import RegradeJob, SettingsJob
from grader.papers import Brief
from grader.publishing import Folder, complete_folder
from grader.records import Record
from grader.remembering import first, login_name_or_number, new_seed
from grader.reports.changes import show_moves
from grader.reports.terminal import GradeScreen
from grader.rubric import load_rubric
from grader.submissions.candidates import Handout
from grader.submissions.times import Moment

MOST_NAMED = 10


def regrade(job: RegradeJob) -> int:
    """Grade attempts again that the gradebook keeps; return the exit code."""
    results = Path(job.results)
    url = url_of(results, job.db)
    require_unreadable({"the folder of results": [results], "the gradebook": [file_of(url)]})
    require_gradebook(results, url)
    with Gradebook(url) as book:
        assignment, renames = book.assignment, book.renames()
        attempts = _chosen(job, book)
        before = {final.student: final for final in book.finals()}

        def record(some: Sequence[Result]) -> None:
            book.add(assignment.basis, entries_of(some), renames)

        try:
            software = _grade(book, assignment, attempts, job.jobs, results, find_nothing, record)
        except KeyboardInterrupt:
            with Folder(results, book, assignment, pages=None) as folder:
                folder.complete()
            raise
        book.note_software(software, login_name_or_number())
        after = book.finals()
        show_moves(
            {
                f.student: (before[f.student], f)
                for f in after
                if f.final != before[f.student].final
            },
            [final.final for final in before.values()],
            [final.final for final in after],
        )
        complete_folder(book, results, job.jobs)
    return DONE


def change_settings(job: SettingsJob) -> int:
    """Change what the gradebook remembers, and all that follows from it; return the exit code."""
    results = Path(job.results)
    url = url_of(results, job.db)
    require_unreadable(
        {
            "the folder of results": [results],
            "the gradebook": [file_of(url)],
            "the rubric": [job.options.rubric],
            "the table of students": [job.options.students],
        }
    )
    if job.options.rubric is None or job.dry_run:  # else a new gradebook may be set up
        require_gradebook(results, url)
    results.mkdir(parents=True, exist_ok=True)
    note_url(results, url)
    with Gradebook(url) as book:
        current = book.find_assignment()
        wanted = _wanted(job, current, book)
        rows = job.options.read_roster()
        before = [final.final for final in book.finals()]
        if current is None and not book.people():
            if job.dry_run:
                print("dry run: there is nothing yet that would change")
                return DONE
            book.set_up(wanted, rows, job.who)
            print(f"{results} now remembers the assignment: see `grader settings {results}`")
            return DONE
        keys: dict[int, str] = {}
        if current is None or current.basis != wanted.basis:
            wanted, keys = _graded_anew(book, wanted, job.jobs, results)

        def show(moves: Moves, after: Sequence[float]) -> None:
            show_moves(moves, before, after)

        renamed = book.change(current, wanted, rows, keys, job.who, show, job.dry_run)
        if job.dry_run:
            print("dry run: nothing was changed")
            return DONE
        _hide_names(book, renamed, job.jobs, results)
        complete_folder(book, results, job.jobs, removed=renamed)
    return DONE


def _hide_names(book: Gradebook, renamed: Mapping[str, str], jobs: int, results: Path) -> None:
    """Grade the work again whose files were called as a student was who is called otherwise now."""
    hidden = {id_ for old, new in renamed.items() for id_ in book.hide_names(new, old)}
    attempts = [attempt for attempt in book.stored(list(renamed.values())) if attempt.id in hidden]
    if attempts:
        basis = book.assignment.basis

        def record(some: Sequence[Result]) -> None:
            book.add(basis, entries_of(some))

        _grade(book, book.assignment, attempts, jobs, results, find_nothing, record)


def _chosen(job: RegradeJob, book: Gradebook) -> list[Stored]:
    """Return the attempts that are to be graded again; raise UserError if there is none."""
    if sum([bool(job.students), job.status is not None, job.all]) != 1:
        raise UserError("say what to grade again: STUDENT..., --status STATUS or --all")
    for student in job.students:
        book.require(student)
    attempts = book.stored(job.students or None)
    if job.status is not None:
        attempts = [attempt for attempt in attempts if attempt.status == job.status]
    if not attempts:
        raise UserError(
            "nothing to grade again: no attempt that is kept with its files "
            + (f"has the status {job.status}" if job.status else "is theirs")
        )
    return attempts


def _wanted(job: SettingsJob, current: Assignment | None, book: Gradebook) -> Assignment:
    """Return the assignment as it is to be."""
    options = job.options
    wanted = first(options, book.seed_before()) if current is None else current
    rubric, name, seed = wanted.rubric, wanted.rubric_name, wanted.seed
    if options.rubric:
        rubric, name = load_rubric(Path(options.rubric)), options.rubric
    if options.seed is not None:
        seed = Seed(options.seed, "given")
    if job.new_seed:
        seed = new_seed()
    return replace(
        wanted.with_scoring(rubric, name, seed),
        language=options.lang or wanted.language,
        roster_name=options.students or wanted.roster_name,
    )


def _graded_anew(
    book: Gradebook, wanted: Assignment, jobs: int, results: Path
) -> tuple[Assignment, dict[int, str]]:
    """Grade every attempt by another rubric or seed; return it, and the key of each attempt.

    The gradings are kept, and are not in force yet. Raise GradebookError if an attempt is there
    without its bytes: what an older grader recorded.
    """
    if names := book.not_kept():
        if book.find_assignment() is None:
            return wanted, {}  # the first rubric that is named, for what there is
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise GradebookError(
            f"an older grader recorded work of {', '.join(names[:MOST_NAMED])}{more} without its "
            "files, so it cannot be graded anew: first grade these files into the results again"
        )
    keys: dict[int, str] = {}

    def record(some: Sequence[Result]) -> None:
        records: dict[str, Record] = {}
        for result in some:
            records[result.key] = result.record
            if result.hand_in.attempt is not None:
                keys[result.hand_in.attempt] = result.key
        book.keep(wanted.basis, records)

    software = _grade(book, wanted, book.stored(), jobs, results, book.find, record)
    return replace(wanted, software=software), keys


def _grade(
    book: Gradebook,
    assignment: Assignment,
    attempts: Sequence[Stored],
    jobs: int,
    results: Path,
    find: Callable[[Sequence[str]], dict[str, Record]],
    record: Callable[[Sequence[Result]], None],
) -> dict[str, str]:
    """Grade kept attempts, and hand on what comes of it; return the software's versions."""
    rubric = assignment.rubric
    brief = Brief.of(rubric, assignment.seed.value, False, Handout(rubric).lines)
    works = [_work(book, list(same)) for _, same in groupby(attempts, lambda each: each.student)]
    if not works:
        return brief.software
    with ExitStack() as opened:
        screen = opened.enter_context(GradeScreen(len(attempts), rubric, results, quiet=False))
        start = starter(brief, jobs, len(works), screen)
        batch = opened.enter_context(Batch(works, brief, find, start, screen.show_alarm))
        for some in opened.enter_context(closing(batch.results(find))):
            record(some)
            screen.add([result.record for result in some], known=some[0].was_known)
    return brief.software


def _work(book: Gradebook, attempts: Sequence[Stored]) -> Work:
    return [
        HandIn(
            student=attempt.student,
            paper=partial(book.paper, attempt.id),
            handed_in=partial(_stored_moment, attempt),
            marked_late=attempt.marked_late,
            attempt=attempt.id,
        )
        for attempt in attempts
    ]


def _stored_moment(attempt: Stored, names: Sequence[str]) -> Moment:
    return Moment(attempt.handed_in, attempt.told_by, attempt.is_local)
