"""What this homework asks: the forward pass and three gradients; no network, one training run."""

from grader.source.tasks import PARAMETERS, Criterion, Question, Tasks

GIVEN = ("x", "y", PARAMETERS, "a", "p")


def _gradient(parameter: str, equation: str) -> Question:
    name = f"grad_{parameter}"
    return Question(
        name, "gradient", GIVEN, (name,), parameter, equation=equation, subject=parameter
    )


TASKS = Tasks(
    parameters=("v", "c", "u"),
    questions=(
        Question(
            "forward", "forward", ("x", PARAMETERS), ("a", "p"), equation="(1)", subject="forward"
        ),
        _gradient("v", "(4)"),
        _gradient("c", "(5)"),
        _gradient("u", "(3)"),
        Question("train", "descent", run="hand", uses=("forward", "grad_v", "grad_c", "grad_u")),
    ),
    criteria=(
        Criterion("forward", "forward", "TODO 1", "forward", "equation (1)"),
        Criterion("grad_u", "grad_u", "TODO 2", "grad_u", "equation (3)"),
        Criterion("grad_v", "grad_v", "TODO 3", "grad_v", "equation (4)"),
        Criterion("grad_c", "grad_c", "TODO 4", "grad_c", "equation (5)"),
        Criterion("train", "train", "TODO 1-4", "forward", "equation (6)"),
    ),
)
