"""Grade many submissions: read, interview, score, record."""

import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from grader import __version__
from grader.cases import hidden_cases
from grader.catalogue import text
from grader.confined.contract import Problem
from grader.interview import Interview, interview
from grader.judging import Case, Verdict, pass_mark
from grader.records import Criterion, Record, SourceNote, Status, Training
from grader.rubric import Rubric
from grader.scoring import flags, score, zero
from grader.submissions import shown
from grader.submissions.discover import Submission
from grader.submissions.read import Unreadable, read
from grader.workers import Zygote


class Classroom:
    """A rubric, a seed with its hidden cases, and a zygote: all that grading a submission needs."""

    def __init__(self, rubric: Rubric, seed: int, zygote: Zygote) -> None:
        self._rubric = rubric
        self._marking = rubric.marking()
        self._seed = seed
        self._zygote = zygote
        self._cases: list[Case] = hidden_cases(rubric, seed)
        trained = next(case for case in self._cases if case.criterion == "train.manual")
        self.pass_mark = pass_mark(trained.call.tensors["y"], self._marking)

    def grade_all(
        self, submissions: Sequence[Submission], jobs: int
    ) -> Generator[Record, None, None]:
        """Yield a record a submission, as each is finished, `jobs` at a time."""
        pool = ThreadPoolExecutor(jobs)
        try:
            futures = [pool.submit(self.grade, submission) for submission in submissions]
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            self._zygote.close()  # interrupted: what runs now ends at once and is graded next time
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def grade(self, submission: Submission) -> Record:
        """Grade every candidate file of a submission; return the record of the best."""
        if submission.problem:
            name = shown(submission.files[0].name) if submission.files else ""
            return self._unreadable(submission.student, name, None, submission.problem, 0.0)
        records = [self._grade_file(submission.student, path) for path in submission.files]
        return max(records, key=lambda record: record.score)

    def _grade_file(self, student: str, path: Path) -> Record:
        started = time.monotonic()
        try:
            source = read(path, self._rubric.limits.source_bytes)
        except Unreadable as error:
            seconds = time.monotonic() - started
            return self._unreadable(student, shown(path.name), None, str(error), seconds)
        asked = interview(source, self._cases, self._zygote, self._rubric.limits)
        verdicts = score(self._cases, asked.outcomes, asked.named, self._marking)
        status = status_of(asked)
        if status == "failed":
            verdicts = zero(_nothing_defined(asked), self._marking)
        return self._record(
            student=student,
            submission=shown(path.name),
            sha256=source.sha256,
            status=status,
            verdicts=verdicts,
            notes=[SourceNote(note.where, note.text) for note in asked.notes],
            flagged=flags(self._cases, asked.outcomes, asked.named),
            isolation=list(asked.layers),
            seconds=time.monotonic() - started,
        )

    def _unreadable(
        self, student: str, name: str, sha256: str | None, problem: str, seconds: float
    ) -> Record:
        return self._record(
            student=student,
            submission=name,
            sha256=sha256,
            status="unreadable",
            verdicts=zero(problem, self._marking),
            notes=[],
            flagged=[],
            isolation=[],
            seconds=seconds,
        )

    def _record(
        self,
        *,
        student: str,
        submission: str,
        sha256: str | None,
        status: Status,
        verdicts: Sequence[Verdict],
        notes: list[SourceNote],
        flagged: list[str],
        isolation: list[str],
        seconds: float,
    ) -> Record:
        losses = {verdict.criterion: verdict.loss for verdict in verdicts}
        return Record(
            student=student,
            submission=submission,
            sha256=sha256,
            status=status,
            score=sum(verdict.points for verdict in verdicts),
            max_score=self._rubric.max_score,
            criteria=[
                Criterion(v.criterion, v.points, v.max_points, v.error, v.message, v.diagnosis)
                for v in verdicts
            ],
            training=Training(losses["train.manual"], losses["train.net"], self.pass_mark),
            notes=notes,
            flags=flagged,
            isolation=isolation,
            seed=self._seed,
            seconds=round(seconds, 4),
            grader_version=__version__,
        )


def status_of(asked: Interview) -> Status:
    """Return how an interview went as a whole."""
    problems = {outcome.problem for outcome in asked.outcomes}
    if Problem.CRASHED in problems:
        return "crashed"
    if Problem.TIMEOUT in problems:
        return "timeout"
    return "failed" if problems == {Problem.MISSING} else "graded"


def _nothing_defined(asked: Interview) -> str:
    reason = f": {asked.notes[0].text} ({asked.notes[0].where})" if asked.notes else ""
    return text("nothing_defined", reason=reason)
