"""The texts of a homework, as templates for its rubric: module, handout and derivation.

Jinja2 with << value >>, <% block %> and <# comment #>, since TeX and Python are full of braces. The
templates belong to the homework: they are its package's TEMPLATES.
"""

from functools import cache
from math import log10
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grader.rubric import Rubric


def rendered(template: str, rubric: Rubric, *, zh: bool = False) -> str:
    """Return a template of a homework, filled in for a rubric; `zh` for Traditional Chinese.

    Raises jinja2.UndefinedError if the template uses a name that is not given here.
    """
    package = rubric.package
    return (
        _environment(package.TEMPLATES)
        .get_template(template)
        .render(
            zh=zh,
            homework=rubric.homework,
            tasks=rubric.tasks,
            training=rubric.training,
            tolerance=rubric.tolerance,
            points=rubric.points,
            shares=rubric.shares,
            closed_form=rubric.closed_form,
            misconceptions=rubric.misconceptions,
            attempts=rubric.attempts,
            late=rubric.late,
            software=rubric.software,
            **package.template_values(rubric),
        )
    )


@cache
def _environment(templates: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
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
    return environment


def _tex_of_number(number: float) -> str:
    """Return 1e-12 as 10^{-12}, and numbers that are not such a power unchanged."""
    exponent = log10(number)
    return (
        f"10^{{{exponent:.0f}}}" if abs(exponent) > 3 and exponent.is_integer() else f"{number:g}"
    )
