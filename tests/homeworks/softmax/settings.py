"""What this homework's rubric says of it and of its cases."""

from typing import Annotated

import msgspec

from grader.rubric.rubric import AtLeastOne, CaseTable, HomeworkTable, Rubric


class Homework(HomeworkTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The network that is trained, and its data."""

    n_hidden: AtLeastOne
    n_classes: Annotated[int, msgspec.Meta(ge=2)]
    n_samples: AtLeastOne


class Cases(CaseTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes: samples, features, hidden units and classes."""

    sizes: list[tuple[AtLeastOne, AtLeastOne, AtLeastOne, AtLeastOne]]


class SoftmaxRubric(Rubric, frozen=True, forbid_unknown_fields=True):
    """A rubric of this homework."""

    homework: Homework
    cases: Cases
    public_cases: Cases
