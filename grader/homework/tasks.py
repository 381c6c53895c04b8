"""What this homework asks: the forward pass, four gradients, a network, and two training runs."""

from grader.judging.messages import N_
from grader.source.tasks import PARAMETERS, Criterion, Layer, Network, Question, SameAnswer, Tasks

_FORWARD = N_("equations (1.2) to (1.4); section 3 of the handout")
_B1 = N_("equation (3.5), which you derive; section 4 of the handout")
_B2 = N_("equation (3.3), which you derive; section 4 of the handout")
_ROW = N_("section 4 of the handout, “Two bias conventions”, and Tensor.sum_to_size")


def _gradient(parameter: str, equation: str, subject: str) -> Question:
    return Question(
        name=f"grad_{parameter}",
        kind="gradient",
        arguments=("x", "y", PARAMETERS, "hs", "y_pred"),
        returns=(f"grad_{parameter}",),
        parameter=parameter,
        equation=equation,
        subject=subject,
    )


QUESTIONS = (
    Question(
        "forward", "forward", ("x", PARAMETERS), ("hs", "y_pred"),
        equation="(1.2)-(1.4)", subject="forward",
    ),
    _gradient("w1", "(3.6)", "W1"),
    _gradient("b1", "(3.5)", "b1"),
    _gradient("w2", "(3.4)", "W2"),
    _gradient("b2", "(3.3)", "b2"),
    Question(
        "net", "network", ("x",),
        ("the output of Net", "hidden.weight", "hidden.bias", "predict.weight", "predict.bias"),
        equation="(1.2)-(1.4)", subject="Net", defines="Net",
    ),
    Question(
        "train_manual", "descent", run="manual",
        uses=("forward", "grad_w1", "grad_b1", "grad_w2", "grad_b2"),
    ),
    Question("train_net", "training", ("x", "y"), defines="Net", run="net", uses=("net",)),
)  # fmt: skip

TASKS = Tasks(
    parameters=("w1", "b1", "w2", "b2"),
    questions=QUESTIONS,
    network=Network(
        sizes=(("w1", 0), ("w1", 1), ("w2", 1)),
        layers=(Layer("hidden", "w1", "b1"), Layer("predict", "w2", "b2")),
        loss="mse_loss",
    ),
    same_answers=(
        SameAnswer("sign", "residual_reversed", "negates", ("y_pred", "y")),
        SameAnswer("w2_not_transposed", "w1_for_w2", "transposes", ("w1",)),
    ),
    criteria=(
        Criterion("forward.values", "forward", "TODO 1", "forward", _FORWARD),
        Criterion(
            "forward.stable", "forward", "TODO 1", "forward",
            N_("equation (2.1), its three forms; section 2 of the handout"),
        ),
        Criterion(
            "grad_w1", "grad_w1", "TODO 2", "grad_w1",
            N_("equation (3.6), which you derive; section 4 of the handout"),
        ),
        Criterion("grad_b1.sample", "grad_b1", "TODO 3", "grad_b1", _B1, "sample"),
        Criterion("grad_b1.row", "grad_b1", "TODO 3", "grad_b1", _ROW, "row"),
        Criterion(
            "grad_w2", "grad_w2", "TODO 4", "grad_w2",
            N_("equation (3.4), which you derive; section 4 of the handout"),
        ),
        Criterion("grad_b2.sample", "grad_b2", "TODO 5", "grad_b2", _B2, "sample"),
        Criterion("grad_b2.row", "grad_b2", "TODO 5", "grad_b2", _ROW, "row"),
        Criterion(
            "net", "net", "TODO 6", "Net",
            N_("equations (1.2) to (1.4); section 6 of the handout"),
        ),
        Criterion(
            "train.manual", "train_manual", "TODO 1-5", "forward",
            N_("section 7 of the handout: training with your four gradients"),
        ),
        Criterion(
            "train.net", "train_net", "TODO 6", "Net",
            N_("section 7 of the handout: training your Net"),
        ),
    ),
)  # fmt: skip
