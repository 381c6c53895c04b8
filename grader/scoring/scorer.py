"""Grade a submission: read it, run its cases, score the outcomes, write the record.

Each file that may define something asked is graded on its own, with the others beside it, and the
best one counts.
"""

import time
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import msgspec

from grader import __version__
from grader.judging.judge import Case, Marking, SourceFacts, zero
from grader.judging.messages import Reason
from grader.judging.verdicts import Verdict
from grader.material.reference import NAME
from grader.results.record import (
    CriterionResult,
    FileResult,
    Record,
    Role,
    SourceNote,
    Status,
    TrainingResult,
    best,
    network_file_of,
)
from grader.rubric import Rubric
from grader.rubric.cases import hidden_cases, public_training_case
from grader.rubric.package import Course
from grader.scoring.canary import (
    SLOWEST_MACHINE,
    Unfit,
    assert_fit,
    limits_of_canary,
    reference_seconds,
)
from grader.scoring.machine_faults import Smell
from grader.scoring.points import flags, score, training
from grader.scoring.protocol import Graded, GradingSettings, ScorerReady, SubmittedFiles
from grader.scoring.reading import Reader, ReadFiles
from grader.scoring.redaction import Redactor, without_folders
from grader.scoring.run_cases import CaseOutcomes, rounds_of, run_cases
from grader.scoring.workers import Round, Zygote
from grader.source.by_code import ShownByCode
from grader.source.read import Source, read
from grader.source.tasks import Tasks
from grader.student_code.contract import OUT_OF_TIME, Problem, Spellings
from grader.submissions.candidates import Choice


@dataclass(frozen=True)
class CaseSet:
    """The questions to a submission. Criteria without points in the rubric are not asked.

    `descent` is the training by gradients, asked or not, and `public` is the training case that
    students may see. `course` tells how a training run went.
    """

    cases: list[Case]
    rounds: list[Round]
    descent: Case
    public: Case
    marking: Marking
    spellings: Spellings
    course: Course

    @classmethod
    def of(cls, rubric: Rubric, class_seed: int, seed: int) -> "CaseSet":
        """Return the hidden cases of a seed, and what judging them needs.

        Training is that of the class's seed: from some starts right gradients do not reach the pass
        mark, and the canary has tried this one.
        """
        cases, tasks = hidden_cases(rubric, seed), rubric.tasks
        if seed != class_seed:
            cases = [
                shared if tasks.trains(shared.criterion) else own
                for shared, own in zip(hidden_cases(rubric, class_seed), cases, strict=True)
            ]
        scored_cases = [case for case in cases if case.criterion in rubric.points]
        return cls(
            cases=scored_cases,
            rounds=rounds_of(scored_cases, tasks),
            descent=next(c for c in cases if tasks.by_name[c.call.function].kind == "descent"),
            public=public_training_case(rubric),
            marking=rubric.marking(),
            spellings=rubric.spellings,
            course=rubric.package.course(rubric),
        )

    def score(self, results: CaseOutcomes, source: Source, evidence: ShownByCode) -> list[Verdict]:
        """Return the verdicts on the outcomes, one per criterion."""
        facts = SourceFacts(
            evidence=evidence,
            sightings=results.sightings,
            in_text=source.in_text,
            spellings=self.spellings,
            notes=[(note.where, note.text) for note in results.notes],
        )
        return score(self.cases, results.outcomes, self.marking, facts)


@dataclass(frozen=True)
class _GradedFile:
    """The record of one file, what may be the machine's fault, and the files that ran.

    `waited` says that it was stopped at some point while it was not computing.
    """

    record: Record
    smell: Smell | None
    files: frozenset[str]
    waited: bool


