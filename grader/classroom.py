"""Grade a paper: read it, interview its functions, score the answers, write the record."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from grader import __version__
from grader.cases import hidden_cases
from grader.catalogue import Reason
from grader.confined.contract import Problem
from grader.interview import Interview, interview, rounds_of
from grader.judging import Case, pass_mark
from grader.papers import Brief, Paper
from grader.records import Criterion, Record, SourceNote, Status, Training
from grader.rubric import Rubric
from grader.scoring import flags, score, training, zero
from grader.submissions.read import Unreadable, read
from grader.verdicts import Verdict
from grader.workers import Round, Zygote


@dataclass(frozen=True)
class _Exam:
    """What is asked of a submission. A criterion that the rubric gives no points is not asked."""

    cases: list[Case]
    rounds: list[Round]
    pass_mark: float

    @classmethod
    def of(cls, rubric: Rubric, seed: int) -> "_Exam":
        """Return the hidden cases of a seed, and the largest loss that passes."""
        cases = hidden_cases(rubric, seed)
        trained = next(case for case in cases if case.criterion == "train.manual")
        asked = [case for case in cases if case.criterion in rubric.points]
        return cls(asked, rounds_of(asked), pass_mark(trained.call.tensors["y"], rubric.marking()))


class Classroom:
    """A brief with its hidden cases, and a zygote: all that grading a paper needs."""

    def __init__(self, brief: Brief, zygote: Zygote) -> None:
        self._brief = brief
        self._rubric = brief.rubric
        self._marking = brief.rubric.marking()
        self._zygote = zygote
        # One: it is the whole class's, or else the next paper is another student's.
        self._exam = lru_cache(maxsize=1)(partial(_Exam.of, brief.rubric))

    def grade(self, paper: Paper) -> Record:
        """Grade one paper; raise ZygoteDied or IsolationMissing, and nothing for what is in it."""
        started = time.monotonic()
        exam = self._exam(self._brief.seed_for(paper.student))
        if paper.data is None:
            return self._unreadable(paper, paper.problem or "", exam, started)
        try:
            source = read(paper.name, paper.data)
        except Unreadable as error:
            return self._unreadable(paper, str(error), exam, started)
        asked = interview(
            source,
            exam.rounds,
            self._zygote,
            self._rubric.limits,
            self._rubric.spellings.by_name(),
        )
        verdicts = score(
            exam.cases,
            asked.outcomes,
            asked.named,
            self._marking,
            "\n".join(cell.source for cell in source.cells),
        )
        status = status_of(asked)
        if status == "failed":
            verdicts = zero(_nothing_defined(asked), self._marking)
        return self._record(
            paper=paper,
            sha256=source.sha256,
            status=status,
            verdicts=verdicts,
            training=training(exam.cases, asked.outcomes, verdicts, self._marking, exam.pass_mark),
            notes=[SourceNote(note.where, note.text) for note in asked.notes],
            flagged=flags(exam.cases, asked.outcomes, asked.named),
            isolation=list(asked.layers),
            started=started,
        )

    def _unreadable(self, paper: Paper, problem: str, exam: _Exam, started: float) -> Record:
        return self._record(
            paper=paper,
            sha256=None,
            status="unreadable",
            verdicts=zero(Reason("unreadable", {"reason": problem}), self._marking),
            training=Training(None, None, exam.pass_mark),
            notes=[],
            flagged=[],
            isolation=[],
            started=started,
        )

    def _record(
        self,
        *,
        paper: Paper,
        sha256: str | None,
        status: Status,
        verdicts: Sequence[Verdict],
        training: Training,
        notes: list[SourceNote],
        flagged: list[str],
        isolation: list[str],
        started: float,
    ) -> Record:
        return Record(
            student=paper.student,
            submission=paper.name,
            sha256=sha256,
            status=status,
            score=sum(verdict.points for verdict in verdicts),
            max_score=self._rubric.max_score,
            criteria=[
                Criterion(
                    id=v.criterion,
                    points=v.points,
                    max_points=v.max_points,
                    error=v.error,
                    message=v.message,
                    diagnosis=v.diagnosis,
                    reasons=v.reasons,
                    map=v.map,
                )
                for v in verdicts
            ],
            training=training,
            notes=notes,
            flags=flagged,
            isolation=isolation,
            seed=self._brief.seed,
            seconds=round(time.monotonic() - started, 4),
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


def _nothing_defined(asked: Interview) -> Reason:
    reason = f": {asked.notes[0].text} ({asked.notes[0].where})" if asked.notes else ""
    return Reason("nothing_defined", {"reason": reason})
