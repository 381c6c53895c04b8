"""Grade a paper: read it, interview its functions, score the answers, write the record.

Each file of a submission that may define something asked is graded for itself, the others beside
it, and the best counts.
"""

import time
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import msgspec

from grader import __version__
from grader.homework.cases import hidden_cases, public_training_case
from grader.homework.material.reference import NAME
from grader.homework.rubric import Rubric
from grader.judging.judge import (
    Case,
    Marking,
    Written,
    pass_mark,
    zero,
)
from grader.judging.messages import Reason
from grader.judging.verdicts import Verdict
from grader.results.record import (
    Criterion,
    HandedIn,
    Record,
    Role,
    SourceNote,
    Status,
    Training,
    best,
    net_file_of,
)
from grader.scoring.canary import (
    SLOWEST_MACHINE,
    Unfit,
    assert_fit,
    limits_of_canary,
    reference_seconds,
)
from grader.scoring.machine_faults import Smell
from grader.scoring.points import flags, score, training
from grader.scoring.protocol import (
    Brief,
    Graded,
    Paper,
    Ready,
)
from grader.scoring.reading import Reader, ReadPaper
from grader.scoring.redaction import Redactor, without_folders
from grader.scoring.run_cases import Interview, interview, rounds_of
from grader.scoring.worker import Round, Zygote
from grader.source.by_code import ShownByCode
from grader.source.read import Source, read
from grader.student_code.contract import OUT_OF_TIME, Problem, Spellings
from grader.submissions.candidates import Choice


@dataclass(frozen=True)
class _Exam:
    """What is asked of a submission. A criterion that the rubric gives no points is not asked.

    `manual` is the training by hand, asked or not, and `public` the one that students may see.
    """

    cases: list[Case]
    rounds: list[Round]
    manual: Case
    public: Case
    marking: Marking
    spellings: Spellings
    pass_mark: float

    @classmethod
    def of(cls, rubric: Rubric, seed: int) -> "_Exam":
        """Return the hidden cases of a seed, and the largest loss that passes."""
        cases = hidden_cases(rubric, seed)
        manual = next(case for case in cases if case.criterion == "train.manual")
        asked = [case for case in cases if case.criterion in rubric.points]
        marking = rubric.marking()
        mark = pass_mark(manual.call.tensors["y"], marking)
        spellings = rubric.spellings.by_name()
        public = public_training_case(rubric)
        return cls(asked, rounds_of(asked), manual, public, marking, spellings, mark)

    def score(self, asked: Interview, source: Source, shown: ShownByCode) -> list[Verdict]:
        """Return the verdicts on the outcomes of an interview, one per criterion."""
        written = Written(
            shown=shown,
            named=asked.named,
            in_text=source.in_text,
            spellings=self.spellings,
            notes=[(note.where, note.text) for note in asked.notes],
        )
        return score(self.cases, asked.outcomes, self.marking, written)


@dataclass(frozen=True)
class _GradedFile:
    """The record of one file, what of it may be the machine's fault, and the files that ran.

    `waited` tells that it was stopped somewhere while it did not compute.
    """

    record: Record
    smell: Smell | None
    ran: frozenset[str]
    waited: bool


