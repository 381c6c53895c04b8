"""Grade a class as a stream: what was graded before first, then the rest as it is finished.

No more of the class is in memory than is being graded; what is done is handed on and forgotten.

What may have ended as it did by the machine's fault is not handed on: it is graded again when all
else is done, alone, and that counts. So is a submission over which a process that grades has ended;
if one does so again, that is its record.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Protocol, Self

import msgspec

from grader.lms.layout import Owner
from grader.results.record import Record, others_of
from grader.scoring.machine_faults import Smell
from grader.scoring.protocol import (
    Graded,
    GradingSettings,
    ScorerDied,
    SubmittedFiles,
    cache_key,
    content_of,
    may_be_faster,
)
from grader.source.paths import shown
from grader.source.read import Unreadable, read_bytes
from grader.submissions.students.times import Moment
from grader.submissions.submission import Submission

CHUNK = 200  # submissions looked up at a time
GATHER_SECONDS = 0.1
ALARMING = 3  # submissions in a row that end alike, by what may be the machine's fault
# Graded again, alone, at the end. Processor time is counted apart from what else is at work, so one
# that used its own up does so again.
DOUBTFUL: frozenset[Smell] = frozenset({"crash", "memory", "module", "wait"})
PROVISIONAL = "crashed"  # at the end of a key, which is then never looked up
ENDS_SCORER = (
    "is not graded: the process that grades ended over it twice, the second time while it graded "
    "nothing else; the next run tries again"
)
AHEAD = 8  # submissions begun for each job, so that none waits while results are recorded


class AnyPool(Protocol):
    """Whatever grades submissions, `jobs` at a time: this machine or a cluster."""

    @property
    def jobs(self) -> int:
        """How many threads it keeps busy."""

    def prove(self) -> None:
        """Wait until the reference solution has earned all points in each process that grades."""

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Grade a submission; may be called by many threads."""


@dataclass(frozen=True, eq=False)
class HandIn:
    """One attempt of a student that is to be graded.

    `files` reads what was handed in, and `handed_in` says when the files of these names were.
    `marked_late` is what the system says, if it does, and `owner` who it is there. `attempt` is the
    id of one that is from the gradebook.
    """

    student: str
    files: Callable[[], SubmittedFiles]
    handed_in: Callable[[Sequence[str]], Moment]
    marked_late: bool | None = None
    owner: Owner | None = None
    attempt: int | None = None


# The attempts of one student, the newest last. They are handed on together, so that they are
# recorded in their order.
Work = Sequence[HandIn]


@dataclass(frozen=True)
class Result:
    """A graded attempt: its record, and what that is kept by.

    `content` is a digest of what was handed in, and `files` returns it; `smell` is what may be the
    machine's fault.
    """

    hand_in: HandIn
    record: Record
    key: str
    content: str
    files: Callable[[], SubmittedFiles]
    moment: Moment
    was_known: bool
    smell: Smell | None


class _Lookup(NamedTuple):
    """What an attempt is looked up by."""

    key: str
    content: str


Find = Callable[[Sequence[str]], dict[str, Record]]
Start = Callable[[], AbstractContextManager[AnyPool]]
Alarm = Callable[[Smell, int], None]


