"""Grade a class as a stream: what was graded before first, then the rest as it is finished.

No more of the class is in memory than is being graded; what is done is handed on and forgotten.

What may have ended as it did by the machine's fault is not handed on: it is graded again when all
else is done, alone, and that counts.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

import msgspec

from grader.papers import Brief, Graded, Paper, key_of, may_be_faster
from grader.records import Record
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
    """A graded submission: its record, and what that is kept by.

    `file` is the file that counts, None where none can be read; `smell` what may be the machine's
    fault; `earlier` are the results of its student's earlier attempts, in their order.
    """

    submission: Submission
    record: Record
    key: str
    file: Path | None
    handed_in: datetime
    was_known: bool
    smell: Smell | None
    earlier: tuple["Result", ...] = ()

    @property
    def attempts(self) -> tuple["Result", ...]:
        """All attempts of the student, the newest last."""
        return *self.earlier, self


Find = Callable[[Sequence[str]], dict[str, Record]]
Start = Callable[[], AbstractContextManager[Graders]]
Alarm = Callable[[Smell, int], None]
_Known = dict[Submission, list[str]]  # the keys of the records of all its attempts


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
            records = find([key for keys in chunk.values() for key in keys])
            yield [
                _joined(
                    _result(attempt, Graded(records[key], None), key, True)
                    for attempt, key in zip(submission.attempts, keys, strict=True)
                )
                for submission, keys in chunk.items()
            ]
        if self._graders:
            yield from self._graded(self._graders)

    def _look_up(self, chunk: Sequence[Submission]) -> _Known:
        """Return those submissions that are known with all their files, and earlier attempts."""
        of_each = {
            each: [key_of(self._brief, paper_of(a, self._brief)) for a in each.attempts]
            for each in chunk
        }
        records = self._find([key for keys in of_each.values() for key in keys])
        return {
            each: keys
            for each, keys in of_each.items()
            if all(key in records and self._is_final(records[key]) for key in keys)
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
            for attempt in (attempt for result in results for attempt in result.attempts):
                row.add(attempt.smell)
            doubtful += [r.submission for r in results if _is_doubtful(r)]
            if certain := [r for r in results if not _is_doubtful(r)]:
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


def _is_doubtful(result: Result) -> bool:
    return any(attempt.smell in DOUBTFUL for attempt in result.attempts)


def _grade(submission: Submission, brief: Brief, graders: Graders) -> Result:
    return _joined(_grade_one(attempt, brief, graders) for attempt in submission.attempts)


def _joined(attempts: Iterable[Result]) -> Result:
    """Return the newest attempt with the others; none was handed in before those before it.

    They are handed on together, so that they are recorded in their order.
    """
    *earlier, newest = accumulate(
        attempts, lambda before, r: replace(r, handed_in=max(r.handed_in, before.handed_in))
    )
    return replace(newest, earlier=tuple(earlier))


def _grade_one(submission: Submission, brief: Brief, graders: Graders) -> Result:
    paper = paper_of(submission, brief)
    graded, key = graders.grade(paper), key_of(brief, paper)
    if graded.crashed_beside:
        key = f"{key} crashed"  # which is never looked up
    return _result(submission, graded, key, False)


def _result(submission: Submission, graded: Graded, key: str, was_known: bool) -> Result:
    record = msgspec.structs.replace(graded.record, student=submission.student)
    counting = [record.submission, *(f.name for f in record.files if f.role in ("net", "used"))]
    by_name = {_name_of(submission, path): path for path in submission.files}
    paths = [by_name[name] for name in counting if name in by_name]
    return Result(
        submission=submission,
        record=record,
        key=key,
        file=paths[0] if paths and record.sha256 else None,
        handed_in=submission.handed_in(paths or submission.files[:1]).at,
        was_known=was_known,
        smell=graded.smell,
    )


def paper_of(submission: Submission, brief: Brief) -> Paper:
    """Return what is to be graded of a submission; all files together may be as large as one."""
    paper = Paper(submission.student, {}, {}, submission.problem or "")
    left = brief.rubric.limits.source_bytes
    for path in submission.files:
        name = _name_of(submission, path)
        if submission.problem:
            paper.problems[name] = submission.problem
            continue
        try:
            paper.files[name] = read_bytes(path, left)
            left -= len(paper.files[name])
        except Unreadable as error:
            paper.problems[name] = str(error)
    return paper


def _name_of(submission: Submission, path: Path) -> str:
    """Return what the student called a file; one that is only a problem has no other name."""
    return shown(submission.names.get(path, path.name))


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
