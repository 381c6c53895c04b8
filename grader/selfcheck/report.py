"""Show verdicts as text and in a notebook: the next thing to do, then one line per criterion."""

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from ..judging.messages import N_, Texts
from ..judging.verdicts import NO_ERROR, ErrorMap, Verdict
from ..source.tasks import Tasks

BAR_LENGTH = 22
INDENT = "  "
BOLD, GREEN, YELLOW = "1", "32", "33"
MOST_ROWS, MOST_COLUMNS = 12, 24  # in the drawing of a tensor's errors

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60"
_NO_LINE_BEGINS_WITH = "，。：；、！？）」』》”"  # noqa: RUF001
_PIECE = re.compile(rf"(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_NO_LINE_BEGINS_WITH}]*\s*")


@dataclass(frozen=True)
class Look:
    """How text is shown: the language, the terminal's width in columns, and whether in colour."""

    texts: Texts
    width: int = 80
    colour: bool = False

    def paint(self, text: str, style: str) -> str:
        """Return the text in a terminal style."""
        return f"\033[{style}m{text}\033[0m" if self.colour else text


@dataclass(frozen=True)
class WorkSummary:
    """Remarks on the work as a whole.

    `helpers` are the files that it needs beside it, `cautions` say what may differ when it is
    graded, and `unparsed` is the place and error of the first line that is not valid Python.
    """

    helpers: Sequence[str] = ()
    cautions: Sequence[str] = ()
    unparsed: tuple[str, str] | None = None


