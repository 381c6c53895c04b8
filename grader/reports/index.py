"""results/index.html: the whole class on one page, for its instructor."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup, escape

from grader.judging.messages import Texts
from grader.reports.figures import ClassFigures, StudentRow, histogram, shortened
from grader.reports.rows import MARKS, STATUSES, Rows
from grader.reports.templates import render
from grader.results.record import Final
from grader.rubric import Rubric
from grader.scoring.machine_faults import Smell
from grader.util.atomic import write_atomically
from grader.util.moments import moment_text

INDEX = "index.html"
SIMILAR = "similar.html"  # beside it, if similar submissions were searched for
SLOWEST = 10
LISTED = 10  # most students named per status or flag; the table has all
LONGEST_FLAG = 160


def write_index(
    finals: Iterable[Final],
    rubric: Rubric,
    results: Path,
    texts: Texts,
    alarms: Sequence[tuple[Smell, int]] = (),
) -> ClassFigures:
    """Write results/index.html, one row per final; return its figures.

    If `finals` raises, the page stays unchanged.

    `alarms` are possible faults of the machine, each with the number of submissions in a row.
    """
    figures = ClassFigures.of(finals, rubric.points, texts)
    rows = figures.rows
    marks = [row.final for row in rows]
    links = {row.student: _link(results, row) for row in rows}
    runs = rubric.tasks.runs
    zone, due = rubric.late.time_zone, rubric.late.due_at
    page = render(
        "index",
        texts,
        figures=figures,
        summary=figures.summary,
        alarms=[texts.alarm(smell, count) for smell, count in alarms],
        rows=rows,
        max_score=rubric.max_score,
        full=sum(mark >= rubric.max_score for mark in marks),
        half=sum(mark >= rubric.max_score / 2 for mark in marks),
        bins=histogram(marks, rubric.max_score),
        scores_differ=figures.scores_differ,
        due=moment_text(due.astimezone(zone.info)) if due else None,
        zone=zone.words.partition(",")[0],
        slowest=figures.slowest(SLOWEST),
        by_status=lambda status: [row for row in rows if row.status == status],
        by_flag=lambda flag: [row for row in rows if flag in row.flag_ids],
        statuses=STATUSES,
        marks=figures.marks(),
        mark_names=MARKS,
        listed=LISTED,
        link=lambda row: links[row.student],
        flag_of=_flag_of,
        similar=SIMILAR if (results / SIMILAR).exists() else None,
        students=Rows(figures, links, runs).html(),
        runs=runs,
    )
    write_atomically(results / INDEX, page)
    return figures


def _link(results: Path, row: StudentRow) -> Markup:
    """Return a link to a student's page or, if that is missing, to the folder.

    The name is quoted, so that all of it is part of the path.
    """
    page = "feedback.html" if os.path.exists(f"{results}/{row.student}/feedback.html") else ""
    return Markup(f'<a href="{quote(row.student, safe="")}/{page}">{escape(row.student)}</a>')


def _flag_of(row: StudentRow, id_: str) -> str:
    """Return the text of the first flag with an id."""
    texts = (flag.partition(":") for flag in row.flags)
    return shortened(next(text.strip() for of, _, text in texts if of == id_), LONGEST_FLAG)
