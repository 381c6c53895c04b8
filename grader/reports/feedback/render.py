"""Render one feedback page, in a separate process (pages.py)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import msgspec

from grader.judging.messages import Language, Texts
from grader.results.breakdown import attempt_words, steps
from grader.results.record import ByHand, CriterionResult, Final, SourceNote
from grader.rubric.rubric import PageLimits
from grader.source.tasks import Tasks

if TYPE_CHECKING:
    from grader.reports.feedback.source import SourcePage

# With the full source, with its text alone, or without source and drawings.
Form = Literal["full", "plain", "words"]
# A place in the student's source, as messages give it in brackets.
IN_BRACKETS = re.compile(r"\(([^()]+, line \d+)\)")


class Order(msgspec.Struct, frozen=True):
    """The input for rendering a page; `digest` is of all that determines it.

    `source` is the file that counts, None if there is nothing to show; `counts` says which of
    several attempts counts.
    """

    final: Final
    source: bytes | None
    counts: Literal["best", "last"]
    language: Language
    digest: str
    limits: PageLimits
    tasks: Tasks


@dataclass(frozen=True)
class CriterionRow:
    """A criterion as the page shows it; `line` is the id of the line concerned.

    `by_hand` is its override, if any, and `graded` the points it earned.
    """

    criterion: CriterionResult
    line: str | None
    by_hand: ByHand | None
    graded: float

    @property
    def lost(self) -> bool:
        """Whether points were lost."""
        return self.criterion.points < self.criterion.max_points


def page(order: Order, form: Form) -> str:
    """Return the page of a record."""
    from grader.reports import templates  # not needed by the coordinating process
    from grader.reports.feedback import drawings

    final, record, texts = order.final, order.final.record, _texts(order.language)
    source_page, problem = _shown(order, form)
    rows = [_row(criterion, final, source_page, order.tasks) for criterion in final.criteria]
    passed_criteria = {c.id for c in record.criteria if c.points == c.max_points}
    with_map = [] if form == "words" else [c for c in record.criteria if c.map]
    if source_page:
        _mark(rows, record.notes, source_page, order.tasks)
    return templates.render(
        "feedback",
        texts,
        final=final,
        record=record,
        steps=steps(final, texts),
        attempt=attempt_words(final, order.counts, texts),
        digest=order.digest,
        rows=rows,
        first=next((row for row in rows if row.lost), None),
        maps=[drawings.heat_map(c.map) for c in with_map if c.map],
        mapped=[c.id for c in with_map],
        courses=[]
        if form == "words"
        else drawings.courses(record.training, passed_criteria, order.tasks),
        notes=[(note, _line_id(source_page, note.where)) for note in record.notes],
        shown=source_page,
        problem=problem,
        form=form,
        network=_network(order.tasks),
        drawings=drawings,
    )


@cache
def _texts(language: Language) -> Texts:
    return Texts(language)


def _shown(order: Order, form: Form) -> "tuple[SourcePage | None, str]":
    """Return the source as shown, or why it is not."""
    if form == "words" or order.source is None:
        return None, ""
    from grader.reports.feedback.source import show
    from grader.source.read import Unreadable

    name = order.final.record.submission
    try:
        return show(name, order.source, order.limits, form == "plain"), ""
    except Unreadable as error:
        return None, str(error)


def _row(
    criterion: CriterionResult, final: Final, source_page: "SourcePage | None", tasks: Tasks
) -> CriterionRow:
    lost = criterion.points < criterion.max_points
    changes = [change for change in final.by_hand if change.criterion == criterion.id]
    return CriterionRow(
        criterion,
        _line_about(criterion, source_page, tasks) if lost and source_page else None,
        changes[-1] if changes else None,
        next((c.points for c in final.record.criteria if c.id == criterion.id), criterion.points),
    )


def _mark(
    rows: Sequence[CriterionRow],
    notes: Sequence[SourceNote],
    source_page: "SourcePage",
    tasks: Tasks,
) -> None:
    """Mark the lines that cost points and those that failed, and their cells."""
    for row in rows:
        c = row.criterion
        for line_id in (
            {row.line, source_page.definitions.get(_definition(c, tasks))} if row.lost else ()
        ):
            if line := source_page.by_id(line_id):
                line.marks.append(f"{c.id} {c.points:g}/{c.max_points:g}")
    for note in notes:
        if line := source_page.line(note.where):
            line.marks.append(note.text)
        for cell in source_page.cells:
            if note.where.partition(",")[0] == cell.label:
                cell.failures.append(note.text)


def _line_about(criterion: CriterionResult, source_page: "SourcePage", tasks: Tasks) -> str | None:
    """Return the line that a message names, else the line that defines the criterion's function."""
    for match in IN_BRACKETS.finditer(criterion.message):
        if line := source_page.line(match[1]):
            return line.id
    return source_page.definitions.get(_definition(criterion, tasks))


def _definition(criterion: CriterionResult, tasks: Tasks) -> str:
    """Return the name that a criterion asks the student to define."""
    return tasks.question_of(criterion.id).definition


def _network(tasks: Tasks) -> str:
    """Return the name of the network's class, "" if the homework has none."""
    names = [question.definition for question in tasks.questions if question.kind == "network"]
    return names[0] if names else ""


def _line_id(source_page: "SourcePage | None", place: str) -> str | None:
    line = source_page.line(place) if source_page else None
    return line.id if line else None
