"""Grade a class as a stream: what was graded before first, then the rest as it is finished.

No more of the class is in memory than is being graded; what is done is handed on and forgotten.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from grader.papers import Brief, Paper, key_of
from grader.records import Record
from grader.submissions import shown
from grader.submissions.discover import Submission
from grader.submissions.read import Unreadable, read_bytes

CHUNK = 200  # submissions looked up at a time
GATHER_SECONDS = 0.1
AHEAD = 8  # submissions begun for each job, so that none waits while results are recorded


class Graders(Protocol):
    """Whatever grades papers, `jobs` at a time: this machine or a cluster."""

    @property
    def jobs(self) -> int:
        """How many threads it keeps busy."""

    def grade(self, paper: Paper) -> Record:
        """Grade a paper; may be called by many threads."""


@dataclass(frozen=True)
class Result:
    """A graded submission: the record of its best file, and what that record is kept by.

    `file` is that file, None where there is none that can be read.
    """

    record: Record
    key: str
    file: Path | None
    handed_in: datetime
    was_known: bool


Find = Callable[[Sequence[str]], dict[str, Record]]
Start = Callable[[], AbstractContextManager[Graders]]


def grade_all(
    submissions: Iterable[Submission], brief: Brief, find: Find, start: Start
) -> Generator[list[Result], None, None]:
    """Yield the results of all submissions, some at a time, in the order of being finished.

    `find` returns the records that are known, by key; `start` is called where some are not.
    """
    unknown: list[Submission] = []
    remaining = iter(submissions)
    with ExitStack() as stack:
        graders: Graders | None = None
        while chunk := list(islice(remaining, CHUNK)):
            known = _look_up(chunk, brief, find)
            unknown += [submission for submission in chunk if submission not in known]
            if unknown and graders is None:  # they start while the rest is looked up
                graders, pool = _started(start(), stack)
            if known:
                yield list(known.values())
        if graders is not None:
            grade = partial(_grade, brief=brief, graders=graders)
            yield from _stream(pool, grade, unknown, ahead=AHEAD * graders.jobs)


def _started(
    start: AbstractContextManager[Graders], stack: ExitStack
) -> tuple[Graders, ThreadPoolExecutor]:
    """Start the graders, and the threads that read papers and wait for their records."""
    graders = start.__enter__()
    # One more than can be graded: the next paper lies ready when a job is done.
    pool = stack.enter_context(ThreadPoolExecutor(graders.jobs + 1))
    stack.push(start)  # left first: then no thread waits any more
    return graders, pool


def _look_up(chunk: Sequence[Submission], brief: Brief, find: Find) -> dict[Submission, Result]:
    """Return the results of those submissions all of whose files are known.

    One that crashed is graded anew: that may have been no fault of its own.
    """
    keyed = {
        submission: [
            (key_of(brief, paper), path, at) for paper, path, at in _papers(submission, brief)
        ]
        for submission in chunk
    }
    records = find([key for papers in keyed.values() for key, _, _ in papers])
    return {
        submission: _best(
            [
                Result(replace(records[key], student=submission.student), key, path, at, True)
                for key, path, at in papers
            ]
        )
        for submission, papers in keyed.items()
        if all(key in records and records[key].status != "crashed" for key, _, _ in papers)
    }


def _grade(submission: Submission, brief: Brief, graders: Graders) -> Result:
    return _best(
        [
            Result(graders.grade(paper), key_of(brief, paper), path, at, False)
            for paper, path, at in _papers(submission, brief)
        ]
    )


def _best(results: Sequence[Result]) -> Result:
    return max(results, key=lambda result: result.record.score)


def _papers(submission: Submission, brief: Brief) -> Iterator[tuple[Paper, Path | None, datetime]]:
    """Yield what is to be graded of a submission, its file, and when that was handed in."""
    student = submission.student
    if submission.problem:
        name = shown(submission.files[0].name) if submission.files else ""
        paper = Paper(student, name, None, submission.problem)
        yield paper, None, _handed_in(submission, *submission.files[:1])
        return
    for path in submission.files:
        handed_in = _handed_in(submission, path)
        try:
            paper = Paper(
                student, shown(path.name), read_bytes(path, brief.rubric.limits.source_bytes)
            )
        except Unreadable as error:
            yield Paper(student, shown(path.name), None, str(error)), None, handed_in
        else:
            yield paper, path, handed_in


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
