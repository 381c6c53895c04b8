"""A class of 300 over a term, on the command line, and its final marks computed by pandas.

Everybody hands in three times, by Brightspace; some have an extension, some have something set by
hand, and the rubric is changed before the last hand-in. What the commands make of it must be what
pandas makes of the same tables, which knows nothing of the grader.
"""

import csv
import random
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

ROOT = Path(__file__).parents[2]
RUBRIC = ROOT / "grader" / "homework" / "rubric.toml"
GRADER = Path(sys.executable).with_name("grader")
CORPUS = ROOT / "tests" / "submissions"
SOURCES = (
    "half_finished.py",
    "mean_for_sum.py",
    "numpy_detour.py",
    "residual_reversed.py",
    "sign_of_w1.py",
    "sums_always.py",
    "syntax_error.py",
)
UNTRAINED = ("train.manual", "train.net")
ROUNDS = 3

DAY = timedelta(days=1)
DUE = datetime.fromisoformat("2026-10-31T23:59:00+01:00")
EXTENDED = DUE + 3 * DAY
# Before, and from the change on: weights of criteria and the policies.
FIRST = {"grad_w1": 14.0, "percent": 10.0, "most": 50.0}
THEN = {"grad_w1": 40.0, "percent": 5.0, "most": 30.0}

Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Size:
    """How many students, overrides and extensions; `distinct`: no two hand in the same bytes."""

    students: int
    overrides: int
    extensions: int
    distinct: bool


@dataclass
class Term:
    """What happened, as tables: of hand-ins, of what was set by hand, and of extensions."""

    hand_ins: list[dict[str, object]] = field(default_factory=list)
    by_hand: list[dict[str, object]] = field(default_factory=list)
    extended: list[str] = field(default_factory=list)


def happen(size: Size) -> Term:
    """Make up a term; the same each time."""
    chance, term = random.Random(300), Term()
    students = [f"Student {number:03}" for number in range(size.students)]
    for number, student in enumerate(students):
        for round_, source in enumerate(chance.sample(SOURCES, ROUNDS)):
            minutes = chance.randrange(0, 2 * 24 * 60)
            moment = DUE - 3 * DAY + round_ * 2 * DAY + timedelta(minutes=minutes)
            term.hand_ins.append(
                {"student": student, "id": 1000 + number, "round": round_, "source": source}
                | {"moment": moment, "comment": f"# {student}" if size.distinct else ""}
            )
    chosen = chance.sample(students, size.overrides + size.extensions)
    term.extended = chosen[: size.extensions]
    kinds = [{"whole": 55.5}, {"criterion": "net", "points": 7.0}, {"days": 0.0}, {"days": 1.0}]
    for number, student in enumerate(chosen[size.extensions :]):
        what = kinds[number % len(kinds)]
        term.by_hand.append({"student": student, "round": chance.randrange(ROUNDS), **what})
    return term


# On the command line.


def play(term: Term, folder: Path, run: Run) -> Path:
    """Let a course do what happened, and return its results."""
    results = folder / "results"
    first = write_rubric(folder / "first.toml", FIRST)
    then = write_rubric(folder / "then.toml", THEN)
    where = ("--results", results, "--why", "x", "--who", "W")
    for round_ in range(ROUNDS):
        download = write_download(folder / f"download{round_}.zip", term, round_)
        said = ("--rubric", first) if round_ == 0 else ()
        do(run, "grade", download, "--out", results, *said)
        if round_ == 0:
            for student in term.extended:
                do(run, "override", student, "--until", EXTENDED.isoformat(), *where)
        for change in term.by_hand:
            if change["round"] == round_:
                do(run, "override", change["student"], *options_of(change), *where)
        if round_ == 1:
            do(run, "settings", results, "--rubric", then)
    return results


def do(run: Run, *arguments: object) -> None:
    done = run(*arguments)
    if done.returncode:
        raise SystemExit(f"{arguments}: {done.stdout}{done.stderr}")


def options_of(change: dict[str, object]) -> list[object]:
    """Return what to type for it."""
    if "whole" in change:
        return [change["whole"]]
    if "points" in change:
        return [change["points"], "--criterion", change["criterion"]]
    return ["--late-days", change["days"]]


