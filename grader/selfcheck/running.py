"""Run a student's file and report on it: `python -m selfcheck FILE`, `grader check FILE`."""

import argparse
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

from ..errors import UserError
from ..judging.judge import verdicts
from ..judging.messages import N_, Texts, language_here, language_of
from ..student_code.guards import guarded
from ..student_code.loading import load
from .cautions import of_python
from .checking import INTERRUPTED, CheckedWork, Questions, stored_questions
from .files import CheckedFiles, read_files
from .report import Look, Report, WorkSummary
from .timing import Stopwatch, TimeLimits
from .watcher import TOO_LONG, WHEN_TOLD, watch

EPILOG = """\
example: python -m selfcheck homework.ipynb --watch

exit codes: 0 all is right; 1 something is not right yet; 2 a problem that you can correct,
described on standard error; 130 interrupted
"""


@dataclass(frozen=True)
class CheckRequest:
    """A request for a check. `when_told`: wait for a line on stdin, then take at most that many s.

    `notice` is printed before the file first runs.
    """

    file: Path
    only: str | None = None
    watch: bool = False
    lang: str | None = None
    when_told: float | None = None
    notice: str = ""

    def arguments(self) -> list[str]:
        """Return the command line for the same check, once."""
        options = {"--only": self.only, "--lang": self.lang}
        words = [word for name, value in options.items() if value for word in (name, value)]
        return [str(self.file), *words]

    def give_notice(self) -> None:
        """Print the notice, if there is one."""
        if self.notice:
            print(self.notice, file=sys.stderr, flush=True)


def run(request: CheckRequest, questions: Questions, command: Sequence[str]) -> int:
    """Handle a request; return 0 if all is right (or watching ended), else 1.

    `command` starts a process that does the same. Raises UserError if the file cannot be read or an
    option names nothing.
    """
    language = language_of(request.lang) if request.lang else language_here(os.environ)
    look = look_of(Texts(language))
    questions.chosen(request.only)
    if request.watch:
        request.give_notice()
        return watch(request.file, [*command, *request.arguments()], look.texts)
    if request.when_told is not None and not sys.stdin.readline():
        return 0  # the watching process is gone
    return check_file(request, questions, look)


def check_file(request: CheckRequest, questions: Questions, look: Look) -> int:
    """Run a .py or .ipynb, check its functions, print a report; return 0 if all is right.

    Raises UserError if the file cannot be read or `only` names nothing.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")  # no window may stop the check
    submission = read_files(request.file, questions.source_bytes, Path.cwd())
    request.give_notice()
    with guarded(), empty_folder() as folder:
        limits = questions.limits.here()  # measured before the student's time starts
        if request.when_told is not None:
            labels = {cell.label for cell in submission.main.cells}
            _end_after(request.when_told, labels, look.texts, folder)
        work = work_of(submission, questions, limits, folder)
        for place, text in work.facts.notes:
            print(f"! {place}: {text}")
        cautions = list(of_python(questions, look.texts))
        report = print_report(work, request.only, questions, look, cautions)
    return 1 if report.next else 0


@contextmanager
def empty_folder() -> Iterator[Path]:
    """Yield an empty folder for work_of; afterwards delete it and restore the current folder.

    Graded work is also alone with the files that were handed in.
    """
    before = os.getcwd()
    with TemporaryDirectory(prefix="selfcheck-", ignore_cleanup_errors=True) as folder:
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def work_of(
    submission: CheckedFiles, questions: Questions, limits: TimeLimits, folder: Path
) -> CheckedWork:
    """Run a file and those beside it in a folder, which becomes the current one."""
    limit = limits.of_statements()
    homework = load(
        submission.main, submission.beside, questions.packages, questions.tasks, limit, folder
    )
    if any(note.text == INTERRUPTED for note in homework.notes):
        raise KeyboardInterrupt
    stopwatch = Stopwatch(limits)
    return CheckedWork.of(
        submission.main, homework, submission.beside, submission.in_text, questions, stopwatch
    )


def print_report(
    work: CheckedWork, only: str | None, questions: Questions, look: Look, cautions: Sequence[str]
) -> Report:
    """Print the results of the quick criteria, then of training; return the whole report."""
    first, report = None, None
    for report in reports(work, only, questions, look, cautions):
        if first is None:
            first = report
            print(first.opening(), flush=True)
    assert first is not None  # reports() yields at least one
    assert report is not None
    print(report.closing(first), flush=True)
    return report


def reports(
    work: CheckedWork,
    only: str | None,
    questions: Questions,
    look: Look,
    cautions: Sequence[str] = (),
) -> Iterator[Report]:
    """Yield the report on the quick criteria and then, if training is asked, on all.

    `cautions` say what may differ when the work is graded. Raises UserError if `only` names
    nothing.
    """
    criteria = questions.chosen(only)
    tasks = questions.tasks
    quick = [name for name in criteria if not tasks.trains(name)]
    training = criteria[len(quick) :]
    places = {name: work.place_of(name) for name in tasks.definitions}
    cases = questions.cases_for(criteria)
    outcomes = list(work.ask(case for case in cases if not tasks.trains(case.criterion)))
    verdicts_ = verdicts(quick, outcomes, questions.marking, work.facts)
    work_notes = WorkSummary(work.helpers, cautions, work.facts.unparsed)
    yield Report(verdicts_, tasks, places, look, training, only is None, work_notes)
    if training:
        outcomes += work.ask(case for case in cases if tasks.trains(case.criterion))
        verdicts_ = [*verdicts_, *verdicts(training, outcomes, questions.marking, work.facts)]
        work_notes = WorkSummary(work.helpers, cautions, work.facts.unparsed)
        yield Report(verdicts_, tasks, places, look, (), only is None, work_notes)


def look_of(texts: Texts) -> Look:
    """Return the look of standard output: colour only on a terminal and without NO_COLOR."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if colour and sys.platform == "win32":
        os.system("")  # switches the Windows console to escape sequences
    return Look(texts, shutil.get_terminal_size().columns, colour)


def _end_after(seconds: float, labels: set[str], texts: Texts, folder: Path) -> None:
    """End this process after `seconds`, whatever it is doing, and print the line it was at.

    `folder` is deleted.
    """
    student = threading.get_ident()

    def end() -> None:
        place = _place(sys._current_frames().get(student), labels)
        message = N_("took longer than {seconds:g} s and was ended {place}: an endless loop?")
        sentence = texts.say(message, seconds=seconds, place=f"({place})" if place else "")
        print(sentence, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(TOO_LONG)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _place(frame: FrameType | None, labels: set[str]) -> str:
    while frame is not None:
        if frame.f_code.co_filename in labels:
            return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""


def main() -> int:
    """Run `python -m selfcheck FILE [--only NAME] [--watch] [--lang LANGUAGE]`."""
    parser = argparse.ArgumentParser(
        prog="python -m selfcheck",
        description="Check your homework on the public cases.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="your homework.py or homework.ipynb")
    parser.add_argument("--only", metavar="NAME", help="check one function or criterion")
    parser.add_argument("--watch", action="store_true", help="check again at each save")
    parser.add_argument("--lang", help="en, zh_Hans or zh_Hant (default: your system's language)")
    parser.add_argument(WHEN_TOLD, type=float, help=argparse.SUPPRESS)
    request = CheckRequest(**vars(parser.parse_args()))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a Windows pipe may not support all characters
    try:
        return run(
            request, stored_questions(), [sys.executable, "-m", str(__package__).partition(".")[0]]
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
