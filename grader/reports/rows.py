"""The students' rows in index.html, made without a template: a class may have 10,000."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache

from markupsafe import Markup, escape

from grader.judging.messages import N_
from grader.reports.figures import NO_SECTION, ClassFigures, StudentRow
from grader.results.record import Status
from grader.util.moments import moment_text

BETWEEN = "\n"  # separates the values by which a row is found
STATUSES: dict[Status, str] = {
    "graded": N_("graded"),
    "unreadable": N_("unreadable"),
    "failed": N_("failed"),
    "timeout": N_("timeout"),
    "crashed": N_("crashed"),
}
MARKS = {"late": N_("late"), "extended": N_("extension"), "by_hand": N_("by hand")}


class Rows:
    """Makes the rows of a class.

    `links` lead to the students' pages, by name; `runs` are the training runs with a column.
    """

    def __init__(
        self, figures: ClassFigures, links: Mapping[str, Markup], runs: Collection[str]
    ) -> None:
        say = figures.texts.say
        self._figures = figures
        self._links = links
        self._runs = runs
        self._statuses = {status: escape(say(name)) for status, name in STATUSES.items()}
        self._marks = {mark: escape(say(name)) for mark, name in MARKS.items()}
        self._has_sections = figures.has_sections
        self._scores_differ = figures.scores_differ
        self._names = cache(lambda ids: ", ".join(map(figures.name_of, ids)))

    def html(self) -> Markup:
        """Return all rows."""
        return Markup("\n".join(map(self._row, self._figures.rows)))

    def _row(self, row: StudentRow) -> str:
        return f"<tr {self._found_by(row)}>{''.join(self._cells(row))}</tr>"

    def _found_by(self, row: StudentRow) -> str:
        """Return the values by which the table's filters find the row."""
        values: dict[str, Iterable[str]] = {
            "status": [row.status],
            "section": [row.section or NO_SECTION],
            "lost": row.lost,
            "why": row.reasons,
            "flag": row.flag_ids,
            "mark": row.marks,
        }
        return " ".join(f'data-{k}="{escape(BETWEEN.join(v))}"' for k, v in values.items() if v)

    def _cells(self, row: StudentRow) -> Iterator[str]:
        yield f'<th scope="row">{self._links[row.student]}</th>'
        if self._has_sections:
            yield f"<td>{escape(row.section or NO_SECTION)}</td>"
        by_hand = f' <span class="together">{self._marks["by_hand"]}</span>' if row.by_hand else ""
        yield f'<td class="number"><b>{row.final:g}</b>{by_hand}</td>'
        if self._scores_differ:
            yield _number(f"{row.score:g}")
        yield from map(_points, row.points, self._figures.points.values())
        yield f"<td>{escape(row.problem or self._names(tuple(row.reasons)))}</td>"
        yield f"<td>{self._statuses[row.status]}</td>"
        yield f"<td>{escape(self._names(tuple(row.flag_ids)))}</td>"
        of_all = f"/{row.attempts}" if row.attempts > 1 else ""
        yield _number(f"{row.attempt}{of_all}")
        seconds = row.handed_in.timestamp()
        yield f'<td class="moment" data-value="{seconds:.0f}">{moment_text(row.handed_in)}</td>'
        extension = f" {self._marks['extended']}" if row.extended else ""
        yield _number(f"{row.late_days:g}{extension}" if row.late_days or row.extended else "")
        yield _number(f"{row.seconds:.1f}")
        yield from map(_loss, map(row.losses.get, self._runs))


def _loss(loss: float | None) -> str:
    return _number("" if loss is None else f"{loss:.4g}")


def _number(text: str) -> str:
    return f'<td class="number">{text}</td>'


@cache
def _points(points: float | None, full: float) -> str:
    """Return a criterion's cell; cached, as there are few different ones."""
    if points is None:
        return _number("\u2013")
    mark = "right" if points >= full else "partly" if points else "wrong"
    return f'<td class="number {mark}">{points:g}</td>'
