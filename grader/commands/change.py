"""`grader regrade` and `grader settings`: grade stored attempts again; no files needed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace

from grader.commands.shared import entries_of, find_nothing, require_unreadable, starter
from grader.errors import UserError
from grader.gradebook import (
    Assignment,
    Gradebook,
    GradebookError,
    Moves,
    SeedSetting,
    StoredWork,
    file_of,
    note_url,
    require_gradebook,
    url_of,
)
from grader.gradebook.options import Options, first, login_name_or_number, new_seed
from grader.grading.batch import Batch, HandIn, Result, Work
from grader.reports.changes import show_moves
from grader.reports.results_folder import ResultsFolder, complete_folder
from grader.reports.terminal import GradeScreen
from grader.results.record import Record
from grader.rubric import load_rubric
from grader.scoring.protocol import GradingSettings
from grader.submissions.candidates import Handout
from grader.submissions.students.times import Moment
from grader.util.exits import DONE

MOST_NAMED = 10


@dataclass(frozen=True)
class RegradeRequest:
    """Grade stored attempts again: of these students, or with one status, or all.

    Here and below, if the database is None, it is the one in the results.
    """

    results: Path
    db: str | None
    jobs: int
    students: Sequence[str]
    status: str | None
    all: bool


@dataclass(frozen=True)
class SettingsRequest:
    """Change settings: those with an option given, and the seed to a `new_seed`."""

    results: Path
    db: str | None
    jobs: int
    options: Options
    new_seed: bool
    dry_run: bool
    who: str


def regrade(request: RegradeRequest) -> int:
    """Grade attempts again that the gradebook has stored; return the exit code."""
    results = request.results
    url = url_of(results, request.db)
    require_unreadable({"the folder of results": [results], "the gradebook": [file_of(url)]})
    require_gradebook(results, url)
    with Gradebook(url) as book:
        assignment, renames = book.assignment, book.renames()
        attempts = _chosen(request, book)
        before = {final.student: final for final in book.finals()}

        def record(some: Sequence[Result]) -> None:
            book.add(assignment.basis, entries_of(some), renames)

        try:
            software = _grade(
                book, assignment, attempts, request.jobs, results, find_nothing, record
            )
        except KeyboardInterrupt:
            with ResultsFolder(results, book, assignment, pages=None) as folder:
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
        complete_folder(book, results, request.jobs)
    return DONE


def change_settings(request: SettingsRequest) -> int:
    """Change the remembered settings and all that follows; return the exit code."""
    results = request.results
    url = url_of(results, request.db)
    require_unreadable(
        {
            "the folder of results": [results],
            "the gradebook": [file_of(url)],
            "the rubric": [request.options.rubric],
            "the table of students": [request.options.students],
        }
    )
    if request.options.rubric is None or request.dry_run:  # otherwise a new gradebook may be set up
        require_gradebook(results, url)
    results.mkdir(parents=True, exist_ok=True)
    note_url(results, url)
    with Gradebook(url) as book:
        current = book.find_assignment()
        new = _new_assignment(request, current, book)
        rows = request.options.read_roster()
        before = [final.final for final in book.finals()]
        if current is None and not book.people():
            if request.dry_run:
                print("dry run: nothing is graded yet, so nothing would change")
                return DONE
            book.set_up(new, rows, request.who)
            print(f"{results} now remembers the assignment: see `grader settings {results}`")
            return DONE
        keys: dict[int, str] = {}
        if current is None or current.basis != new.basis:
            new, keys = _graded_anew(book, new, request.jobs, results)

        def show(moves: Moves, after: Sequence[float]) -> None:
            show_moves(moves, before, after)

        new_names = book.change(current, new, rows, keys, request.who, show, request.dry_run)
        if request.dry_run:
            print("dry run: nothing was changed")
            return DONE
        _hide_names(book, new_names, request.jobs, results)
        complete_folder(book, results, request.jobs, old_names=new_names)
    return DONE


def _hide_names(book: Gradebook, new_names: Mapping[str, str], jobs: int, results: Path) -> None:
    """Grade attempts again whose files carried a renamed student's old name."""
    ids = {id_ for old, new in new_names.items() for id_ in book.hide_names(new, old)}
    attempts = [attempt for attempt in book.stored(list(new_names.values())) if attempt.id in ids]
    if attempts:
        basis = book.assignment.basis

        def record(some: Sequence[Result]) -> None:
            book.add(basis, entries_of(some))

        _grade(book, book.assignment, attempts, jobs, results, find_nothing, record)


