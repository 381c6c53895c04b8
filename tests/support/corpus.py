"""The sample class and its table: each submission's points, wherever it is graded."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

CORPUS = Path(__file__).parents[1] / "submissions"
with (CORPUS / "expected.csv").open(encoding="utf-8", newline="") as table:
    EXPECTED = list(csv.DictReader(table))
NOT_CRITERIA = {"submission", "score", "status", "diagnosis", "why"}


class Mark(NamedTuple):
    """Results that may depend only on the submission, the rubric and the seed."""

    points: dict[str, float]
    score: float
    status: str
    diagnoses: set[str]


def mark_in(row: dict[str, str]) -> Mark:
    """Return the mark in a row of expected.csv."""
    points = {name: float(row[name]) for name in row.keys() - NOT_CRITERIA}
    return Mark(points, float(row["score"]), row["status"], set(row["diagnosis"].split()))


def mark_of(record: dict) -> Mark:
    """Return the mark in a result.json."""
    criteria = record["criteria"]
    points = {criterion["id"]: criterion["points"] for criterion in criteria}
    diagnoses = {criterion["diagnosis"] for criterion in criteria} - {None}
    return Mark(points, record["score"], record["status"], diagnoses)


def records_in(results: Path) -> dict[str, dict]:
    """Return the records in a results folder by the submission's file."""
    records = map(json.loads, (path.read_bytes() for path in results.glob("*/result.json")))
    return {record["submission"]: record for record in records}


EXPECTED_MARKS = {row["submission"]: mark_in(row) for row in EXPECTED}


def differences(results: Path) -> dict[str, tuple[Mark, Mark]]:
    """Return the submissions with a mark other than the table's: theirs, and the table's."""
    marks = {name: mark_of(record) for name, record in records_in(results).items()}
    pairs = {name: (marks[name], mark) for name, mark in EXPECTED_MARKS.items() if name in marks}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


# Mistakes that are a mere factor, which no expression of the catalogue makes.
FACTORS = {"sign": -1.0, "factor_two_missing": 0.5, "factor_two_doubled": 2.0}
