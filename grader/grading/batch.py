"""Grade a class as a stream: first the results known already, then the rest as it is finished.

Only what is being graded is in memory; finished results are passed on and forgotten. A result that
may be the machine's fault is not passed on: the submission is graded again at the end, alone, and
that result counts. So is a submission during which a process that grades has ended; if that happens
again, it becomes its record.
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
ALARMING = 3  # submissions in a row with the same possible fault of the machine
# Graded again, alone, at the end. Processor time is unaffected by other processes, so a submission
# that used up its own would do so again.
DOUBTFUL: frozenset[Smell] = frozenset({"crash", "memory", "module", "wait"})
PROVISIONAL = "crashed"  # at the end of a key, which is then never looked up
ENDS_SCORER = (
    "is not graded: the process that grades ended over it twice, the second time while it graded "
    "nothing else; the next run tries again"
)
AHEAD = 8  # submissions begun per job, so that none waits while results are recorded


class AnyPool(Protocol):
    """Anything that grades submissions, `jobs` at a time: this machine or a cluster."""

    @property
    def jobs(self) -> int:
        """The number of threads it keeps busy."""

    def prove(self) -> None:
        """Wait until the reference solution has earned all points in each process that grades."""

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Grade a submission; may be called by many threads."""


@dataclass(frozen=True, eq=False)
class HandIn:
    """One attempt of a student to be graded.

    `files` reads the submission, and `handed_in` returns when the named files were handed in.
    `marked_late` is the system's own mark, if any, and `owner` the student there. `attempt` is the
    id of an attempt from the gradebook.
    """

    student: str
    files: Callable[[], SubmittedFiles]
    handed_in: Callable[[Sequence[str]], Moment]
    marked_late: bool | None = None
    owner: Owner | None = None
    attempt: int | None = None


# One student's attempts, the newest last. They are passed on together, so that they are recorded in
# order.
Work = Sequence[HandIn]


@dataclass(frozen=True)
class Result:
    """A graded attempt: its record, and the key under which it is stored.

    `content` is a digest of the submission, and `files` returns it; `smell` is what may be the
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
    """The keys by which an attempt is looked up."""

    key: str
    content: str


Find = Callable[[Sequence[str]], dict[str, Record]]
Start = Callable[[], AbstractContextManager[AnyPool]]
Alarm = Callable[[Smell, int], None]


class Batch:
    """A class to be graded. Use as a context manager.

    On entering, known results are looked up and, if any are missing, the processes that grade are
    started and prove themselves; an exception there leaves nothing behind.
    """

    def __init__(
        self,
        works: Iterable[Work],
        settings: GradingSettings,
        find: Find,
        start: Start,
        alarm: Alarm = lambda smell, count: None,
    ) -> None:
        """`find` returns the known records, by key; `start` starts what grades the rest.

        `alarm` is called if several submissions in a row may have failed because of the machine,
        with the smell and their number.
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
        """Look up known results; if any are missing, start and prove the scorers."""
        with ExitStack() as stack:
            rest = iter(self._works)
            while chunk := list(islice(rest, CHUNK)):
                self._look_up(chunk)
                if self._new_works and self._pool is None:  # starts while the rest is looked up
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
        """Yield the results of all attempts, several at a time, as they are finished.

        `find` returns the records of the results known on entering.
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
        """Separate works whose attempts are all known from the others."""
        of_each = [[_lookup(hand_in.files(), self._settings) for hand_in in work] for work in chunk]
        records = self._find([each.key for lookups in of_each for each in lookups])
        for work, lookups in zip(chunk, of_each, strict=True):
            keys = [each.key for each in lookups]
            if all(key in records and self._is_final(records[key]) for key in keys):
                self._known_works.append((work, lookups))
            else:
                self._new_works.append(work)

    def _is_final(self, record: Record) -> bool:
        """Tell whether retrying is useless; a crash may not have been the submission's fault."""
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
    """Counts submissions in a row with the same possible fault of the machine."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._smell: Smell | None = None
        self._count = 0

    def add(self, smell: Smell | None) -> None:
        """Count one more; raise the alarm when there are ALARMING alike."""
        self._count = self._count + 1 if smell == self._smell else 1
        self._smell = smell
        if smell and self._count == ALARMING:
            self._alarm(smell, self._count)


def _started(
    start: AbstractContextManager[AnyPool], stack: ExitStack
) -> tuple[AnyPool, ThreadPoolExecutor]:
    """Start the scorers, and the threads that read submissions and wait for records."""
    pool = start.__enter__()
    # One more than can be graded, so that the next submission is ready when a job is done.
    threads = stack.enter_context(ThreadPoolExecutor(pool.jobs + 1))
    stack.push(start)  # exited first, so that no thread waits any more
    return pool, threads


def _lookup(submission: SubmittedFiles, settings: GradingSettings) -> _Lookup:
    return _Lookup(cache_key(settings, submission), content_of(submission))


_GradedWork = tuple[Work, list[Result]]


def _grade(work: Work, settings: GradingSettings, pool: AnyPool) -> _GradedWork:
    """Grade a student's attempts; return no results if a scorer ended during one."""
    try:
        return work, [_grade_one(hand_in, settings, pool.grade) for hand_in in work]
    except ScorerDied:
        return work, []


def _grade_alone(hand_in: HandIn, settings: GradingSettings, pool: AnyPool) -> Result:
    """Grade an attempt with nothing in parallel; unreadable if the scorer ends again."""

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
    """Return a student's attempts as found; none is later than the next.

    All files of one attempt together may have `source_bytes`.
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
    """Return the files to grade of a submission; together they may be as large as one."""
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
    """Return the student's name for a file; one that is only a problem has no other name."""
    return shown(submission.names.get(path, path.name))


def _handed_in(attempts: Sequence[Submission], names: Sequence[str]) -> Moment:
    """Return when the last of the named files of the last attempt was handed in.

    No attempt is earlier than those that the system numbers before it.
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
    """Yield results as they finish; `ahead` are begun, and about as many not yet passed on.

    Results within GATHER_SECONDS come together: recording several takes hardly longer than one. If
    one fails, the others are yielded before the exception is raised.
    """
    rest = iter(works)
    pending = {executor.submit(grade, work) for work in islice(rest, ahead)}
    while pending:
        futures: list[Future[_GradedWork]] = []
        seconds = None  # the first one may take any time
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