@dataclass(frozen=True)
class Report:
    """Verdicts, the names of the criteria still to come, and the places of the functions.

    In a notebook it is displayed as HTML, elsewhere as text.
    """

    verdicts: Sequence[Verdict]
    tasks: Tasks
    places: Mapping[str, str]
    look: Look
    pending: Sequence[str] = ()
    whole: bool = True  # no criterion was left out
    work: WorkSummary = field(default_factory=WorkSummary)

    @property
    def right(self) -> int:
        """The number of criteria with all their points."""
        return sum(is_right(verdict) for verdict in self.verdicts)

    @property
    def most(self) -> float:
        """The points of all the criteria judged so far."""
        return sum(verdict.max_points for verdict in self.verdicts)

    @property
    def next(self) -> Verdict | None:
        """The first criterion that is not right; the rubric lists prerequisites first."""
        return next((verdict for verdict in self.verdicts if not is_right(verdict)), None)

    def say(self, message: str, **values: str | int | float) -> str:
        """Return a catalogue message in the report's language."""
        return self.look.texts.say(message, **values)

    @property
    def progress(self) -> str:
        """The student's progress, in words; empty before anything is judged."""
        if not self.verdicts:
            return ""
        message = N_("{right} of {all} right, {points:g} of {most:g} points on the public cases")
        if self.pending:
            message = N_("{right} of {all} right, {points:g} of {most:g} points before training")
        return self.say(
            message,
            right=self.right,
            all=len(self.verdicts),
            points=sum(verdict.points for verdict in self.verdicts),
            most=self.most,
        )

    @property
    def heading(self) -> str:
        """The most prominent line: what is next, or that all is right."""
        if self.next and self._unparsed:
            return self.say(N_("NEXT: {place}"), place=self._unparsed[0])
        if self.next:
            task = self.tasks.by_id[self.next.criterion]
            return self.say(
                N_("NEXT: {todo}, {criterion}"), todo=task.todo, criterion=self.next.criterion
            )
        if self.pending:
            return self.say(N_("So far all is right. Training now: a few seconds."))
        if not self.whole:
            return self.say(N_("Right. Now check all the rest."))
        return self.say(N_("All is right."))

    def advice(self) -> Iterator[tuple[str, str]]:
        """Yield labels and texts below the heading: what is wrong, where, and what to read."""
        if self.next and self._unparsed:
            yield "", self._unparsed[1]
        if self.next:
            task = self.tasks.by_id[self.next.criterion]
            for reason in self.next.reasons:
                yield "", self.look.texts.of(reason)
            function = str(self.next.reasons[0].values.get("function", task.name))
            if place := self.places.get(function) or self.places.get(task.name):
                yield self.say(N_("where")), place
            yield self.say(N_("read")), self.say(task.reading)
        elif self.whole and not self.pending:
            files = self.say(N_("Hand in this one file."))
            if self.work.helpers:
                message = N_("Hand in this file together with {files}, which it needs.")
                files = self.say(message, files=", ".join(self.work.helpers))
            about_hidden_cases = N_(
                "You are graded on hidden cases, which ask the same with other numbers and other "
                "sizes."
            )
            yield "", f"{files} {self.say(about_hidden_cases)}"

    @property
    def _unparsed(self) -> tuple[str, str] | None:
        """The code that does not parse, if that may be why the next thing is not defined."""
        first = self.next.reasons[0].id if self.next else ""
        return self.work.unparsed if first.startswith(("missing", "nothing_defined")) else None

    @property
    def cautions(self) -> Sequence[str]:
        """Things that may differ when the work is graded; shown before it is called right."""
        return () if self.next or self.pending else self.work.cautions

    def line(self, verdict: Verdict) -> str:
        """Return one short line about a criterion."""
        look = self.look
        mark = look.paint("ok  ", GREEN) if is_right(verdict) else look.paint("TODO", YELLOW)
        points = f"{verdict.points:g}/{verdict.max_points:g}"
        start = f"{verdict.criterion:<15}{points:>7}  "
        reasons = cut(look.texts.of(*verdict.reasons), look.width - len(start) - 5)
        return f"{mark} {start}{reasons}"

    def opening(self) -> str:
        """Return progress, the next thing to do, and a line for each criterion judged so far."""
        bar_length = round(BAR_LENGTH * self.right / max(1, len(self.verdicts)))
        bar = f"[{self.look.paint('#' * bar_length, GREEN)}{'-' * (BAR_LENGTH - bar_length)}]"
        head = [f"{bar} {self.progress}", ""] if self.verdicts else []
        return "\n".join([*head, *self._advised(), "", *self._lines()])

    def _advised(self) -> Iterator[str]:
        for caution in self.cautions:
            yield from wrapped(caution, self.look.width)
        yield self.look.paint(self.heading, BOLD)
        for label, text in self.advice():
            sentence = self.say(N_("{label}: {text}"), label=label, text=text) if label else text
            for line in wrapped(sentence, self.look.width - len(INDENT)):
                yield INDENT + line

    def _lines(self) -> Iterator[str]:
        return map(self.line, self.verdicts)

    def closing(self, opening: "Report") -> str:
        """Return what this report adds to its `opening`, and the total."""
        lines = [self.line(verdict) for verdict in self.verdicts[len(opening.verdicts) :]]
        total = sum(verdict.points for verdict in self.verdicts)
        name = pad(self.say(N_("public cases")), 15)
        lines.append(f"     {name}{f'{total:g}/{self.most:g}':>7}")
        if opening.next is None and opening.pending:
            lines += ["", *self._advised()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{self.opening()}\n{self.closing(self)}"

    def _repr_html_(self) -> str:
        return _html(self)


def is_right(verdict: Verdict) -> bool:
    """Tell whether a criterion has all its points."""
    return verdict.points == verdict.max_points


def columns(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, width: int) -> str:
    """Pad a text with spaces to a width in columns."""
    return text + " " * (width - columns(text))


def cut(text: str, width: int) -> str:
    """Return a text of at most `width` columns, its end cut off if necessary."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 3:
        text = text[:-1]
    return text.rstrip() + "..."


def wrapped(text: str, width: int) -> list[str]:
    """Wrap a text to lines of at most `width` columns; Chinese may break between any characters."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and columns(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


# Colours that are readable on light and dark backgrounds.
_GREEN, _AMBER, _BORDER = "#2e9e4f", "#c77700", "#8888"
_PAGE = textwrap.dedent("""\
    <div class="selfcheck" style="font-family: system-ui, sans-serif; max-width: 46em">
    <div>{progress}</div>
    <div style="background: #8883; border-radius: 4px; margin: .3em 0 .8em">
    <div style="background: {green}; border-radius: 4px; height: 6px; width: {percent}%"></div>
    </div>
    <div style="border-left: 4px solid {colour}; padding: .1em .9em; margin-bottom: .8em">
    {cautions}
    <div style="font-size: 1.3em; font-weight: 600">{heading}</div>
    {advice}
    {drawing}
    </div>
    <table style="border-collapse: collapse; font-size: .9em">
    {rows}
    </table>
    </div>
    """)


def _html(report: Report) -> str:
    first = report.next
    rows = [_row(report, verdict) for verdict in report.verdicts]
    rows += [
        _cells("…", name, "", escape(report.say(N_("running"))), _BORDER) for name in report.pending
    ]
    return _PAGE.format(
        progress=escape(report.progress),
        green=_GREEN,
        percent=round(100 * report.right / max(1, len(report.verdicts))),
        colour=_AMBER if first else _GREEN,
        cautions="\n".join(f"<div>{escape(caution)}</div>" for caution in report.cautions),
        heading=escape(report.heading),
        advice="\n".join(_advice(report, label, text) for label, text in report.advice()),
        drawing=_drawing(report, first.map) if first and first.map else "",
        rows="\n".join(rows),
    )


def _advice(report: Report, label: str, text: str) -> str:
    html = escape(text)
    if label:
        label = f"<b>{escape(label)}</b>"
        html = report.say(N_("{label}: {text}"), label=label, text=html)
    return f'<div style="margin: .4em 0">{html}</div>'


def _row(report: Report, verdict: Verdict) -> str:
    right = is_right(verdict)
    points = f"{verdict.points:g}/{verdict.max_points:g}"
    # The next criterion's advice stands above the table, so its row shows the figure.
    reason = verdict.reasons[-1 if verdict is report.next else 0]
    html = escape(report.look.texts.of(reason))
    mark, colour = ("✓", _GREEN) if right else ("✗", _AMBER)
    return _cells(mark, verdict.criterion, points, html, colour)


def _cells(mark: str, name: str, points: str, html: str, colour: str) -> str:
    style = 'style="text-align: left; vertical-align: top; padding: .15em .6em; background: none"'
    return (
        f'<tr style="background: none"><td {style}><b style="color: {colour}">{mark}</b></td>'
        f"<td {style}><code>{name}</code></td><td {style}>{points}</td><td {style}>{html}</td></tr>"
    )


def _drawing(report: Report, errors: ErrorMap) -> str:
    """Draw a tensor's errors: one cell per entry, with the power of ten of its relative error."""
    rows = "".join(
        f"<tr>{''.join(map(_square, row[:MOST_COLUMNS]))}</tr>"
        for row in errors.decades[:MOST_ROWS]
    )
    caption = report.say(
        N_("{tensor}, entry by entry: the power of ten of the relative error"), tensor=errors.tensor
    )
    return (
        f'<div style="margin: .6em 0 .2em; font-size: .9em">{escape(caption)}</div>'
        f'<table style="border-collapse: collapse; font-size: .75em">{rows}</table>'
    )


def _square(decade: int | None) -> str:
    """Return a cell; the larger the error, the redder."""
    if decade is None:
        text, colour = "nan", "rgba(160, 60, 200, .6)"
    elif decade == NO_ERROR:
        text, colour = "0", "rgba(46, 158, 79, .35)"
    else:
        strength = min(1.0, max(0.0, (decade - NO_ERROR) / -NO_ERROR))
        text = str(decade)
        colour = f"rgba({round(46 + 174 * strength)}, {round(158 - 100 * strength)}, 60, .45)"
    return (
        f'<td style="background: {colour}; border: 1px solid {_BORDER}; '
        f'padding: .2em .5em; text-align: center">{text}</td>'
    )
