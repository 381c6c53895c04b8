"""The rubric, and the package of the homework that it belongs to."""

from grader.rubric.loading import (
    RUBRIC_FILE,
    check_rubric,
    differences,
    load_rubric,
    rubric_from,
    rubric_from_json,
    to_toml,
)
from grader.rubric.rubric import Rubric, derived_seed

__all__ = [
    "RUBRIC_FILE",
    "Rubric",
    "check_rubric",
    "derived_seed",
    "differences",
    "load_rubric",
    "rubric_from",
    "rubric_from_json",
    "to_toml",
]
