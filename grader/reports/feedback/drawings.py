"""The page's drawings: heat maps of answers' errors, and the course of training runs.

Everything is computed here; the template only writes it as SVG.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import cycle

from grader.judging.verdicts import NO_ERROR, ErrorMap
from grader.results.record import TrainingResult, TrainingRun
from grader.source.tasks import Question, Tasks

WIDTH, HEIGHT = 340, 210  # of a chart, including its labels
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 24
UPWARDS = (HEIGHT - BOTTOM, TOP)  # an axis of y, from its low end
CELL = 30  # in a heat map
# Classes of a heat map's entries: each reaches up to this power of ten.
HEAT = ((-13, "h0"), (-6, "h1"), (-2, "h2"), (math.inf, "h3"))


@dataclass(frozen=True)
class MapEntry:
    """An entry of a heat map: its position, and the power of ten of its relative error."""

    row: int
    column: int
    decade: int | None
    label: str
    heat: str


@dataclass(frozen=True)
class HeatMap:
    """A heat map of part of a tensor; a single column is drawn as a row."""

    tensor: str
    rows: int
    columns: int
    entries: list[MapEntry]
    wrong: int  # entries that differ by more than rounding

    @property
    def upright(self) -> bool:
        """Whether rows are drawn from top to bottom."""
        return self.columns > 1

    @property
    def width(self) -> int:
        """The size in pixels."""
        return (self.columns if self.upright else self.rows) * CELL

    @property
    def height(self) -> int:
        """The size in pixels."""
        return (self.rows if self.upright else self.columns) * CELL

    def x(self, entry: MapEntry) -> int:
        """Return the left edge of an entry."""
        return (entry.column if self.upright else entry.row) * CELL

    def y(self, entry: MapEntry) -> int:
        """Return the upper edge of an entry."""
        return (entry.row if self.upright else entry.column) * CELL


def heat_map(error_map: ErrorMap) -> HeatMap:
    """Return the heat map of a tensor's errors."""
    entries = [
        _entry(row, column, decade)
        for row, decades in enumerate(error_map.decades)
        for column, decade in enumerate(decades)
    ]
    wrong = sum(entry.heat != "h0" for entry in entries)
    columns = len(error_map.decades[0]) if error_map.decades else 0
    return HeatMap(error_map.tensor, len(error_map.decades), columns, entries, wrong)


def _entry(row: int, column: int, decade: int | None) -> MapEntry:
    if decade is None:
        return MapEntry(row, column, decade, "NaN", "nan")
    heat = next(name for most, name in HEAT if decade <= most)
    # A minus sign is as wide as a digit, a hyphen is not; entries without an error have no number.
    label = "·" if decade <= NO_ERROR else f"{decade}".replace("-", "\u2212")
    return MapEntry(row, column, decade, label, heat)


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart: a curve (pieces of "x,y x,y"), dots, ticks, and the height of a dashed line."""

    curve: list[str]
    dots: list[tuple[float, float]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    line: float | None = None


@dataclass(frozen=True)
class TrainingCurves:
    """A training run's drawings; no fit if its predictions do not form a curve."""

    question: Question
    final: float | None
    passed: bool
    loss: Chart
    fit: Chart | None


Point = tuple[float, float | None]


def courses(
    training: TrainingResult, passed_criteria: Collection[str], tasks: Tasks
) -> list[TrainingCurves]:
    """Return the training runs that have something to draw."""
    return [
        TrainingCurves(
            question,
            training.losses[name],
            tasks.criterion(question.name).id in passed_criteria,
            _loss(run, training.pass_mark),
            _fit(training, run) if run.predictions else None,
        )
        for name, run in training.runs.items()
        for question in [tasks.runs[name]]
    ]


def _loss(run: TrainingRun, pass_mark: float) -> Chart:
    """Return the loss by step, on a logarithmic scale."""
    logs: list[Point] = [
        (step * run.every, math.log10(loss) if loss is not None and loss > 0 else None)
        for step, loss in enumerate(run.losses)
    ]
    mark = math.log10(pass_mark)
    ys = [y for _, y in logs if y is not None] + [mark]
    low, high = math.floor(min(ys)), math.ceil(max(ys) + 1e-9)
    to_x, to_y = _scale(0, logs[-1][0], LEFT, WIDTH - RIGHT), _scale(low, high, *UPWARDS)
    step = max(1, (high - low) // 4)
    y_ticks = [Tick(to_y(decade), _power(decade)) for decade in range(low, high + 1, step)]
    x_ticks = [Tick(to_x(x), f"{x:g}") for x in (0, logs[-1][0] / 2, logs[-1][0])]
    return Chart(_pieces(logs, to_x, to_y), [], x_ticks, y_ticks, to_y(mark))


def _power(decade: int) -> str:
    """Format a power of ten briefly: 0.01, 1e-05, 1000; also beyond float64's range."""
    return f"{10.0**decade:g}" if abs(decade) < 4 else f"1e{decade:+03d}"


def _fit(training: TrainingResult, run: TrainingRun) -> Chart:
    """Return public data as dots, and one curve per output, cut off at the drawing's edge."""
    data = zip(cycle(training.x or [None]), training.y, strict=False)
    dots = [(x, y) for x, y in data if x is not None and y is not None]
    xs, ys = [x for x, _ in dots] or [0.0], [y for _, y in dots] or [0.0]
    room = (max(ys) - min(ys) or 1) * 0.15
    low, high = min(ys) - room, max(ys) + room
    to_x = _scale(min(xs), max(xs), LEFT + 4, WIDTH - RIGHT - 4)
    to_y = _scale(low, high, *UPWARDS)
    curves = [
        piece
        for first in range(0, len(run.predictions), len(training.x) or 1)
        for piece in _pieces(_inside(training.x, run.predictions[first:], low, high), to_x, to_y)
    ]
    return Chart(
        curves,
        [(to_x(x), to_y(y)) for x, y in dots],
        [Tick(to_x(x), f"{x:.2g}") for x in (min(xs), (min(xs) + max(xs)) / 2, max(xs))],
        [Tick(to_y(y), f"{y:.2g}") for y in (min(ys), (min(ys) + max(ys)) / 2, max(ys))],
    )


def _inside(
    xs: Sequence[float | None], ys: Sequence[float | None], low: float, high: float
) -> list[Point]:
    """Return the points of a curve, with y limited to low and high."""
    points: list[Point] = [
        (x, min(max(y, low), high) if y is not None else None)
        for x, y in zip(xs, ys, strict=False)
        if x is not None
    ]
    return sorted(points, key=lambda point: point[0])


Scale = Callable[[float], float]


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    """Return a function that maps low..high to start..end, to a tenth of a pixel."""
    span = high - low or 1
    return lambda value: round(start + (value - low) / span * (end - start), 1)


def _pieces(points: Sequence[Point], to_x: Scale, to_y: Scale) -> list[str]:
    """Return a curve in pieces, broken at missing numbers."""
    pieces: list[list[str]] = [[]]
    for x, y in points:
        if y is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{to_x(x)},{to_y(y)}")
    return [" ".join(piece) for piece in pieces if piece]
