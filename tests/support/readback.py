"""A class's results for each student, read from each place that shows them."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import lxml.html

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Row(NamedTuple):
    """A student's points in index.html: `final` is what counts."""

    score: float
    final: float


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, with or without a byte-order mark."""
    text = path.read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def grades(results: Path) -> dict[str, dict[str, str]]:
    """Return grades.csv by student; each has one row."""
    rows = table(results / "grades.csv")
    by_student = {row["student"]: row for row in rows}
    assert len(by_student) == len(rows)
    return by_student


def finals(results: Path) -> dict[str, float]:
    """Return the final points of each student, from grades.csv."""
    return {student: float(row["final"]) for student, row in grades(results).items()}


def outcomes(results: Path) -> dict[str, dict[str, Any]]:
    """Return each result.json, by student."""
    return {
        path.parent.name: json.loads(path.read_bytes()) for path in results.glob("*/result.json")
    }


def index(results: Path) -> dict[str, Row]:
    """Return the students in index.html; if only score or final is shown, both are that."""
    page = lxml.html.parse(results / "index.html")
    (students,) = page.xpath("//table[@id='table']")
    keys = [head.get("data-key") for head in students.xpath("./thead//th")]
    rows = {}
    for row in students.xpath("./tbody/tr"):
        cells = dict(zip(keys, (cell.text_content().strip() for cell in row), strict=True))
        shown = [NUMBER.search(cells.get(key, "")) for key in Row._fields]
        score, final = [float(number[0]) if number else None for number in shown]
        assert cells["student"] not in rows
        rows[cells["student"]] = Row(
            final if score is None else score, score if final is None else final
        )
    return rows


def index_mean(results: Path) -> float:
    """Return the mean that index.html shows."""
    page = lxml.html.parse(results / "index.html")
    (shown,) = page.xpath("//dt[starts-with(normalize-space(), 'mean')]/following-sibling::dd[1]")
    return float(shown.text_content())


def page_head(results: Path, student: str) -> str:
    """Return the text of a student's page title and header."""
    page = lxml.html.parse(results / student / "feedback.html")
    return " ".join(part.text_content() for part in page.xpath("//title | //body/header"))


def exported_finals(path: Path) -> dict[str, float]:
    """Return the final points in a file of `export --to csv`; a student's rows all agree."""
    rows = table(path)
    by_student = {row["student"]: float(row["final"]) for row in rows}
    assert all(float(row["final"]) == by_student[row["student"]] for row in rows)
    return by_student