class Batch:
    """A class that is about to be graded. Use as a context manager.

    On entering, what was graded before is found, and where that is not all, the processes that
    grade are started and prove themselves: what raises there leaves nothing behind.
    """

    def __init__(
        self,
        works: Iterable[Work],
        settings: GradingSettings,
        find: Find,
        start: Start,
        alarm: Alarm = lambda smell, count: None,
    ) -> None:
        """`find` returns the records that are known, by key; `start` starts what grades the rest.

        `alarm` is told when several submissions in a row may have ended by the machine's fault,
        and how many.
        """
        self._works = works
        self._settings = settings
        self._find = find
        self._start = start
        self._alarm = alarm
        self._known_works: list[tuple[Work, list[_Lookup]]] = []
        self._new_works: list[Work] = []
        self._pool: AnyPool | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Find what is known, and start and prove the scorers if that is not all."""
        with ExitStack() as stack:
            rest = iter(self._works)
            while chunk := list(islice(rest, CHUNK)):
                self._look_up(chunk)
                if self._new_works and self._pool is None:  # while the rest is looked up
                    self._pool, self._threads = _started(self._start(), stack)
            if self._pool:
                self._pool.prove()
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
        """Yield the results of all attempts, some at a time, in the order of being finished.

        `find` finds the records of what was known on entering.
        """
        rest = iter(self._known_works)
        while chunk := list(islice(rest, CHUNK)):
            records = find([each.key for _, lookups in chunk for each in lookups])
            yield [
                _result(hand_in, Graded(records[each.key], None), each, hand_in.files, True)
                for work, lookups in chunk
                for hand_in, each in zip(work, lookups, strict=True)
            ]
        if self._pool:
            yield from self._graded(self._pool)

    def _look_up(self, chunk: Sequence[Work]) -> None:
        """Part those works that are known with all their attempts from the others."""
        of_each = [[_lookup(hand_in.files(), self._settings) for hand_in in work] for work in chunk]
        records = self._find([each.key for lookups in of_each for each in lookups])
        for work, lookups in zip(chunk, of_each, strict=True):
            keys = [each.key for each in lookups]
            if all(key in records and self._is_final(records[key]) for key in keys):
                self._known_works.append((work, lookups))
            else:
                self._new_works.append(work)

    def _is_final(self, record: Record) -> bool:
        """Tell whether another try is no use; a crash may have been no fault of its own."""
        if record.status == "timeout" and record.conditions:
            return not may_be_faster(self._settings.conditions, record.conditions)
        return record.status not in ("crashed", "timeout")

    def _graded(self, pool: AnyPool) -> Iterator[list[Result]]:
        grade = partial(_grade, settings=self._settings, pool=pool)
        doubtful: list[Work] = []
        streak = _Streak(self._alarm)
        for group in _stream(self._threads, grade, self._new_works, ahead=AHEAD * pool.jobs):
            certain: list[Result] = []
            for work, results in group:
                for result in results:
                    streak.add(result.smell)
                if not results or any(result.smell in DOUBTFUL for result in results):
                    doubtful.append(work)
                else:
                    certain += results
            if certain:
                yield certain
        for work in doubtful:
            yield [_grade_alone(hand_in, self._settings, pool) for hand_in in work]


class _Streak:
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
    start: AbstractContextManager[AnyPool], stack: ExitStack
) -> tuple[AnyPool, ThreadPoolExecutor]:
    """Start the scorers, and the threads that read submissions and wait for their records."""
    pool = start.__enter__()
    # One more than can be graded: the next submission lies ready when a job is done.
    threads = stack.enter_context(ThreadPoolExecutor(pool.jobs + 1))
    stack.push(start)  # left first: then no thread waits any more
    return pool, threads


def _lookup(submission: SubmittedFiles, settings: GradingSettings) -> _Lookup:
    return _Lookup(cache_key(settings, submission), content_of(submission))


_GradedWork = tuple[Work, list[Result]]


def _grade(work: Work, settings: GradingSettings, pool: AnyPool) -> _GradedWork:
    """Grade the attempts of a student; no results are that a scorer has ended over one."""
    try:
        return work, [_grade_one(hand_in, settings, pool.grade) for hand_in in work]
    except ScorerDied:
        return work, []


def _grade_alone(hand_in: HandIn, settings: GradingSettings, pool: AnyPool) -> Result:
    """Grade an attempt while nothing else is; its record is unreadable if the scorer ends again."""

    def grade(submission: SubmittedFiles) -> Graded:
        try:
            return pool.grade(submission)
        except ScorerDied:
            problems = {name: f"{name} {ENDS_SCORER}" for name in submission.files}
            unread = SubmittedFiles(
                submission.student, {}, {**problems, **submission.problems}, submission.problem
            )
            return msgspec.structs.replace(pool.grade(unread), provisional=True)

    return _grade_one(hand_in, settings, grade)


def _grade_one(
    hand_in: HandIn, settings: GradingSettings, grade: Callable[[SubmittedFiles], Graded]
) -> Result:
    submission = hand_in.files()
    answer, lookup = grade(submission), _lookup(submission, settings)
    if answer.provisional:
        lookup = lookup._replace(key=f"{lookup.key} {PROVISIONAL}")
    return _result(hand_in, answer, lookup, lambda: submission, False)


def _result(
    hand_in: HandIn,
    answer: Graded,
    lookup: _Lookup,
    files: Callable[[], SubmittedFiles],
    was_known: bool,
) -> Result:
    record = msgspec.structs.replace(answer.record, student=hand_in.student)
    names = [record.submission, *(file.name for file in others_of(record))]
    return Result(
        hand_in=hand_in,
        record=record,
        key=lookup.key,
        content=lookup.content,
        files=files,
        moment=hand_in.handed_in(names),
        was_known=was_known,
        smell=answer.smell,
    )


def work_of(submission: Submission, source_bytes: int) -> Work:
    """Return the attempts of a student as they were found; none may be later than the next.

    All files of one together may have `source_bytes`.
    """
    attempts = submission.attempts
    return [
        HandIn(
            student=submission.student,
            files=partial(files_of, attempt, source_bytes),
            handed_in=partial(_handed_in, attempts[: number + 1]),
            marked_late=attempt.late,
            owner=submission.owner or Owner("", submission.called, submission.called),
        )
        for number, attempt in enumerate(attempts)
    ]


def files_of(submission: Submission, source_bytes: int) -> SubmittedFiles:
    """Return what is to be graded of a submission; all files together may be as large as one."""
    files = SubmittedFiles(submission.student, {}, {}, submission.problem or "")
    bytes_left = source_bytes
    for path in submission.files:
        name = _name_of(submission, path)
        if submission.problem:
            files.problems[name] = submission.problem
            continue
        try:
            files.files[name] = read_bytes(path, bytes_left)
            bytes_left -= len(files.files[name])
        except Unreadable as error:
            files.problems[name] = str(error)
    return files


def _name_of(submission: Submission, path: Path) -> str:
    """Return what the student called a file; one that is only a problem has no other name."""
    return shown(submission.names.get(path, path.name))


def _handed_in(attempts: Sequence[Submission], names: Sequence[str]) -> Moment:
    """Return when the last of some files of the last attempt was handed in.

    No attempt was handed in before those that the system numbers before it.
    """
    *earlier, newest = attempts
    by_name = {_name_of(newest, path): path for path in newest.files}
    paths = [by_name[name] for name in names if name in by_name]
    moment = newest.handed_in(paths or newest.files[:1])
    before = [attempt.handed_in(attempt.files[:1]) for attempt in earlier]
    last = max([moment, *before], key=lambda each: each.at)
    return last._replace(told_by=moment.told_by)


def _stream(
    executor: Executor,
    grade: Callable[[Work], _GradedWork],
    works: Iterable[Work],
    ahead: int,
) -> Iterator[list[_GradedWork]]:
    """Yield results as they are finished; `ahead` are begun, and about as many not yet handed on.

    Those of GATHER_SECONDS come together: recording several takes hardly longer than one. Where
    one cannot be graded, the others come before what is raised.
    """
    rest = iter(works)
    pending = {executor.submit(grade, work) for work in islice(rest, ahead)}
    while pending:
        futures: list[Future[_GradedWork]] = []
        seconds = None  # for the first there is all the time
        while pending and len(futures) < ahead and (seconds is None or seconds > 0):
            done, pending = wait(pending, seconds, return_when=FIRST_COMPLETED)
            more = islice(rest, len(done))
            pending |= {executor.submit(grade, work) for work in more}
            if not futures:
                until = monotonic() + GATHER_SECONDS
            futures += done
            seconds = until - monotonic()
        results = [future.result() for future in futures if future.exception() is None]
        if results:
            yield results
        for future in futures:
            future.result()