class Classroom:
    """A brief with its hidden cases, a zygote and a reader: all that grading a paper needs.

    Here nothing reads or parses what students wrote: the reader does, and the workers. What is left
    is text of bounded length that workers send (see wire.py), and whether its words stand in the
    source, which is bounded too (see redaction.py).
    """

    def __init__(self, brief: Brief, zygote: Zygote, reader: Reader) -> None:
        """Grade the reference solution; raise Unfit where it does not earn all points."""
        self._brief = brief
        self._reader = reader
        self._rubric = brief.rubric
        self._zygote = zygote
        self._limits = limits_of_canary(brief.rubric.limits)
        zygote.slowness = SLOWEST_MACHINE
        self._reference = read(NAME, brief.reference.encode())
        self._choice = Choice(
            brief.handed_out, brief.rubric.spellings.by_name(), brief.rubric.limits.graded_files
        )
        # One: it is the whole class's, or else the next paper is another student's.
        self._exam = lru_cache(maxsize=1)(partial(_Exam.of, brief.rubric))
        self._whole = self._exam(int(brief.seed))
        self._untrained = _Exam.of(brief.rubric.untrained(), int(brief.seed))
        is_asked = self._whole.manual in self._whole.cases
        proof = self._prove(self._whole, [] if is_asked else [self._whole.manual])
        self.ready = Ready(list(proof.layers), dict(proof.missing))
        seconds = reference_seconds(proof, brief.rubric.training.steps)
        self._limits = brief.rubric.limits.on_machine(seconds)
        zygote.slowness = seconds / brief.rubric.limits.reference_seconds

    def grade(self, paper: Paper) -> Graded:
        """Grade one paper.

        Raises Unfit where it came to what may be the machine's fault, and the reference solution
        does not earn all points any more; what Zygote.fork_worker raises; and nothing for what is
        in the paper.
        """
        started = time.monotonic()
        exam = self._exam(self._brief.seed_for(paper.student))
        found = self._reader.read(paper.files, self._choice)
        sources, problems = found.sources, {**paper.problems, **found.problems}
        if not sources:
            record = self._unreadable(paper, problems, exam, started)
            return Graded(record, found.smell, not found.certain)
        graded: list[_GradedFile] = []
        for source in found.candidates[: self._rubric.limits.graded_files]:
            graded.append(self._grade_file(source, found, paper.student, exam))
            if graded[-1].record.score == self._rubric.max_score:
                break
        record = best([each.record for each in graded])
        files = _Files(
            record=record,
            graded={each.record.submission: each for each in graded},
            candidates={source.name for source in found.candidates},
            untouched=found.untouched,
        ).listed(sources, problems)
        seconds = round(time.monotonic() - started, 4)
        return Graded(
            msgspec.structs.replace(record, files=files, seconds=seconds),
            next((each.smell for each in graded if each.smell), None),
            self._is_provisional(record, graded),
        )

    def _is_provisional(self, record: Record, graded: Sequence[_GradedFile]) -> bool:
        """Tell whether another try may come to something else (see Graded)."""
        if record.score < self._rubric.max_score and any(each.waited for each in graded):
            return True
        crashed = any(each.record.status == "crashed" for each in graded)
        return crashed and record.status != "crashed"

    def _grade_file(
        self, source: Source, found: ReadPaper, student: str, exam: _Exam
    ) -> _GradedFile:
        started = time.monotonic()
        beside = [other for other in found.sources if other is not source]
        asked = self._interview(source, beside, exam.rounds)
        if asked.smell:
            self._prove_again(self._whole if asked.smell == "time" else self._untrained)
        smell, asked = asked.smell, _redacted(asked, source, beside)
        shown: dict[str, Set[str]] = {}
        for each in (*beside, source):  # the last of a name counts
            shown.update(found.shown[each.name])
        verdicts = exam.score(asked, source, shown)
        status = status_of(asked)
        record = self._record(
            student=student,
            name=source.name,
            sha256=source.sha256,
            status=status,
            verdicts=verdicts,
            training=training(
                exam.cases, asked.outcomes, verdicts, exam.marking, exam.pass_mark, exam.public
            ),
            notes=[SourceNote(note.where, without_folders(note.text)) for note in asked.notes],
            flagged=flags(exam.cases, asked.outcomes, asked.named),
            isolation=list(asked.layers),
            started=started,
        )
        return _GradedFile(record, smell, asked.ran, asked.waited)

    def _interview(
        self, source: Source, beside: Sequence[Source], rounds: Sequence[Round]
    ) -> Interview:
        rubric = self._rubric
        return interview(
            source.file,
            [other.file for other in beside],
            rubric.software.packages,
            rounds,
            self._zygote,
            self._limits,
            rubric.spellings.by_name(),
        )

    def _prove_again(self, exam: _Exam) -> None:
        """Raise Unfit where the reference solution does not earn all points any more, twice.

        The submission before, or one beside, may still have been in its way the first time.
        """
        try:
            self._prove(exam)
        except Unfit:
            self._prove(exam)

    def _prove(self, exam: _Exam, more: Sequence[Case] = ()) -> Interview:
        """Ask the reference solution an exam, and more that earns nothing.

        Raises Unfit where it does not earn all points.
        """
        asked = self._interview(self._reference, [], rounds_of([*exam.cases, *more]))
        verdicts = exam.score(
            replace(asked, outcomes=asked.outcomes[: len(exam.cases)]), self._reference, {}
        )
        assert_fit(asked, verdicts)
        return asked

    def _unreadable(
        self, paper: Paper, problems: Mapping[str, str], exam: _Exam, started: float
    ) -> Record:
        name, problem = next(iter(problems.items()), ("", paper.problem))
        record = self._record(
            student=paper.student,
            name=name,
            sha256=None,
            status="unreadable",
            verdicts=zero(Reason("unreadable", {"reason": problem}), exam.marking),
            training=Training(None, None, exam.pass_mark),
            notes=[],
            flagged=[],
            isolation=[],
            started=started,
        )
        return msgspec.structs.replace(record, files=_unread(problems))

    def _record(
        self,
        *,
        student: str,
        name: str,
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
            student=student,
            submission=name,
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
                    message=without_folders(v.message),
                    diagnosis=v.diagnosis,
                    reasons=tuple(map(_without_folders, v.reasons)),
                    map=v.map,
                )
                for v in verdicts
            ],
            training=training,
            notes=notes,
            flags=flagged,
            isolation=isolation,
            seconds=round(time.monotonic() - started, 4),
            grader_version=__version__,
            conditions=self._brief.conditions if status == "timeout" else None,
        )


