"""The results of `grader calibrate`: a table in Markdown, a plot, and a sentence."""

import io
import math
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

from grader.grading.launch import EMPTY
from grader.rubric import Rubric
from grader.rubric.measurement import Measurement
from grader.util.atomic import EVERYBODY, write_atomically

with chdir(EMPTY):  # matplotlib reads a matplotlibrc in the current folder
    from matplotlib.figure import Figure

TABLE, PLOT = "calibration.md", "calibration.png"
COLOURS = {"pass": "tab:green", "fail": "tab:red", None: "tab:gray"}
LABELS = {"pass": "must pass", "fail": "must fail", None: "may do either"}
HEADING = "| gradients | must | pass | least loss / Var(y) | median | most |"


def write_calibration(measurements: Sequence[Measurement], rubric: Rubric, out: Path) -> list[Path]:
    """Write the table and the plot below `out`; return their paths."""
    write_atomically(out / TABLE, table_of(measurements, rubric), EVERYBODY)
    write_atomically(out / PLOT, _plot(measurements), EVERYBODY)
    return [out / TABLE, out / PLOT]


def table_of(measurements: Sequence[Measurement], rubric: Rubric) -> str:
    """Return the measurements as Markdown: a paragraph on the runs, and one row per network."""
    training, runs = rubric.training, len(measurements[0].shares)
    about = (
        f"{runs} runs each, from the data and parameters of the seeds 0 to {runs - 1}: "
        f"{rubric.package.described(rubric)}, "
        f"{training.steps} steps at a learning rate of {training.learning_rate:g}. "
        f"A run passes whose loss ends at {training.pass_fraction:.3g} Var(y) or below."
    )
    rows = map(_row, measurements)
    return "\n".join([about, "", HEADING, "|---|---|---|---|---|---|", *rows]) + "\n"


def _row(measurement: Measurement) -> str:
    network, shares = measurement.network, measurement.shares
    extremes = (min(shares), measurement.median, max(shares))
    count = f"{measurement.passed} of {len(shares)}"
    return f"| {' | '.join([network.what, network.must or '', count, *map(_share, extremes)])} |"


def verdict_on(measurements: Sequence[Measurement]) -> str:
    """Return a line that says whether the pass mark tells right from wrong."""
    if faults := [each for each in measurements if not each.holds]:
        reasons = "; ".join(
            f"{each.network.what}: {each.passed} of {len(each.shares)} pass, "
            f"{'all' if each.network.must == 'pass' else 'none'} should"
            for each in faults
        )
        return f"The pass mark does not tell right from wrong: {reasons}."
    right = next(each for each in measurements if each.network.must == "pass")
    best_wrong = min(min(each.shares) for each in measurements if each.network.must == "fail")
    return (
        f"The pass mark of {right.pass_fraction:.3g} Var(y) holds: all {len(right.shares)} right "
        f"runs end at {_share(max(right.shares))} or below, all that must fail at "
        f"{_share(best_wrong)} or above."
    )


def _share(share: float) -> str:
    return f"{share:.3g}" if math.isfinite(share) else "diverged"


def _plot(measurements: Sequence[Measurement]) -> bytes:
    """Draw one row per network and one stroke per run, at its loss / Var(y) or the edge."""
    edge = 2 * max(share for each in measurements for share in each.shares if math.isfinite(share))
    figure = Figure(figsize=(9, 0.36 * len(measurements) + 1.3), layout="constrained")
    axes = figure.subplots()
    for row, each in enumerate(measurements):
        colour = COLOURS[each.network.must]
        finite = [share for share in each.shares if math.isfinite(share)]
        axes.plot(finite, [row] * len(finite), "|", color=colour, markersize=11, alpha=0.5)
        if len(finite) < len(each.shares):
            axes.plot([edge], [row], ">", color=colour, markersize=7)
    mark = measurements[0].pass_fraction
    axes.axvline(mark, color="black", linewidth=1)
    axes.text(mark, -0.9, " pass mark", fontsize=9, va="center")
    axes.set_xscale("log")
    axes.set_xlabel("loss / Var(y) after training; ▶ some diverged")
    axes.set_yticks(
        range(len(measurements)), [each.network.what.replace("`", "") for each in measurements]
    )
    axes.set_ylim(len(measurements) - 0.5, -1.4)
    axes.grid(axis="x", alpha=0.3)
    for must, label in LABELS.items():
        axes.plot([], [], "s", color=COLOURS[must], label=label)
    figure.legend(loc="outside upper right", ncols=len(LABELS), fontsize=8)  # covers no run
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=110, metadata={"Software": None})
    return image.getvalue()
