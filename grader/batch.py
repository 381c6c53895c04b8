"""Grade a class as a stream: what was graded before first, then the rest as it is finished.

No more of the class is in memory than is being graded; what is done is handed on and forgotten.
Each file of a submission is graded for itself and the best counts, but for a Net that stands in
another one: a course that hands out two notebooks gets two back.
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
from typing import Protocol

from msgspec.structs import replace

from grader.papers import Brief, Paper, key_of, key_of_all
from grader.records import Record, best, net_file_of
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
    """Return the results of those submissions that are known with all their files.

    One that crashed is graded anew: that may have been no fault of its own.
    """
    files = {submission: [file for _, file in _papers(submission, brief)] for submission in chunk}
    keys = {
        submission: key_of_all([file.key for file in files[submission]]) for submission in files
    }
    records = find(list(keys.values()))
    return {
        submission: _result(
            replace(records[key], student=submission.student), key, files[submission], True
        )
        for submission, key in keys.items()
        if key in records and records[key].status != "crashed"
    }


def _grade(submission: Submission, brief: Brief, graders: Graders) -> Result:
    graded = [(graders.grade(paper), file) for paper, file in _papers(submission, brief)]
    records, files = [record for record, _ in graded], [file for _, file in graded]
    record, keys = best(records), [file.key for file in files]
    if record.status != "crashed" and any(other.status == "crashed" for other in records):
        keys.append("crashed")  # which is never looked up
    return _result(record, key_of_all(keys), files, False)


def _result(record: Record, key: str, files: Sequence[_File], was_known: bool) -> Result:
    """Return a result; it was handed in when the last file was that the record is about."""
    by_content = {(file.name, file.sha256): file for file in reversed(files)}
    file = by_content.get((record.submission, record.sha256), files[0])
    net = by_content.get(net_file_of(record) or ("", None), file)
    handed_in = max(file.handed_in, net.handed_in)
    return Result(record, key, file.path, handed_in, was_known)


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
