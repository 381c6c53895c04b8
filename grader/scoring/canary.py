"""The canary: the reference solution, graded like any submission before the first of them.

Where it does not earn all points, the machine is unfit to grade, and nobody should lose marks by
that. How much processor time its training takes is the unit of everybody's limits.
"""

from collections.abc import Sequence

from grader.confined.limits import Limits
from grader.errors import UserError
from grader.judging.verdicts import Verdict
from grader.scoring.machine_faults import UNFIT, advice_on
from grader.scoring.run_cases import CaseOutcomes
from grader.student_code.contract import Call

# Times the reference's time on the machine that the rubric's limits were chosen on: what the canary
# itself may take, since nobody knows yet how fast this one is.
SLOWEST_MACHINE = 20.0
# Clocks of some virtual machines tick every hundredth of a second; below this, they say nothing.
SHORTEST_SECONDS = 0.02
MEASURED_STEPS = 2000  # what `reference_seconds` is about, whatever the rubric trains


class Unfit(UserError):
    """This machine cannot grade the reference solution; the message is one line."""


def limits_of_canary(limits: Limits) -> Limits:
    """Return the limits of the canary itself."""
    return limits.on_machine(SLOWEST_MACHINE * limits.reference_seconds)


def reference_seconds(outcomes: CaseOutcomes, descent: Call) -> float:
    """Return the processor time of MEASURED_STEPS of the reference's training on this machine."""
    seconds = outcomes.seconds[descent.function] * MEASURED_STEPS / descent.settings["steps"]
    return max(seconds, SHORTEST_SECONDS)


def assert_fit(outcomes: CaseOutcomes, verdicts: Sequence[Verdict]) -> None:
    """Raise Unfit where the reference solution met an error, or lost a point."""
    failures = [verdict for verdict in verdicts if verdict.points < verdict.max_points]
    if not failures and not outcomes.notes:
        return
    problems = [f"{note.text} ({note.where})" for note in outcomes.notes[:1]]
    problems += [
        f"{v.criterion} {v.points:g} of {v.max_points:g}: {v.message}" for v in failures[:1]
    ]
    # Without a smell it is rather the rubric: too few steps, for one.
    blame = UNFIT if outcomes.smell else "this rubric cannot be used on this machine"
    raise Unfit(
        f"{blame}: the reference solution does not earn all points "
        f"({'; '.join(problems)}). {advice_on(outcomes.smell)}"
    )
