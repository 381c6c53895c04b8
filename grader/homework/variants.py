"""Write the rubric of another homework of this kind, with a measured pass mark.

Everything else follows from the rubric: solution, stub, handout, hidden cases, names of mistakes.
"""

import math
from dataclasses import replace
from pathlib import Path

import msgspec

from grader.errors import UserError
from grader.homework.activations import activation_called
from grader.homework.calibration import measure, networks
from grader.homework.settings import Homework, SigmoidRubric, own_rubric
from grader.homework.tasks import TASKS
from grader.rubric import check_rubric, to_toml
from grader.rubric.measurement import Measurement
from grader.util.atomic import EVERYBODY, write_atomically

HALVINGS = 4  # of the learning rate, at most
# The least factor between the worst right run and the best wrong one, so that a two-digit pass mark
# between them is well away from both.
LEAST_GAP = 1.5


def new_variant(
    homework: Homework, path: Path, jobs: int
) -> tuple[SigmoidRubric, list[Measurement]]:
    """Write the package's rubric with another homework to `path`; return it and the measurements.

    The learning rate is halved until every right run trains. The pass mark stays as it is if it
    tells right from wrong, and otherwise is put between them. Raises UserError if no pass mark
    does, if the homework makes no sense, or if `path` already exists.
    """
    if path.exists():
        raise UserError(f"{path} already exists: name another folder, or move it away")
    own = own_rubric()
    points = _points(own, homework)
    draft = msgspec.structs.replace(own, homework=homework, points=points)
    check_rubric(draft)
    rubric, measurements = _calibrated(draft, jobs)
    write_atomically(path, to_toml(rubric), EVERYBODY)
    return rubric, measurements


def _points(own: SigmoidRubric, homework: Homework) -> dict[str, float]:
    """Return the points; those of a bias convention that is not asked go to the other one.

    With a separate bias per sample, every network fits, right or wrong. So without the shared row,
    training with hand-written gradients proves nothing, and `train.net` gets its points.
    """
    points: dict[str, float] = {}
    for criterion, worth in own.points.items():
        original = TASKS.by_id[criterion]
        if original.convention and original.convention not in homework.biases:
            criterion = TASKS.criterion(original.question, homework.biases[0]).id
        elif original.question == "train_manual" and "row" not in homework.biases:
            criterion = TASKS.criterion("train_net").id
        points[criterion] = points.get(criterion, 0) + worth
    return points


def _calibrated(rubric: SigmoidRubric, jobs: int) -> tuple[SigmoidRubric, list[Measurement]]:
    """Return the rubric with a learning rate and a pass mark that work, and the measurements."""
    runs = rubric.calibration.search_runs
    musts = [n for n in networks(activation_called(rubric.homework.activation)) if n.must]
    rates = [rubric.training.learning_rate / 2**halvings for halvings in range(HALVINGS + 1)]
    failures = []
    for rate in rates:
        training = msgspec.structs.replace(rubric.training, learning_rate=rate)
        candidate = msgspec.structs.replace(rubric, training=training)
        right = measure(candidate, musts[0], jobs, runs)
        worst_right = max(right.shares)
        if math.isinf(worst_right):
            failures.append(f"at {rate:g} right runs diverge")
            continue
        wrong = [measure(candidate, network, jobs, runs) for network in musts[1:]]
        best = min(wrong, key=lambda each: min(each.shares))
        best_wrong = min(best.shares)
        if worst_right * LEAST_GAP <= best_wrong:
            fraction = _between(worst_right, rubric.training.pass_fraction, best_wrong)
            training = msgspec.structs.replace(training, pass_fraction=fraction)
            calibrated = msgspec.structs.replace(rubric, training=training)
            return calibrated, [replace(each, pass_fraction=fraction) for each in (right, *wrong)]
        failures.append(
            f"at {rate:g} right runs end at {worst_right:.3g} Var(y) or below, "
            f"and {best.network.what} at {best_wrong:.3g}"
        )
    raise UserError(
        f"no pass mark tells right gradients from wrong ones: {'; '.join(failures)}. "
        "Try another target, or more hidden units"
    )


def _between(least: float, value: float, most: float) -> float:
    """Return `value` if it is in between, else the geometric mean, to two digits."""
    return value if least < value < most else float(f"{math.sqrt(least * most):.2g}")
