"""What this homework asks: the states over time, and three gradients."""

from grader.source.tasks import Criterion, Question, Tasks

PARAMS = ("start", "u", "w")
GIVEN = ("inputs", "states", *PARAMS, "targets")


def _gradient(parameter: str, equation: str) -> Question:
    name = f"grad_{parameter}"
    return Question(
        name, "gradient", GIVEN, (name,), parameter, equation=equation, subject=parameter
    )


TASKS = Tasks(
    parameters=PARAMS,
    questions=(
        Question(
            "unroll", "forward", ("inputs", *PARAMS), ("states",), equation="(1)", subject="unroll"
        ),
        _gradient("start", "(6)"),
        _gradient("u", "(4)"),
        _gradient("w", "(5)"),
        Question(
            "train", "descent", run="train", uses=("unroll", "grad_start", "grad_u", "grad_w")
        ),
    ),
    criteria=(
        Criterion("unroll", "unroll", "TODO 1", "unroll", "equation (1)"),
        Criterion("grad_u", "grad_u", "TODO 2", "grad_u", "equation (4)"),
        Criterion("grad_w", "grad_w", "TODO 3", "grad_w", "equation (5)"),
        Criterion("grad_start", "grad_start", "TODO 4", "grad_start", "equation (6)"),
        Criterion("train", "train", "TODO 1-4", "unroll", "the handout's end"),
    ),
)
