"""Grade a class as a stream: what was graded before first, then the rest as it is finished.

No more of the class is in memory than is being graded; what is done is handed on and forgotten.
Each file of a submission is graded for itself and the best counts, but for a Net that stands in
another one: a course that hands out two notebooks gets two back.

What may have ended as it did by the machine's fault is not handed on: it is graded again when all
else is done, alone, and that counts.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from msgspec.structs import replace

from grader.papers import Brief, Graded, Paper, key_of, key_of_all, may_be_faster
from grader.records import Record, best, net_file_of
from grader.smells import Smell
from grader.submissions import shown
from grader.submissions.discover import Submission
from grader.submissions.read import Unreadable, read_bytes

CHUNK = 200  # submissions looked up at a time
GATHER_SECONDS = 0.1
ALARMING = 3  # submissions in a row that end alike, by what may be the machine's fault
# Graded again, alone, at the end. Processor time is counted apart from what else is at work, so one
# that used its own up does so again.
DOUBTFUL: frozenset[Smell] = frozenset({"crash", "memory", "module", "wait"})
AHEAD = 8  # submissions begun for each job, so that none waits while results are recorded


class Graders(Protocol):
    """Whatever grades papers, `jobs` at a time: this machine or a cluster."""

    @property
    def jobs(self) -> int:
        """How many threads it keeps busy."""

    def prove(self) -> None:
        """Wait until the reference solution has earned all points in each process that grades."""

    def grade(self, paper: Paper) -> Graded:
        """Grade a paper; may be called by many threads."""


@dataclass(frozen=True)
class Result:
    """A graded submission: the record of its best file, and what that record is kept by.

    `file` is that file, None where there is none that can be read; `smell` what may be the
    machine's fault.
    """

    submission: Submission
    record: Record
    key: str
    file: Path | None
    handed_in: datetime
    was_known: bool
    smell: Smell | None


@dataclass(frozen=True)
class _File:
    """A file of a submission without its bytes, and the key of what it is graded as."""

    name: str
    sha256: str | None
    key: str
    path: Path | None
    handed_in: datetime


Find = Callable[[Sequence[str]], dict[str, Record]]
Start = Callable[[], AbstractContextManager[Graders]]
Alarm = Callable[[Smell, int], None]
_Known = dict[Submission, tuple[str, list[_File]]]  # the key of each record, and what it is of


class Batch:
    """A class that is about to be graded. Use as a context manager.

    On entering, what was graded before is found, and where that is not all, the processes that
    grade are started and prove themselves: what raises there leaves nothing behind.
    """

    def __init__(
        self,
        submissions: Iterable[Submission],
        brief: Brief,
        find: Find,
        start: Start,
        alarm: Alarm = lambda smell, count: None,
    ) -> None:
        """`find` returns the records that are known, by key; `start` starts what grades the rest.

        `alarm` is told when several submissions in a row may have ended by the machine's fault,
        and how many.
        """
        self._submissions = submissions
        self._brief = brief
        self._find = find
        self._start = start
        self._alarm = alarm
        self._known: _Known = {}
        self._unknown: list[Submission] = []
        self._graders: Graders | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Find what is known, and start and prove the graders if that is not all."""
        with ExitStack() as stack:
            remaining = iter(self._submissions)
            while chunk := list(islice(remaining, CHUNK)):
                known = self._look_up(chunk)
                self._known |= known
                self._unknown += [each for each in chunk if each not in known]
                if self._unknown and self._graders is None:  # while the rest is looked up
                    self._graders, self._pool = _started(self._start(), stack)
            if self._graders:
                self._graders.prove()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def results(self, find: Find) -> Generator[list[Result]]:
        """Yield the results of all submissions, some at a time, in the order of being finished.

        `find` finds the records of what was known on entering.
        """
        known = iter(self._known.items())
        while chunk := dict(islice(known, CHUNK)):
            records = find([key for key, _ in chunk.values()])
            yield [
                _result(submission, Graded(records[key], None), key, files, True)
                for submission, (key, files) in chunk.items()
            ]
        if self._graders:
            yield from self._graded(self._graders)

    def _look_up(self, chunk: Sequence[Submission]) -> _Known:
        """Return those submissions that are known with all their files."""
        files = {each: [file for _, file in _papers(each, self._brief)] for each in chunk}
        keys = {each: key_of_all([file.key for file in files[each]]) for each in files}
        records = self._find(list(keys.values()))
        return {
            each: (key, files[each])
            for each, key in keys.items()
            if key in records and self._is_final(records[key])
        }

    def _is_final(self, record: Record) -> bool:
        """Tell whether another try is no use; a crash may have been no fault of its own."""
        if record.status == "timeout" and record.conditions:
            return not may_be_faster(self._brief.conditions, record.conditions)
        return record.status not in ("crashed", "timeout")

    def _graded(self, graders: Graders) -> Iterator[list[Result]]:
        grade = partial(_grade, brief=self._brief, graders=graders)
        doubtful: list[Submission] = []
        row = _Row(self._alarm)
        for results in _stream(self._pool, grade, self._unknown, ahead=AHEAD * graders.jobs):
            for result in results:
                row.add(result.smell)
            doubtful += [r.submission for r in results if r.smell in DOUBTFUL]
            if certain := [r for r in results if r.smell not in DOUBTFUL]:
                yield certain
        for submission in doubtful:
            yield [grade(submission)]


