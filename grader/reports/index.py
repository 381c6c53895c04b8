"""results/index.html: the class for its instructor, in one page."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median
from urllib.parse import quote

from grader.catalogue import Texts
from grader.files import write_atomically
from grader.records import Final
from grader.reports.figures import ClassFigures, Row, histogram, shortened
from grader.reports.templates import render
from grader.rubric import Rubric
from grader.smells import Smell

INDEX = "index.html"
SIMILAR = "similar.html"  # beside it, where similar submissions were looked for
SLOWEST = 10
LISTED = 10  # students named for a status or a flag; the table has all of them
LONGEST_FLAG = 160


def write_index(
    finals: Iterable[Final],
    rubric: Rubric,
    results: Path,
    texts: Texts,
    alarms: Sequence[tuple[Smell, int]] = (),
) -> None:
    """Write results/index.html, a row a final. Where `finals` raises, the page stays as it was.

    `alarms` are what may have been the machine's fault, and how many in a row ended so.
    """
    figures = ClassFigures.of(finals, rubric.points, texts)
    rows = figures.rows
    scores = [row.score for row in rows]
    page = render(
        "index",
        texts,
        figures=figures,
        alarms=[texts.alarm(smell, count) for smell, count in alarms],
        rows=rows,
        max_score=rubric.max_score,
        mean=fmean(scores) if scores else None,
        median=median(scores) if scores else None,
        full=sum(score >= rubric.max_score for score in scores),
        half=sum(score >= rubric.max_score / 2 for score in scores),
        bins=histogram(scores, rubric.max_score),
        finals_differ=any(row.final != row.score for row in rows),
        slowest=figures.slowest(SLOWEST),
        by_status=lambda status: [row for row in rows if row.status == status],
        by_flag=lambda flag: [row for row in rows if flag in row.flag_ids],
        listed=LISTED,
        page_of=partial(_page_of, results),
        flag_of=_flag_of,
        similar=SIMILAR if (results / SIMILAR).exists() else None,
    )
    write_atomically(results / INDEX, page)


def _page_of(results: Path, row: Row) -> str:
    """Return the link to a student's page, which may not be written; or to the folder.

    Whatever is in the name is part of the path.
    """
    page = "feedback.html" if (results / row.student / "feedback.html").exists() else ""
    return f"{quote(row.student, safe='')}/{page}"


def _flag_of(row: Row, id_: str) -> str:
    """Return what the first flag of an id says."""
    texts = (flag.partition(":") for flag in row.flags)
    return shortened(next(text.strip() for of, _, text in texts if of == id_), LONGEST_FLAG)
