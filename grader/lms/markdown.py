"""Text of students and of the grader in Markdown, for systems that show it."""

import re

from grader.judging.messages import ENGLISH
from grader.results.breakdown import steps
from grader.results.record import Final

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def breakdown(final: Final) -> list[str]:
    """Return how a final mark comes about, as a list in Markdown."""
    return [f"- {escaped(step.line)}" for step in steps(final, ENGLISH)]


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is, whatever a student wrote into it."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
