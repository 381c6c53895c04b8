"""What work earns by the homework's rubric: tests expect its points and have none of their own."""

from grader.rubric import load_rubric

RUBRIC = load_rubric()
MAX_SCORE = RUBRIC.max_score  # of right work
MAX_UNTRAINED = RUBRIC.untrained().max_score  # of right work, by a rubric without the training runs


def worth(*criteria: str) -> float:
    """Return the points of these criteria together."""
    return sum(RUBRIC.points[criterion] for criterion in criteria)


def out_of(points: float, most: float = MAX_SCORE) -> str:
    """Return points as they are shown beside what can be earned, like "85/100"."""
    return f"{points:g}/{most:g}"