def write_rubric(path: Path, values: dict[str, float]) -> Path:
    """Write the grader's rubric without trainings, with a due date and these values."""
    lines = {
        **{f'"{name}"': "false" for name in UNTRAINED},
        '"grad_w1"': values["grad_w1"],
        "due": f'"{DUE.isoformat()}"',
        "percent_per_day": values["percent"],
        "most_percent": values["most"],
    }
    text = []
    for line in RUBRIC.read_text(encoding="utf-8").splitlines():
        key = line.partition(" = ")[0]
        text.append(f"{key} = {lines[key]}" if key in lines else line)
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def write_download(path: Path, term: Term, round_: int) -> Path:
    """Write what Brightspace gives after a round: all that was handed in so far."""
    with ZipFile(path, "w") as archive:
        archive.writestr("index.html", "")
        for row in term.hand_ins:
            if row["round"] <= round_:
                moment = row["moment"]
                when = f"{moment:%b} {moment.day}, {moment:%Y %H%M}"
                name = f"{row['id']}-67890 - {row['student']} - {when}/homework.py"
                text = (CORPUS / row["source"]).read_text(encoding="utf-8") + row["comment"]
                archive.writestr(name, text)
    return path


# By pandas.


def compute(term: Term) -> pd.DataFrame:
    """Return attempt, days late, score and final points of each student, in force at the end."""
    table = pd.DataFrame(term.hand_ins).drop(columns=["id", "comment"])
    points = pd.Series(tomllib.loads(RUBRIC.read_text())["points"])
    earned = pd.read_csv(CORPUS / "expected.csv", index_col="submission")[points.index] / points
    points = points.drop(list(UNTRAINED)).astype(float)
    points["grad_w1"] = THEN["grad_w1"]
    table = table.join(earned[points.index] * points, on="source")
    by_hand = pd.DataFrame(
        term.by_hand, columns=["student", "round", "whole", "criterion", "points", "days"]
    )
    by_hand = by_hand.set_index("student")

    due = table.student.map(dict.fromkeys(term.extended, EXTENDED)).fillna(DUE)
    beyond = pd.to_datetime(table.moment, utc=True) - pd.to_datetime(due, utc=True)
    table["late"] = (-(-beyond // pd.Timedelta(days=1))).clip(lower=0).astype(float)
    days = by_hand.days.dropna()
    set_ = table.student.map(days)
    meant = set_.notna() & (table["round"] <= table.student.map(by_hand["round"]))
    latest = table.late.where(meant).groupby(table.student).transform("max")
    no_later = table.late.combine(set_, min)
    table.loc[meant, "late"] = set_.where(table.late == latest, no_later)[meant]

    table["left"] = penalised(table[points.index].sum(axis=1), table.late)
    table["attempt"] = table["round"] + 1
    best = table.sort_values(["left", "attempt"], ascending=[False, True])
    best = best.drop_duplicates("student").set_index("student").sort_index()
    for criterion, some in by_hand.dropna(subset="points").groupby("criterion"):
        best.loc[some.index, criterion] = some.points
    best["score"] = best[points.index].sum(axis=1)
    best["final"] = penalised(best.score, best.late)
    whole = by_hand.whole.dropna()
    best.loc[whole.index, "final"] = whole
    return best[["attempt", "late", "score", "final"]]


def penalised(scores: pd.Series, late: pd.Series) -> pd.Series:
    percent = (late * THEN["percent"]).clip(upper=THEN["most"])
    return (scores * (100 - percent) / 100).round(2)


# Both.


def differences(results: Path, expected: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each number of grades.csv that is not what it should be."""
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        found = {row["student"]: row for row in csv.DictReader(file)}
    for student in sorted(found.keys() ^ set(expected.index)):
        yield f"{student}: in one of both only"
    for student, row in expected.iterrows():
        for column, name in {"late": "late_days"}.items() | {
            (column, column) for column in ("attempt", "score", "final")
        }:
            value = float(found[student][name]) if student in found else float("nan")
            if not abs(value - row[column]) < 0.0051:
                yield f"{student}: {name} is {value}, and pandas has {row[column]}"


def drill(size: Size, folder: Path, run: Run) -> list[str]:
    """Return what differs."""
    term = happen(size)
    return list(differences(play(term, folder, run), compute(term)))


def run_grader(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(GRADER), *map(str, arguments)], capture_output=True, text=True)


def main() -> int:
    """Run the drill and print what differs."""
    size = Size(students=300, overrides=40, extensions=20, distinct=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = drill(size, Path(folder), run_grader)
    for line in lines:
        print(line)
    print(f"{size}: {len(lines)} differences, {time.monotonic() - started:.0f} s")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
