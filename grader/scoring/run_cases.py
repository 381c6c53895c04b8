"""Ask one submission every case, in a worker of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from grader.confined.limits import Limits
from grader.judging.judge import Case
from grader.scoring.machine_faults import Smell, smell_of
from grader.scoring.workers import BROKE, Round, Zygote
from grader.source.files import File
from grader.source.tasks import Tasks
from grader.student_code.contract import (
    OUT_OF_TIME,
    NamedSightings,
    Note,
    Outcome,
    Problem,
    Spellings,
    not_worth_trying,
)


@dataclass(frozen=True)
class CaseOutcomes:
    """The outcomes of all cases in order, the source's errors, and the layers of confinement.

    `layers` are in force; `missing` has the others, with the reasons. `sightings` are the autograd
    names that the gradients use. `waited` says that the worker was stopped while it slept or waited
    for something. `seconds` is processor time by question, `files` are the names of the files that
    ran, and `packages` what they may import.
    """

    outcomes: tuple[Outcome, ...]
    sightings: NamedSightings
    notes: tuple[Note, ...]
    layers: tuple[str, ...]
    missing: Mapping[str, str]
    waited: bool
    seconds: Mapping[str, float]
    files: frozenset[str] = frozenset()
    packages: Sequence[str] = ()

    @property
    def smell(self) -> Smell | None:
        """The possible fault of the machine, if any."""
        problems = [outcome for outcome in self.outcomes if outcome.problem]
        return smell_of(
            [*(note.text for note in self.notes), *(outcome.detail for outcome in problems)],
            self.packages,
            # One that broke the protocol was killed for that.
            died=any(
                outcome.problem is Problem.CRASHED and not outcome.detail.startswith(BROKE)
                for outcome in problems
            ),
            waited=self.waited,
            is_late=any(outcome.problem is Problem.TIMEOUT for outcome in problems),
        )


def rounds_of(cases: Sequence[Case], tasks: Tasks) -> list[Round]:
    """Return the rounds that ask the cases in order: one round per question."""
    by_function = groupby(enumerate(cases, 1), key=lambda group: group[1].call.function)
    rounds = []
    for name, group in by_function:
        (first, case), *more = group
        calls = [case.call, *(case.call for _, case in more)]
        rounds.append(Round(tasks.by_name[name], first, calls))
    return rounds


def run_cases(
    main: File,
    beside: Sequence[File],
    packages: Sequence[str],
    tasks: Tasks,
    rounds: Sequence[Round],
    zygote: Zygote,
    limits: Limits,
    spellings: Spellings,
) -> CaseOutcomes:
    """Load `main`, with the files `beside` it, in a new worker, and ask it the rounds.

    Raises what Zygote.fork_worker raises, and nothing because of what the files do.
    """
    with zygote.fork_worker(limits) as worker:
        load_result = worker.load(main, beside, packages, tasks, spellings)
        notes = () if isinstance(load_result, Outcome) else tuple(load_result)
        outcomes: list[Outcome] = []
        too_slow: dict[str, Outcome] = {}
        seconds: dict[str, float] = {}
        for round_ in rounds:
            before, name = worker.processor_seconds, round_.question.name
            skipped = not_worth_trying(round_.question, too_slow)
            answers = [skipped] * len(round_.numbers) if skipped else worker.ask(round_)
            if answers[-1].problem in OUT_OF_TIME:
                too_slow[name] = answers[-1]
            outcomes += answers
            seconds[name] = worker.processor_seconds - before
    return CaseOutcomes(
        outcomes=tuple(outcomes),
        sightings=worker.sightings,
        notes=notes,
        files=worker.files,
        packages=packages,
        layers=tuple(worker.layers),
        missing=worker.missing,
        waited=worker.waited,
        seconds=seconds,
    )
