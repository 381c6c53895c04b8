"""results/similar.html: pairs of similar submissions, side by side, for a person to look at."""

from collections.abc import Iterator
from pathlib import Path

from grader.judging.messages import Texts
from grader.reports.index import SIMILAR
from grader.reports.similarity import Comparison, Side
from grader.reports.templates import render
from grader.util.atomic import write_atomically


def write_similar(comparison: Comparison, results: Path, texts: Texts) -> None:
    """Write results/similar.html."""
    page = render("similar", texts, comparison=comparison, parts=_parts)
    write_atomically(results / SIMILAR, page)


def _parts(side: Side) -> Iterator[tuple[str, bool]]:
    """Yield the text in parts, each with whether the other side has it too."""
    at = 0
    for start, end in sorted(side.passages):
        if (start := max(start, at)) < end:
            yield side.text[at:start], False
            yield side.text[start:end], True
            at = end
    yield side.text[at:], False
