"""Write the reports on a gradebook into a results folder, and keep them up to date.

The gradebook is the truth, and the folder a view of it. Each change of a student's final gets a
stamp, and the folder notes the stamps of what was written. So the next command completes what a
killed one, or another process with the same gradebook, has left undone.
"""

import fcntl
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from grader.gradebook import Assignment, Gradebook
from grader.judging.messages import Texts
from grader.reports.feedback.pages import Pages
from grader.reports.figures import ClassFigures
from grader.reports.index import SIMILAR, write_index
from grader.results.record import Final, in_language, write_grades, write_result
from grader.scoring.machine_faults import Smell
from grader.submissions.students.naming import is_safe
from grader.submissions.students.roster import write_people
from grader.util.atomic import remove_unfinished, write_atomically
from grader.util.bulk import no_collection

CHUNK = 200  # students whose files are written at a time
COMPLETE = ".complete"
LOCK = ".lock"
# Every process that writes here holds a shared lock on this file, and notes in it when it starts
# and, once nothing is left to do, ends.
AT_WORK = ".at-work"
CAME, WENT = "+", "-"


class _Complete(msgspec.Struct, frozen=True):
    """The gradebook, and the stamps at which the students' records and pages were written."""

    book: str
    records: dict[str, str] = {}
    pages: dict[str, str] = {}


class Published(NamedTuple):
    """The content of a class's tables: everybody's finals, and figures on them."""

    finals: list[Final]
    figures: ClassFigures


class ResultsFolder:
    """The files of a results folder. Several processes may write to one at the same time.

    Use as a context manager. On entering, it removes files that killed processes left half-written,
    unless other processes are at work here: then the next one does so when they are done. The
    students' folders are searched only if a process has not ended properly.
    """

    def __init__(
        self, results: Path, book: Gradebook, assignment: Assignment, pages: Pages | None
    ) -> None:
        """Without `pages`, the students' feedback pages stay unchanged."""
        self._results = results
        self._book = book
        self._assignment = assignment
        self._texts = Texts(assignment.language)
        self._pages = pages
        self._stack = ExitStack()
        self._students: set[str] = set()
        self._is_complete = False
        self._name = uuid4().hex

    def __enter__(self) -> Self:
        self._at_work = self._stack.enter_context(open(self._results / AT_WORK, "a+"))
        with self._if_alone() as is_alone:
            if is_alone:
                remove_unfinished(self._results, deep=not self._have_all_gone())
                self._at_work.truncate(0)
        self._note(CAME)
        return self

    def __exit__(self, *details: object) -> None:
        if self._is_complete:  # otherwise a process may have ended in the middle of a page
            with suppress(OSError):
                self._note(WENT)
        self._stack.close()

    def write(self, finals: Sequence[Final]) -> None:
        """Write students' result.json and pages, unless they are up to date."""
        for start in range(0, len(finals), CHUNK):
            for final in self._book.with_drawings(finals[start : start + CHUNK]):
                self._write(final)

    def _write(self, final: Final) -> None:
        self._students.add(final.student)
        translation = _in_language(final, self._texts)
        try:
            write_result(translation.result, self._results)
        except FileNotFoundError:
            if self._book.knows(final.student):
                raise
            return  # somebody has removed this student meanwhile
        if self._pages:
            self._pages.add(translation, partial(self._book.source_of, final))

    def complete(self, alarms: Sequence[tuple[Smell, int]] = ()) -> Published:
        """Write what has changed since the folder was complete, and the class's tables.

        Return the tables' content. `alarms` are possible faults of the machine, each with the
        number of submissions in a row.
        """
        with self._locked():
            if self._pages:
                self._pages.finish()  # these may have changed since they were begun
            book, stamps = self._book.stamps()
            before = self._complete_until(book)
            self.remove((before.records.keys() | self._students) - stamps.keys())
            stamps_before = before.pages if self._pages else before.records
            names = [name for name, stamp in stamps.items() if stamps_before.get(name) != stamp]
            self.write(self._book.finals(names))
            if self._pages:
                self._pages.finish()
            tables = self._write_tables(alarms)
            now = _Complete(book, stamps, stamps if self._pages else before.pages)
            with self._if_alone() as is_alone:
                # Other processes may still write data read earlier; then they, or the next run,
                # check everything again.
                if is_alone and now != before:
                    write_atomically(self._results / COMPLETE, msgspec.json.encode(now))
        self._is_complete = True
        return tables

    def write_tables(self, alarms: Sequence[tuple[Smell, int]] = ()) -> None:
        """Write grades.csv, students.csv and index.html: everybody the gradebook knows."""
        with self._locked():
            self._write_tables(alarms)

    def _write_tables(self, alarms: Sequence[tuple[Smell, int]]) -> Published:
        rubric, results = self._assignment.rubric, self._results
        with no_collection():
            finals = self._book.finals()
            write_grades(finals, list(rubric.points), list(rubric.tasks.runs), results)
            write_people(self._book.people(), results)
            figures = write_index(finals, rubric, results, self._texts, alarms)
        return Published(finals, figures)

    def remove(self, students: Iterable[str]) -> None:
        """Remove the files of students who were renamed or removed.

        Also remove a report of similar submissions, which may name them.
        """
        for student in students:
            folder = self._results / student
            if folder.parent == self._results and is_safe(student):
                shutil.rmtree(folder, ignore_errors=True)
            (self._results / SIMILAR).unlink(missing_ok=True)

    def _complete_until(self, book: str) -> _Complete:
        with suppress(FileNotFoundError, msgspec.DecodeError):
            state = msgspec.json.decode((self._results / COMPLETE).read_bytes(), type=_Complete)
            if state.book == book:
                return state
        return _Complete(book)

    def _note(self, what: str) -> None:
        self._at_work.write(f"{what}{self._name}\n")
        self._at_work.flush()

    def _have_all_gone(self) -> bool:
        """Tell whether all earlier processes ended properly, which older graders did not note."""
        self._at_work.seek(0)
        notes = set(self._at_work.read().split())
        arrivals = {note.removeprefix(CAME) for note in notes if note.startswith(CAME)}
        return bool(arrivals) and all(f"{WENT}{name}" in notes for name in arrivals)

    @contextmanager
    def _if_alone(self) -> Iterator[bool]:
        """Yield whether no other process is at work here; if so, none starts meanwhile."""
        is_alone = True
        try:
            fcntl.flock(self._at_work, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        try:
            yield is_alone
        finally:
            fcntl.flock(self._at_work, fcntl.LOCK_SH)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time write the tables, so that the last one has the newest data."""
        with open(self._results / LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def complete_folder(
    book: Gradebook, results: Path, jobs: int = 1, old_names: Iterable[str] = ()
) -> None:
    """Write everything out of date in a results folder, including pages; `jobs` at a time.

    Files of students under `old_names` are removed. An interrupt only postpones pages.
    """
    assignment = book.assignment
    with (
        closing(Pages(jobs, results, assignment.language, assignment.rubric)) as pages,
        ResultsFolder(results, book, assignment, pages) as folder,
    ):
        folder.remove(old_names)
        try:
            folder.complete()
        except KeyboardInterrupt:
            folder.write_tables()
            raise


def _in_language(final: Final, texts: Texts) -> Final:
    record = in_language(final.record, texts)
    messages = {criterion.id: criterion.message for criterion in record.criteria}
    criteria = [replace(c, message=messages.get(c.id, c.message)) for c in final.criteria]
    return replace(final, record=record, criteria=criteria)
