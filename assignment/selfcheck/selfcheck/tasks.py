"""What each criterion asks a student to write, and what to read for it."""

from dataclasses import dataclass

from ..judging.messages import N_


@dataclass(frozen=True)
class Task:
    """A TODO of the homework: its number, the name to define, and what to read (a message)."""

    todo: str
    name: str
    reading: str


_FORWARD = Task("TODO 1", "forward", N_("equations (1.2) to (1.4); section 3 of the handout"))
_STABLE = Task("TODO 1", "forward", N_("equation (2.1), its three forms; section 2 of the handout"))
_B1 = Task("TODO 3", "grad_b1", N_("equation (3.5), which you derive; section 4 of the handout"))
_B2 = Task("TODO 5", "grad_b2", N_("equation (3.3), which you derive; section 4 of the handout"))
_ROW = N_("section 4 of the handout, “Two bias conventions”, and Tensor.sum_to_size")

TASKS = {
    "forward.values": _FORWARD,
    "forward.stable": _STABLE,
    "grad_w1": Task(
        "TODO 2", "grad_w1", N_("equation (3.6), which you derive; section 4 of the handout")
    ),
    "grad_b1.sample": _B1,
    "grad_b1.row": Task(_B1.todo, _B1.name, _ROW),
    "grad_w2": Task(
        "TODO 4", "grad_w2", N_("equation (3.4), which you derive; section 4 of the handout")
    ),
    "grad_b2.sample": _B2,
    "grad_b2.row": Task(_B2.todo, _B2.name, _ROW),
    "net": Task("TODO 6", "Net", N_("equations (1.2) to (1.4); section 6 of the handout")),
    "train.manual": Task(
        "TODO 1-5", "forward", N_("section 7 of the handout: training with your four gradients")
    ),
    "train.net": Task("TODO 6", "Net", N_("section 7 of the handout: training your Net")),
}
