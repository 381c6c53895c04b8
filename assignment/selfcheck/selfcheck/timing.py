"""The grader's limits on processor time, scaled to this machine.

The grader measures them in training runs of the reference solution, and so does this. It stops what
the grader would stop if the system has processor-time timers (Linux, macOS); otherwise it only
reports it afterwards.
"""

import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import process_time

import torch

from ..source.tasks import Question
from ..student_code.calls import out_of_time
from ..student_code.contract import OUT_OF_TIME, Outcome, Problem, not_worth_trying
from ..student_code.guards import prepare_watch
from ..student_code.loading import Limiter, LoadBudget, TimeLimitReached, no_limit, over, time_limit

HAS_TIMERS = hasattr(signal, "setitimer")
# The measured steps, the steps they stand for, and the rounds per step, which together take as long
# as one step of the reference solution.
MEASURED_STEPS, RUN_STEPS, ROUNDS = 500, 2000, 14


@dataclass(frozen=True)
class TimeLimits:
    """Seconds of processor time that student code may take; see rubric.toml for each."""

    reference_seconds: float
    statement_seconds: float
    import_seconds: float
    load_seconds: float
    slice_seconds: float
    call_seconds: float
    training_seconds: float

    def here(self) -> "TimeLimits":
        """Return the limits on this machine."""
        prepare_watch()
        factor = _reference_seconds() / self.reference_seconds
        return TimeLimits(**{name: value * factor for name, value in asdict(self).items()})

    def of_statements(self) -> Limiter:
        """Return the limiter for a file's statements while it is loaded."""
        if not HAS_TIMERS:
            return no_limit
        return LoadBudget(
            self.statement_seconds,
            self.import_seconds,
            self.load_seconds,
            self.slice_seconds,
            self.reference_seconds,
        )


@dataclass(frozen=True)
class Stopwatch:
    """Asks functions, each within its limit; one that took too long is not asked again.

    `stops`: whether it stops a call that takes too long, or only reports it.
    """

    limits: TimeLimits
    stops: bool = HAS_TIMERS
    _too_slow: dict[str, Outcome] = field(default_factory=dict)

    def ask(self, question: Question, answer: Callable[[], Outcome]) -> Outcome:
        """Return the answer to a question, or that it took too long."""
        outcome = not_worth_trying(question, self._too_slow) or self._too_slow.get(question.name)
        if outcome:
            return outcome
        limits = self.limits
        seconds = limits.training_seconds if question.is_training else limits.call_seconds
        outcome = self._timed(answer, seconds, over(seconds, self.limits.reference_seconds))
        if outcome.problem in OUT_OF_TIME:
            self._too_slow[question.name] = outcome
        return outcome

    def _timed(self, answer: Callable[[], Outcome], seconds: float, detail: str) -> Outcome:
        if self.stops:
            try:
                with time_limit(seconds, detail):
                    return answer()
            except TimeLimitReached as error:
                return out_of_time(error)
        start = process_time()
        outcome = answer()
        if process_time() - start > seconds:
            return Outcome(problem=Problem.TIMEOUT, detail=detail)
        return outcome


def _reference_seconds() -> float:
    """Estimate how long the reference solution trains here, in seconds.

    It is not available here, so this runs a loop of as many operations on matrices of the same
    sizes.
    """
    h, x = torch.ones(100, 20, dtype=torch.float64), torch.ones(100, 1, dtype=torch.float64)
    start = process_time()
    for _ in range(MEASURED_STEPS):
        for _ in range(ROUNDS):
            (h.T @ x, torch.sigmoid(h), h * h)
    return (process_time() - start) * RUN_STEPS / MEASURED_STEPS