def _redacted(asked: Interview, source: Source, beside: Sequence[Source]) -> Interview:
    """Return an interview as its student may read of it; see redaction."""
    notes = [(note.where, note.text) for note in asked.notes]
    redactor = Redactor(source.file, [other.file for other in beside], notes)
    return replace(asked, outcomes=tuple(map(redactor.outcome, asked.outcomes)))


def _without_folders(reason: Reason) -> Reason:
    values = reason.values.items()
    return Reason(
        reason.id, {k: without_folders(v) if isinstance(v, str) else v for k, v in values}
    )


@dataclass(frozen=True)
class _Files:
    """What became of the files of a submission: `record` is the one that counts of the `graded`."""

    record: Record
    graded: Mapping[str, _GradedFile]
    candidates: Collection[str]
    untouched: Collection[str]

    def listed(self, sources: Sequence[Source], problems: Mapping[str, str]) -> list[HandedIn]:
        """Return a line for each file; none, where there is just one."""
        if len(sources) + len(problems) == 1:
            return []
        files = [
            HandedIn(source.name, source.sha256, self._role(source.name), self._score(source.name))
            for source in sources
        ]
        return files + _unread(problems)

    def _score(self, name: str) -> float | None:
        return self.graded[name].record.score if name in self.graded else None

    def _role(self, name: str) -> Role:
        counted = self.record
        if name == counted.submission:
            return "counts"
        if name == (net_file_of(counted) or ("",))[0]:
            return "net"
        if name in self.graded[counted.submission].ran:
            return "used"
        if name in self.untouched:
            return "untouched"
        if name in self.graded:
            return "graded"
        if name in self.candidates:
            return "spare" if counted.score == counted.max_score else "left_out"
        return "beside"


def _unread(problems: Mapping[str, str]) -> list[HandedIn]:
    return [HandedIn(name, None, "unreadable", None, why) for name, why in problems.items()]


def status_of(asked: Interview) -> Status:
    """Return how an interview went as a whole."""
    problems = {outcome.problem for outcome in asked.outcomes}
    if Problem.CRASHED in problems:
        return "crashed"
    if problems & OUT_OF_TIME:
        return "timeout"
    return "failed" if problems == {Problem.MISSING} else "graded"
