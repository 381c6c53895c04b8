"""Format students' and the grader's text as Markdown, for systems that show it."""

import re

from grader.judging.messages import ENGLISH
from grader.results.breakdown import steps
from grader.results.record import Final

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def breakdown(final: Final) -> list[str]:
    """Return how a final mark was computed, as a Markdown list."""
    return [f"- {escaped(step.line)}" for step in steps(final, ENGLISH)]


def escaped(text: str) -> str:
    """Escape a text so that Markdown shows it literally, whatever a student wrote."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
