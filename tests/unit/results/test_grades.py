"""grades.csv: the columns of ever first, then what counts, and names that are no formulas."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from books import DUE, LATE, add, assignment, days, entry, final_of, opened, override, record, sizes
from finals import final_of as made_up
from msgspec.structs import replace

from grader.gradebook import GradebookError, default_url
from grader.lms.sheets import read_rows
from grader.results.record import GRADES, Final, TrainingResult, write_grades

RUNS = ["manual", "net"]
NAMES = ["ada", "=1+1", "'=1+1", "''", "'t Hooft", "-x", "@x", 'a, "b"', "\u00e4", "'"]


def rows(results: Path) -> list[list[str]]:
    with (results / GRADES).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_the_table_has_the_columns_of_ever_first_and_then_what_counts(tmp_path):
    with opened(default_url(tmp_path), assignment(LATE)) as book:
        add(book, entry(record(a=30)), entry(record(content="two"), DUE + days(2)))
        override(book, criterion="b", points=20)
        write_grades(book.finals(), ["a", "b", "new"], RUNS, tmp_path)
    head, row = rows(tmp_path)
    assert " ".join(head[:10]) == (
        "student submission status score a b new loss_manual loss_net seconds"
    )
    assert head[10:] == ["attempt", "late_days", "final", "section"]
    # The score and the criteria are with what was set by hand, `final` is after the penalty.
    assert ",".join(row) == "ada,two.py,graded,80,60,20,,0.1,,0.250,2,2,64,"


@pytest.mark.parametrize("losses", [{"descent": 0.123}, {}])
def test_a_homework_names_its_training_runs_itself(tmp_path, losses):
    """There may be one, or none."""
    graded = replace(record(), training=TrainingResult(losses, 0.3))
    with opened(default_url(tmp_path)) as book:
        add(book, entry(graded))
        write_grades(book.finals(), ["a", "b"], list(losses), tmp_path)
    assert sizes(default_url(tmp_path))["losses"] == len(losses)
    head, row = rows(tmp_path)
    shown = {name: cell for name, cell in zip(head, row, strict=True) if "loss" in name}
    assert shown == {f"loss_{run}": "0.12" for run in losses}


def test_what_is_set_by_hand_as_a_whole_is_final_and_no_criterion(tmp_path):
    with opened(default_url(tmp_path), assignment(LATE)) as book:
        add(book, entry(record(), DUE + days(2)))
        override(book, points=95.5)
        write_grades([final_of(book)], ["a", "b"], RUNS, tmp_path)
    _, row = rows(tmp_path)
    assert ",".join(row) == "ada,one.py,graded,100,60,40,0.1,,0.250,1,2,95.5,"


def test_a_section_is_in_the_table_and_no_formula(tmp_path):
    write_grades(
        [made_up(record(), section=section) for section in ("B", "=1+1")], [], RUNS, tmp_path
    )
    assert [row[-1] for row in rows(tmp_path)] == ["section", "B", "'=1+1"]


def test_names_in_the_table_are_no_formulas_and_are_read_as_they_were(tmp_path):
    write_grades([made_up(record(name, name)) for name in NAMES], ["a", "b"], RUNS, tmp_path)
    read = read_rows(tmp_path / GRADES, ["student", "submission"])
    assert [row.cells["student"] for row in read] == NAMES
    assert [row.cells["submission"] for row in read] == [f"{name}.py" for name in NAMES]
    assert not any(row[0].startswith(("=", "+", "-", "@")) for row in rows(tmp_path))


def test_a_table_that_cannot_be_finished_stays_as_it_was(tmp_path):
    def failing() -> Iterator[Final]:
        yield made_up(record())
        raise GradebookError("the database is gone")

    write_grades([made_up(record())], ["a", "b"], RUNS, tmp_path)
    before = (tmp_path / GRADES).read_bytes()
    with pytest.raises(GradebookError):
        write_grades(failing(), ["a", "b"], RUNS, tmp_path)
    assert (tmp_path / GRADES).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {GRADES}
