"""The texts of the course as templates of the rubric: module, handout and derivation.

Jinja2 with << value >>, <% block %> and <# comment #>, for TeX and Python are full of braces.
"""

import ast
from functools import cache
from math import log10
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grader.homework.activations import activation_called
from grader.homework.rubric import Homework, Rubric
from grader.homework.targets import code_of, tex_of

TEMPLATES = Path(__file__).parent

# The homework of the report, whose printed numbers and errata are taught with it and no other.
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


def rendered(template: str, rubric: Rubric, *, zh: bool = False) -> str:
    """Return a template of this folder, filled in for a rubric; `zh` for Traditional Chinese.

    Raises jinja2.UndefinedError where the template names what is not given here.
    """
    homework = rubric.homework
    activation = activation_called(homework.activation)
    return (
        _environment()
        .get_template(template)
        .render(
            zh=zh,
            activation=activation,
            slope=_factor(activation.slope),
            homework=homework,
            training=rubric.training,
            tolerance=rubric.tolerance,
            saturation=rubric.cases.saturation,
            original=msgspec.structs.replace(homework, seed=1, per_student=False) == ORIGINAL,
            targets_code=[code_of(target) for target in homework.targets],
            points=rubric.points,
            shares=rubric.shares,
            closed_form=rubric.closed_form,
            misconceptions=rubric.misconceptions,
            attempts=rubric.attempts,
            late=rubric.late,
            software=rubric.software,
        )
    )


def _factor(code: str) -> str:
    """Return an expression as it stands behind a "*"."""
    tree = ast.parse(code, mode="eval").body
    is_sum = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub)
    return f"({code})" if is_sum else code


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["tex"] = _tex_of_number
    environment.filters["tex_of_target"] = tex_of  # called by prose alone: it imports sympy
    return environment


def _tex_of_number(number: float) -> str:
    """Return 1e-12 as 10^{-12}, and what is not such a power as it is."""
    exponent = log10(number)
    return (
        f"10^{{{exponent:.0f}}}" if abs(exponent) > 3 and exponent.is_integer() else f"{number:g}"
    )