class Scorer:
    """The settings, hidden cases, zygote and reader needed to grade submissions.

    Nothing here reads or parses students' files: the reader and the workers do. This class handles
    only bounded text from workers (see wire.py), and looks up its words in the bounded source (see
    redaction.py).
    """

    def __init__(self, settings: GradingSettings, zygote: Zygote, reader: Reader) -> None:
        """Grade the reference solution; raise Unfit if it does not earn all points."""
        self._settings = settings
        self._reader = reader
        self._rubric = settings.rubric
        self._zygote = zygote
        self._limits = limits_of_canary(settings.rubric.limits)
        zygote.slowness = SLOWEST_MACHINE
        self._reference = read(NAME, settings.reference.encode())
        self._choice = Choice(
            settings.handed_out,
            settings.rubric.tasks,
            settings.rubric.spellings,
            settings.rubric.limits.graded_files,
        )
        # Only one is kept: either all students share it, or the next submission is another
        # student's.
        seed = int(settings.seed)
        self._case_set = lru_cache(maxsize=1)(partial(CaseSet.of, settings.rubric, seed))
        self._whole = self._case_set(seed)
        self._untrained_cases = CaseSet.of(settings.rubric.untrained(), seed, seed)
        is_scored = self._whole.descent in self._whole.cases
        proof = self._prove(self._whole, [] if is_scored else [self._whole.descent])
        self.ready = ScorerReady(list(proof.layers), dict(proof.missing))
        seconds = reference_seconds(proof, self._whole.descent.call)
        self._limits = settings.rubric.limits.on_machine(seconds)
        zygote.slowness = seconds / settings.rubric.limits.reference_seconds

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Grade one submission.

        Raises Unfit if the result may be the machine's fault and the reference solution no longer
        earns all points; whatever Zygote.fork_worker raises; and nothing because of the
        submission's content.
        """
        start = time.monotonic()
        case_set = self._case_set(self._settings.seed_for(submission.student))
        read_files = self._reader.read(submission.files, self._choice)
        sources, problems = read_files.sources, {**submission.problems, **read_files.problems}
        if not sources:
            record = self._unreadable(submission, problems, case_set, start)
            return Graded(record, read_files.smell, not read_files.certain)
        graded_files: list[_GradedFile] = []
        for source in read_files.candidates[: self._rubric.limits.graded_files]:
            graded_files.append(self._grade_file(source, read_files, submission.student, case_set))
            if graded_files[-1].record.score == self._rubric.max_score:
                break
        record = best([each.record for each in graded_files], self._rubric.tasks)
        files = _FileRoles(
            record=record,
            graded_files={each.record.submission: each for each in graded_files},
            candidates={source.name for source in read_files.candidates},
            untouched=read_files.untouched,
        ).listed(sources, problems)
        seconds = round(time.monotonic() - start, 4)
        return Graded(
            msgspec.structs.replace(record, files=files, seconds=seconds),
            next((each.smell for each in graded_files if each.smell), None),
            self._is_provisional(record, graded_files),
        )

    def _is_provisional(self, record: Record, graded_files: Sequence[_GradedFile]) -> bool:
        """Tell whether another try may give a different result (see Graded)."""
        if record.score < self._rubric.max_score and any(each.waited for each in graded_files):
            return True
        crashed = any(each.record.status == "crashed" for each in graded_files)
        return crashed and record.status != "crashed"

    def _grade_file(
        self, source: Source, read_files: ReadFiles, student: str, case_set: CaseSet
    ) -> _GradedFile:
        start = time.monotonic()
        beside = [other for other in read_files.sources if other is not source]
        results = self._run_cases(source, beside, case_set.rounds)
        if results.smell:
            self._prove_again(self._whole if results.smell == "time" else self._untrained_cases)
        smell, results = results.smell, _redacted(results, source, beside, self._rubric.tasks)
        evidence: dict[str, Set[str]] = {}
        for each in (*beside, source):  # the last one with a name wins
            evidence.update(read_files.evidence[each.name])
        verdicts = case_set.score(results, source, evidence)
        status = status_of(results)
        record = self._record(
            student=student,
            name=source.name,
            sha256=source.sha256,
            status=status,
            verdicts=verdicts,
            training=training(
                case_set.cases,
                results.outcomes,
                verdicts,
                self._rubric.tasks,
                case_set.course,
                case_set.public,
                case_set.descent.pass_mark,
            ),
            notes=[SourceNote(note.where, without_folders(note.text)) for note in results.notes],
            flags=flags(case_set.cases, results.outcomes, results.sightings, self._rubric.tasks),
            isolation=list(results.layers),
            start=start,
        )
        return _GradedFile(record, smell, results.files, results.waited)

    def _run_cases(
        self, source: Source, beside: Sequence[Source], rounds: Sequence[Round]
    ) -> CaseOutcomes:
        rubric = self._rubric
        return run_cases(
            source.file,
            [other.file for other in beside],
            rubric.software.packages,
            rubric.tasks,
            rounds,
            self._zygote,
            self._limits,
            rubric.spellings,
        )

    def _prove_again(self, case_set: CaseSet) -> None:
        """Raise Unfit if the reference solution twice no longer earns all points.

        The previous submission, or a parallel one, may still have disturbed the first try.
        """
        try:
            self._prove(case_set)
        except Unfit:
            self._prove(case_set)

    def _prove(self, case_set: CaseSet, more: Sequence[Case] = ()) -> CaseOutcomes:
        """Run a case set, and `more` cases without points, on the reference solution.

        Raises Unfit if it does not earn all points.
        """
        results = self._run_cases(
            self._reference, [], rounds_of([*case_set.cases, *more], self._rubric.tasks)
        )
        verdicts = case_set.score(
            replace(results, outcomes=results.outcomes[: len(case_set.cases)]), self._reference, {}
        )
        assert_fit(results, verdicts)
        return results

    def _unreadable(
        self,
        submission: SubmittedFiles,
        problems: Mapping[str, str],
        case_set: CaseSet,
        start: float,
    ) -> Record:
        name, problem = next(iter(problems.items()), ("", submission.problem))
        record = self._record(
            student=submission.student,
            name=name,
            sha256=None,
            status="unreadable",
            verdicts=zero(Reason("unreadable", {"reason": problem}), case_set.marking),
            training=TrainingResult(
                dict.fromkeys(self._rubric.tasks.runs), case_set.descent.pass_mark
            ),
            notes=[],
            flags=[],
            isolation=[],
            start=start,
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
        training: TrainingResult,
        notes: list[SourceNote],
        flags: list[str],
        isolation: list[str],
        start: float,
    ) -> Record:
        return Record(
            student=student,
            submission=name,
            sha256=sha256,
            status=status,
            score=sum(verdict.points for verdict in verdicts),
            max_score=self._rubric.max_score,
            criteria=[
                CriterionResult(
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
            flags=flags,
            isolation=isolation,
            seconds=round(time.monotonic() - start, 4),
            grader_version=__version__,
            conditions=self._settings.conditions if status == "timeout" else None,
        )


def _redacted(
    results: CaseOutcomes, source: Source, beside: Sequence[Source], tasks: Tasks
) -> CaseOutcomes:
    """Return the outcomes as their student may read them; see redaction."""
    notes = [(note.where, note.text) for note in results.notes]
    redactor = Redactor(source.file, [other.file for other in beside], tasks, notes)
    return replace(results, outcomes=tuple(map(redactor.outcome, results.outcomes)))


def _without_folders(reason: Reason) -> Reason:
    values = reason.values.items()
    return Reason(
        reason.id, {k: without_folders(v) if isinstance(v, str) else v for k, v in values}
    )


@dataclass(frozen=True)
class _FileRoles:
    """The roles of a submission's files: of the `graded_files`, `record` counts."""

    record: Record
    graded_files: Mapping[str, _GradedFile]
    candidates: Collection[str]
    untouched: Collection[str]

    def listed(self, sources: Sequence[Source], problems: Mapping[str, str]) -> list[FileResult]:
        """Return one result per file, or none if there is only one file."""
        if len(sources) + len(problems) == 1:
            return []
        files = [
            FileResult(
                source.name, source.sha256, self._role(source.name), self._score(source.name)
            )
            for source in sources
        ]
        return files + _unread(problems)

    def _score(self, name: str) -> float | None:
        return self.graded_files[name].record.score if name in self.graded_files else None

    def _role(self, name: str) -> Role:
        record = self.record
        if name == record.submission:
            return "counts"
        if name == (network_file_of(record) or ("",))[0]:
            return "net"
        if name in self.graded_files[record.submission].files:
            return "used"
        if name in self.untouched:
            return "untouched"
        if name in self.graded_files:
            return "graded"
        if name in self.candidates:
            return "spare" if record.score == record.max_score else "left_out"
        return "beside"


def _unread(problems: Mapping[str, str]) -> list[FileResult]:
    return [FileResult(name, None, "unreadable", None, why) for name, why in problems.items()]


def status_of(results: CaseOutcomes) -> Status:
    """Return the overall status of a submission's cases."""
    problems = {outcome.problem for outcome in results.outcomes}
    if Problem.CRASHED in problems:
        return "crashed"
    if problems & OUT_OF_TIME:
        return "timeout"
    return "failed" if problems == {Problem.MISSING} else "graded"
