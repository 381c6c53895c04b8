"""Points by the homework's rubric: tests take them from here instead of repeating them."""

from grader.rubric import load_rubric

RUBRIC = load_rubric()
MAX_SCORE = RUBRIC.max_score  # of right work
MAX_UNTRAINED = RUBRIC.untrained().max_score  # of right work, with a rubric without training


def worth(*criteria: str) -> float:
    """Return the points of these criteria together."""
    return sum(RUBRIC.points[criterion] for criterion in criteria)


def out_of(points: float, most: float = MAX_SCORE) -> str:
    """Return points with the maximum, as shown to users: "85/100"."""
    return f"{points:g}/{most:g}"
