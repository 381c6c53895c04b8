"""The tables of docs/handed-in.md are true: each input earns what its row says."""

import csv
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import ROOT

HANDED_IN = ROOT / "tests" / "handed_in"
PAGE = (ROOT / "docs" / "handed-in.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\|.*\| `(?P<input>[^`|]+)` \| (?P<number>\d+) \|$", re.MULTILINE)


class Row(NamedTuple):
    input: str
    number: int


def rows(part: str) -> list[Row]:
    return [Row(match["input"], int(match["number"])) for match in ROW.finditer(part)]


SINGLE, CLASSES = map(rows, PAGE.split("## Whole classes"))


@pytest.fixture(scope="module")
def scores(warm, tmp_path_factory) -> dict[str, float]:
    """The scores of all single inputs, which are graded as one class."""
    folder = tmp_path_factory.mktemp("table")
    for row in SINGLE:
        source = HANDED_IN / row.input
        if source.is_dir():
            shutil.copytree(source, folder / "class" / row.input)
        else:
            (folder / "class").mkdir(exist_ok=True)
            shutil.copy(source, folder / "class")
    graded = warm.run("grade", folder / "class", "--out", folder / "results", "--no-pages")
    assert graded.returncode == 0, graded.stderr
    return {row["student"]: float(row["score"]) for row in table_of(folder / "results")}


def table_of(results: Path) -> list[dict[str, str]]:
    text = (results / "grades.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("row", SINGLE, ids=lambda row: row.input)
def test_an_input_earns_what_the_page_says(scores, row):
    assert scores[Path(row.input).stem] == row.number


@pytest.mark.parametrize("row", CLASSES, ids=lambda row: row.input)
def test_a_class_has_the_students_that_the_page_says(warm, untrained, tmp_path, row):
    out = tmp_path / "results"
    done = warm.run("grade", HANDED_IN / row.input, "--out", out, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    assert len(table_of(out)) == row.number


def test_the_page_has_rows():
    assert (len(SINGLE), len(CLASSES)) == (23, 4)
