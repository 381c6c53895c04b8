"""The corpus of student submissions, graded once by the command line, against its table."""

import csv
from pathlib import Path

import pytest
from conftest import criteria_of, run_grader
from corpus import CORPUS, EXPECTED, EXPECTED_MARKS, mark_of, records_in

SEED = 20261001202610012026100120261001  # each gradebook would have a secret one of its own
SECOND_FILE = "report_in_cells_network.ipynb"  # it is graded for its Net alone


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """Grade the corpus, two at a time."""
    results = tmp_path_factory.mktemp("corpus") / "results"
    done = run_grader("grade", CORPUS, "--out", results, "--jobs", 2, "--seed", SEED)
    assert done.returncode == 0, done.stderr
    (results.parent / "screen.txt").write_text(done.stdout, encoding="utf-8")
    return results


@pytest.fixture(scope="module")
def records(graded) -> dict[str, dict]:
    return records_in(graded)


@pytest.mark.parametrize("row", EXPECTED, ids=[row["submission"] for row in EXPECTED])
def test_every_submission_earns_what_the_table_says(records, row):
    assert mark_of(records[row["submission"]]) == EXPECTED_MARKS[row["submission"]]


@pytest.mark.parametrize("row", EXPECTED, ids=[row["submission"] for row in EXPECTED])
def test_what_cost_points_has_a_name_and_nothing_right_has_one(records, row):
    for criterion in records[row["submission"]]["criteria"]:
        lost = criterion["points"] < criterion["max_points"]
        assert lost or criterion["diagnosis"] is None
        if lost and row["diagnosis"] and not criterion["id"].startswith("train."):
            assert criterion["diagnosis"]


def test_only_those_that_use_autograd_are_flagged(records):
    flagged = {name for name, record in records.items() if record["flags"]}
    assert flagged == {"autograd_inside.py", "autograd_notebook.ipynb"}


def test_the_corpus_is_as_large_and_as_mixed_as_promised():
    kinds = [Path(row["submission"]).suffix for row in EXPECTED]
    assert len(kinds) >= 40
    assert abs(kinds.count(".py") - kinds.count(".ipynb")) <= 2
    on_disk = {path.name for path in CORPUS.rglob("*.*")} - {"expected.csv", SECOND_FILE}
    assert on_disk == {row["submission"] for row in EXPECTED}


def test_a_net_in_a_second_file_says_where_it_stands(records):
    criteria = {c["id"]: c for c in records["report_in_cells_gradients.ipynb"]["criteria"]}
    for name in ("net", "train.net"):
        assert criteria[name]["points"] == criteria[name]["max_points"]
        assert SECOND_FILE in criteria[name]["message"]


def test_another_run_with_other_jobs_gives_the_same_bytes(graded, tmp_path):
    # Those that take ten seconds are not among them.
    some = sorted(path for path in CORPUS.iterdir() if path.suffix in (".py", ".ipynb"))[1::6]
    done = run_grader("grade", *some, "--out", tmp_path / "again", "--jobs", 1, "--seed", SEED)
    assert done.returncode == 0, done.stderr
    first, second = criteria_of(graded), criteria_of(tmp_path / "again")
    assert len(second) == len(some)
    assert second.items() <= first.items()


@pytest.mark.parametrize("name", ["report_expressions.py", "report_expressions_notebook.ipynb"])
def test_the_reports_expressions_miss_only_the_sum_over_the_rows(records, name):
    by_id = {criterion["id"]: criterion for criterion in records[name]["criteria"]}
    for full in ("grad_w1", "grad_w2", "grad_b1.sample", "grad_b2.sample"):
        assert by_id[full]["points"] == by_id[full]["max_points"]
    for row in ("grad_b1.row", "grad_b2.row"):
        assert (by_id[row]["points"], by_id[row]["diagnosis"]) == (0, "rows_not_summed")
        assert "not summed over the rows" in by_id[row]["message"]


def test_the_screen_shows_scores_a_summary_and_where_the_results_lie(graded):
    screen = (graded.parent / "screen.txt").read_text(encoding="utf-8")
    assert f"{len(EXPECTED)} submissions in this run:" in screen
    assert "what the class did not get" in screen
    (flagged,) = (line for line in screen.splitlines() if line.startswith("autograd_inside"))
    assert flagged.split()[-1] == "autograd"
    assert "grades.csv" in screen


def test_grades_csv_has_a_row_a_submission_and_a_column_a_criterion(graded, rubric):
    with (graded / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["submission"] for row in rows] == sorted(r["submission"] for r in EXPECTED)
    head = ["student", "submission", "status", "score"]
    tail = ["loss_manual", "loss_net", "seconds", "attempt", "late_days", "final", "section"]
    assert list(rows[0]) == [*head, *rubric.points, *tail]
    for row in rows:
        assert float(row["score"]) == sum(float(row[name]) for name in rubric.points)
