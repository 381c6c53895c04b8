"""A class of file and archive faults through the command line, against its table."""

import csv
import json
import os
from pathlib import Path

import pytest
from conftest import run_grader
from hostile import files

TABLE = Path(files.__file__).with_name("expected_files.csv")
with TABLE.open(encoding="utf-8", newline="") as table:
    EXPECTED = [
        row
        for row in csv.DictReader(table)
        if row["submission"] != "device" or os.geteuid() == 0  # which only root can make
    ]
NOT_CRITERIA = {"submission", "status", "flags", "score", "why"}


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mode, path.lstat().st_size) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("files")
    files.build(folder / "a" / "b" / "class")
    before = tree(folder)
    results = tmp_path_factory.mktemp("results") / "results"
    done = run_grader("grade", folder / "a" / "b" / "class", "--out", results, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert tree(folder) == before
    return {p.parent.name: json.loads(p.read_bytes()) for p in results.glob("*/result.json")}


def test_every_fault_has_a_record_and_no_other(records):
    assert records.keys() == {row["submission"] for row in EXPECTED}


@pytest.mark.parametrize("row", EXPECTED, ids=[row["submission"] for row in EXPECTED])
def test_every_fault_earns_what_the_table_says(records, row):
    record = records[row["submission"]]
    if os.geteuid() != 0 and row["submission"] in files.AS_USER:
        assert (record["status"], record["score"]) == (files.AS_USER[row["submission"]], 0)
        return
    assert (record["status"], record["score"]) == (row["status"], float(row["score"]))
    points = {criterion["id"]: criterion["points"] for criterion in record["criteria"]}
    assert points == {name: float(row[name]) for name in row.keys() - NOT_CRITERIA}
    assert record["flags"] == row["flags"].split()
    if row["status"] == "unreadable":
        (message,) = {criterion["message"] for criterion in record["criteria"]}
        assert "\n" not in message
