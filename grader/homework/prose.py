"""The values that this homework's texts use, beyond those of every homework."""

import ast
from collections.abc import Mapping
from typing import Any

import msgspec

from grader.homework.activations import activation_called
from grader.homework.settings import Homework, SigmoidRubric
from grader.homework.targets import code_of, tex_of

# The report's own homework: its printed numbers and errata are taught with no other.
ORIGINAL = Homework(
    activation="sigmoid",
    n_hidden=20,
    targets=["x**2"],
    noise=0.2,
    n_samples=100,
    biases=["sample", "row"],
    seed=1,
    per_student=False,
)


def values(rubric: SigmoidRubric) -> Mapping[str, Any]:
    """Return the values by their names in templates."""
    homework = rubric.homework
    activation = activation_called(homework.activation)
    original_homework = msgspec.structs.replace(homework, seed=ORIGINAL.seed, per_student=False)
    return {
        "activation": activation,
        "slope": _factor(activation.slope),
        "saturation": rubric.cases.saturation,
        "original": original_homework == ORIGINAL,
        "targets_code": [code_of(target) for target in homework.targets],
        # Functions, since they import sympy, which only prose needs.
        "tex_of_target": tex_of,
        "targets_tex": lambda: [tex_of(target) for target in homework.targets],
    }


def _factor(code: str) -> str:
    """Return an expression as it is written after a "*"."""
    tree = ast.parse(code, mode="eval").body
    is_sum = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)
    return f"({code})" if is_sum else code
