"""What this homework's rubric says of its cases."""

from grader.rubric.rubric import AtLeastOne, CaseTable, Rubric


class Cases(CaseTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sizes: steps, samples, inputs and units."""

    sizes: list[tuple[AtLeastOne, AtLeastOne, AtLeastOne, AtLeastOne]]


class RecurrentRubric(Rubric, frozen=True, forbid_unknown_fields=True):
    """A rubric of this homework."""

    cases: Cases
    public_cases: Cases