class _Row:
    """Counts submissions that end one after the other in what may be the machine's fault."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._smell: Smell | None = None
        self._count = 0

    def add(self, smell: Smell | None) -> None:
        """Count one more; tell of it where that makes ALARMING of them, alike."""
        self._count = self._count + 1 if smell == self._smell else 1
        self._smell = smell
        if smell and self._count == ALARMING:
            self._alarm(smell, self._count)


def _started(
    start: AbstractContextManager[Graders], stack: ExitStack
) -> tuple[Graders, ThreadPoolExecutor]:
    """Start the graders, and the threads that read papers and wait for their records."""
    graders = start.__enter__()
    # One more than can be graded: the next paper lies ready when a job is done.
    pool = stack.enter_context(ThreadPoolExecutor(graders.jobs + 1))
    stack.push(start)  # left first: then no thread waits any more
    return graders, pool


def _grade(submission: Submission, brief: Brief, graders: Graders) -> Result:
    graded = [(graders.grade(paper), file) for paper, file in _papers(submission, brief)]
    records, files = [each.record for each, _ in graded], [file for _, file in graded]
    smells = [each.smell for each, _ in graded if each.smell]
    record, keys = best(records), [file.key for file in files]
    if record.status != "crashed" and any(other.status == "crashed" for other in records):
        keys.append("crashed")  # which is never looked up
    one = Graded(record, smells[0] if smells else None)
    return _result(submission, one, key_of_all(keys), files, False)


def _result(
    submission: Submission, graded: Graded, key: str, files: Sequence[_File], was_known: bool
) -> Result:
    """Return a result; it was handed in when the last file was that the record is about."""
    record = replace(graded.record, student=submission.student)
    by_content = {(file.name, file.sha256): file for file in reversed(files)}
    file = by_content.get((record.submission, record.sha256), files[0])
    net = by_content.get(net_file_of(record) or ("", None), file)
    handed_in = max(file.handed_in, net.handed_in)
    return Result(submission, record, key, file.path, handed_in, was_known, graded.smell)


def _papers(submission: Submission, brief: Brief) -> Iterator[tuple[Paper, _File]]:
    """Yield what is to be graded of a submission, and the file it is from."""
    student = submission.student
    if submission.problem:
        name = shown(submission.files[0].name) if submission.files else ""
        paper = Paper(student, name, None, submission.problem)
        yield paper, _file(paper, None, _handed_in(submission, *submission.files[:1]), brief)
        return
    for path in submission.files:
        handed_in = _handed_in(submission, path)
        name = shown(path.name)
        try:
            paper = Paper(student, name, read_bytes(path, brief.rubric.limits.source_bytes))
        except Unreadable as error:
            paper = Paper(student, name, None, str(error))
        yield paper, _file(paper, path, handed_in, brief)


def _file(paper: Paper, path: Path | None, handed_in: datetime, brief: Brief) -> _File:
    key = key_of(brief, paper)
    if paper.data is None:
        return _File(paper.name, None, key, None, handed_in)
    return _File(paper.name, hashlib.sha256(paper.data).hexdigest(), key, path, handed_in)


def _handed_in(submission: Submission, path: Path | None = None) -> datetime:
    """Return when the system says, else when the file was last changed; now, where none tells."""
    with suppress(OSError):
        if path is not None:
            if path in submission.moments:
                return submission.moments[path]
            return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    return datetime.now(UTC)


def _stream(
    pool: Executor,
    grade: Callable[[Submission], Result],
    submissions: Iterable[Submission],
    ahead: int,
) -> Iterator[list[Result]]:
    """Yield results as they are finished; `ahead` are begun, and about as many not yet handed on.

    Those of GATHER_SECONDS come together: recording several takes hardly longer than one. Where
    one cannot be graded, the others come before what is raised.
    """
    remaining = iter(submissions)
    begun = {pool.submit(grade, submission) for submission in islice(remaining, ahead)}
    while begun:
        finished: list[Future[Result]] = []
        seconds = None  # for the first there is all the time
        while begun and len(finished) < ahead and (seconds is None or seconds > 0):
            done, begun = wait(begun, seconds, return_when=FIRST_COMPLETED)
            more = islice(remaining, len(done))
            begun |= {pool.submit(grade, submission) for submission in more}
            if not finished:
                until = monotonic() + GATHER_SECONDS
            finished += done
            seconds = until - monotonic()
        graded = [future.result() for future in finished if future.exception() is None]
        if graded:
            yield graded
        for future in finished:
            future.result()
