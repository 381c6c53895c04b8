"""Gradescope: results.json of one submission.

Format: gradescope-autograders.readthedocs.io, "Autograder Specifications", output format.
"""

import re
from typing import Any

from grader.records import Record

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def results(record: Record) -> dict[str, Any]:
    """Return what results.json holds: a test a criterion, and the losses for a leaderboard."""
    losses = {"manual": record.training.manual, "net": record.training.net}
    return {
        "score": record.score,
        "execution_time": round(record.seconds, 3),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "output": _summary(record),
        "output_format": "md",
        "tests": [
            {
                "name": criterion.id,
                "score": criterion.points,
                "max_score": criterion.max_points,
                "status": "passed" if criterion.points == criterion.max_points else "failed",
                "output": markdown(criterion.message),
                "output_format": "md",
                "visibility": "visible",
            }
            for criterion in record.criteria
        ],
        "leaderboard": [
            {"name": f"loss ({name})", "value": loss, "order": "asc"}
            for name, loss in losses.items()
            if loss is not None
        ],
    }


def _summary(record: Record) -> str:
    notes = [f"- {markdown(note.where)}: {markdown(note.text)}" for note in record.notes]
    lines = [f"**{record.score:g} of {record.max_score:g} points**"]
    return "\n".join([*lines, "", "Errors while the file ran:", "", *notes] if notes else lines)


def markdown(text: str) -> str:
    """Return a text as Markdown that shows it as it is, whatever a student wrote into it."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