def _chosen(request: RegradeRequest, book: Gradebook) -> list[StoredWork]:
    """Return the attempts to grade again; raise UserError if there are none."""
    if sum([bool(request.students), request.status is not None, request.all]) != 1:
        raise UserError("say what to grade again: STUDENT..., --status STATUS or --all")
    for student in request.students:
        book.require(student)
    attempts = book.stored(request.students or None)
    if request.status is not None:
        attempts = [attempt for attempt in attempts if attempt.status == request.status]
    if not attempts:
        raise UserError(
            "nothing to grade again: the gradebook has no attempt with its files"
            + (f" and the status {request.status}" if request.status else "")
        )
    return attempts


def _new_assignment(
    request: SettingsRequest, current: Assignment | None, book: Gradebook
) -> Assignment:
    """Return the changed assignment."""
    options = request.options
    assignment = first(options, book.seed_before()) if current is None else current
    rubric, name, seed = assignment.rubric, assignment.rubric_name, assignment.seed
    if options.rubric:
        rubric, name = load_rubric(Path(options.rubric)), options.rubric
    if options.seed is not None:
        seed = SeedSetting(options.seed, "given")
    if request.new_seed:
        seed = new_seed()
    return replace(
        assignment.with_scoring(rubric, name, seed),
        language=options.lang or assignment.language,
        roster_name=options.students or assignment.roster_name,
    )


def _graded_anew(
    book: Gradebook, assignment: Assignment, jobs: int, results: Path
) -> tuple[Assignment, dict[int, str]]:
    """Grade every attempt with another rubric or seed; return it, and each attempt's key.

    The gradings are stored, but not in force yet. Raise GradebookError if an attempt was stored
    without its files, by an older grader.
    """
    if names := book.not_kept():
        if book.find_assignment() is None:
            return assignment, {}  # first rubric given, for what is there
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise GradebookError(
            f"an older grader recorded work of {', '.join(names[:MOST_NAMED])}{more} without its "
            f"files, so it cannot be graded again: first run `grader grade FILES --out {results}`"
        )
    keys: dict[int, str] = {}

    def record(some: Sequence[Result]) -> None:
        records: dict[str, Record] = {}
        for result in some:
            records[result.key] = result.record
            if result.hand_in.attempt is not None:
                keys[result.hand_in.attempt] = result.key
        book.keep(assignment.basis, records)

    software = _grade(book, assignment, book.stored(), jobs, results, book.find, record)
    return replace(assignment, software=software), keys


def _grade(
    book: Gradebook,
    assignment: Assignment,
    attempts: Sequence[StoredWork],
    jobs: int,
    results: Path,
    find: Callable[[Sequence[str]], dict[str, Record]],
    record: Callable[[Sequence[Result]], None],
) -> dict[str, str]:
    """Grade stored attempts and pass on the results; return the software versions."""
    rubric = assignment.rubric
    grading_settings = GradingSettings.of(
        rubric, assignment.seed.value, False, Handout(rubric).lines
    )
    works = [_work(book, list(same)) for _, same in groupby(attempts, lambda each: each.student)]
    if not works:
        return grading_settings.software
    with ExitStack() as stack:
        screen = stack.enter_context(GradeScreen(len(attempts), rubric, results, quiet=False))
        start = starter(grading_settings, jobs, len(works), screen)
        batch = stack.enter_context(Batch(works, grading_settings, find, start, screen.show_alarm))
        for some in stack.enter_context(closing(batch.results(find))):
            record(some)
            screen.add([result.record for result in some], were_known=some[0].was_known)
    return grading_settings.software


def _work(book: Gradebook, attempts: Sequence[StoredWork]) -> Work:
    return [
        HandIn(
            student=attempt.student,
            files=partial(book.files_of, attempt.id),
            handed_in=partial(_stored_moment, attempt),
            marked_late=attempt.marked_late,
            attempt=attempt.id,
        )
        for attempt in attempts
    ]


def _stored_moment(attempt: StoredWork, names: Sequence[str]) -> Moment:
    return Moment(attempt.handed_in, attempt.told_by, attempt.is_local)
