"""Gradescope: results.json of one submission.

Format: gradescope-autograders.readthedocs.io, "Autograder Specifications", output format.
"""

import re
from typing import Any

from grader.judging.messages import ENGLISH
from grader.results.breakdown import steps
from grader.results.record import Final

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def results(final: Final) -> dict[str, Any]:
    """Return what results.json holds: one test per criterion, and the losses for a leaderboard."""
    record = final.record
    return {
        "score": final.final,
        "execution_time": round(record.seconds, 3),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "output": _summary(final),
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
            for criterion in final.criteria
        ],
        "leaderboard": [
            {"name": f"loss ({name})", "value": loss, "order": "asc"}
            for name, loss in record.training.losses.items()
            if loss is not None
        ],
    }


def _summary(final: Final) -> str:
    lines = [f"**{final.final:g} of {final.record.max_score:g} points**", "", *breakdown(final)]
    notes = [f"- {markdown(note.where)}: {markdown(note.text)}" for note in final.record.notes]
    return "\n".join([*lines, "", "Errors while the file ran:", "", *notes] if notes else lines)


def breakdown(final: Final) -> list[str]:
    """Return how a final mark comes about, as a list in Markdown."""
    return [f"- {markdown(step.line)}" for step in steps(final, ENGLISH)]


def markdown(text: str) -> str:
    """Return a text as Markdown that shows it as it is, whatever a student wrote into it."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
