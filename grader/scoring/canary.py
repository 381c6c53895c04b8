"""The canary: the reference solution, graded like a submission before all others.

If it does not earn all points, the machine is unfit to grade, and no student should lose points
because of that. The processor time of its training is the unit of everybody's limits.
"""

from collections.abc import Sequence

from grader.confined.limits import Limits
from grader.errors import UserError
from grader.judging.verdicts import Verdict
from grader.scoring.machine_faults import UNFIT, advice_on
from grader.scoring.run_cases import CaseOutcomes
from grader.student_code.contract import Call

# The canary's own limit, as a multiple of the reference's time on the machine that the rubric's
# limits were chosen on, since this machine's speed is not known yet.
SLOWEST_MACHINE = 20.0
# Some virtual machines' clocks tick only every hundredth of a second; less than this is noise.
SHORTEST_SECONDS = 0.02
MEASURED_STEPS = 2000  # the unit of `reference_seconds`, whatever the rubric trains


class Unfit(UserError):
    """This machine cannot grade the reference solution; the message is one line."""


def limits_of_canary(limits: Limits) -> Limits:
    """Return the canary's own limits."""
    return limits.on_machine(SLOWEST_MACHINE * limits.reference_seconds)


def reference_seconds(outcomes: CaseOutcomes, descent: Call) -> float:
    """Return the processor time of MEASURED_STEPS of the reference's training on this machine."""
    seconds = outcomes.seconds[descent.function] * MEASURED_STEPS / descent.settings["steps"]
    return max(seconds, SHORTEST_SECONDS)


def assert_fit(outcomes: CaseOutcomes, verdicts: Sequence[Verdict]) -> None:
    """Raise Unfit if the reference solution met an error or lost a point."""
    failures = [verdict for verdict in verdicts if verdict.points < verdict.max_points]
    if not failures and not outcomes.notes:
        return
    problems = [f"{note.text} ({note.where})" for note in outcomes.notes[:1]]
    problems += [
        f"{v.criterion} {v.points:g} of {v.max_points:g}: {v.message}" for v in failures[:1]
    ]
    # Without a smell the rubric is the likelier cause: too few steps, for example.
    blame = UNFIT if outcomes.smell else "this rubric cannot be used on this machine"
    raise Unfit(
        f"{blame}: the reference solution does not earn all points "
        f"({'; '.join(problems)}). {advice_on(outcomes.smell)}"
    )
