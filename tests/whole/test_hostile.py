"""The hostile class, graded once under the limits of production, against its table.

Attacks are built around an honest submission: what it earns is what each may earn at the most.
"""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from conftest import GRADER, ROOT, criteria_of
from hostile import attacks, files, notebooks
from leftovers import assert_no_process, children, orphans_are_ours, shared
from times import PATIENCE

from grader.confined.confinement import LAYERS

HOSTILE = ROOT / "tests" / "hostile"
CONTROLS = ("ada_lindqvist.py", "loops_over_rows.py", "report_expressions.py", "sign_of_w1.py",
            "magics_everywhere.ipynb", "half_finished_notebook.ipynb")  # fmt: skip
NOT_CRITERIA = {"group", "submission", "status", "flags", "score", "hangs", "why"}
JOBS = 2
SEED = 987654321987654321987654321987654  # each gradebook would have a secret one of its own
# Planted where a thief might look. No result may hold one of them.
CANARIES = {name: f"canary-{name}-7f3a" for name in ("environment", "neighbour", "results")}

with (HOSTILE / "expected.csv").open(encoding="utf-8", newline="") as table:
    EXPECTED = [
        row
        for row in csv.DictReader(table)
        if row["submission"] != "device" or os.geteuid() == 0  # which only root can make
    ]


def build_controls(folder: Path) -> None:
    """Write honest submissions, with their well-known points, and a canary in one."""
    folder.mkdir()
    for name in CONTROLS:
        (folder / name).write_bytes((ROOT / "tests" / "submissions" / name).read_bytes())
    (folder / "neighbour.py").write_text(
        f"{attacks.part('honest')}\nSECRET = {CANARIES['neighbour']!r}\n"
    )


class Graded:
    """Runs of the grader with a temporary folder and results of their own."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self.results = folder / "results"
        self.temporary.mkdir()
        self.results.mkdir()
        (self.results / "notes.txt").write_text(CANARIES["results"])
        self.seconds = 0.0
        self.printed = ""
        self.errors = ""

    def grade(self, *paths: Path) -> None:
        command = [GRADER, "grade", *paths, "--out", self.results, "--jobs", JOBS]
        canary = {"GRADER_CANARY": CANARIES["environment"], "GRADER_SEED": str(SEED)}
        environment = {**os.environ, **canary, "TMPDIR": str(self.temporary)}
        started = time.monotonic()
        done = subprocess.run(
            list(map(str, command)),
            env=environment,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        self.seconds = time.monotonic() - started
        self.printed, self.errors = done.stdout, done.stderr
        assert done.returncode == 0, done.stderr

    @property
    def records(self) -> dict[str, dict]:
        paths = self.results.glob("*/result.json")
        return {path.parent.name: json.loads(path.read_bytes()) for path in paths}


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    build_controls(folder / "controls")
    (folder / "programs").mkdir()
    attacks.build(folder / "programs")
    notebooks.build(folder / "programs")
    files.build(folder / "files")
    return folder


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mode, path.lstat().st_size) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def hostile(classes, tmp_path_factory) -> Graded:
    """Grade the controls among all hostile submissions, and look at what that leaves."""
    graded = Graded(tmp_path_factory.mktemp("hostile"))
    before, others = shared(), children(os.getpid())
    submissions = tree(classes)
    with orphans_are_ours():
        graded.grade(classes / "controls", classes / "programs", classes / "files")
        assert_no_process(others)
    assert shared() <= before
    assert list(graded.temporary.iterdir()) == []
    assert tree(classes) == submissions
    assert "Traceback" not in graded.errors
    return graded


@pytest.fixture(scope="module")
def records(hostile) -> dict[str, dict]:
    return hostile.records


def test_the_table_has_every_hostile_submission_and_no_other(records):
    controls = {Path(name).stem for name in (*CONTROLS, "neighbour.py")}
    assert records.keys() == {*controls, *(row["submission"] for row in EXPECTED)}
    assert len(EXPECTED) >= 80
    assert {row["group"] for row in EXPECTED} == {*attacks.GROUPS, "notebooks", "files"}
    for group in attacks.GROUPS:
        on_disk = {path.stem for path in (HOSTILE / group).glob("*.py")}
        assert on_disk == {row["submission"] for row in EXPECTED if row["group"] == group}


@pytest.mark.parametrize("row", EXPECTED, ids=[row["submission"] for row in EXPECTED])
def test_each_earns_and_is_flagged_as_the_table_says(records, row):
    record = records[row["submission"]]
    if os.geteuid() != 0 and row["submission"] in files.AS_USER:
        assert (record["status"], record["score"]) == (files.AS_USER[row["submission"]], 0)
        return
    assert (record["status"], record["score"]) == (row["status"], float(row["score"]))
    points = {criterion["id"]: criterion["points"] for criterion in record["criteria"]}
    assert points == {name: float(row[name]) for name in row.keys() - NOT_CRITERIA}
    ids = dict.fromkeys(flag.partition(":")[0] for flag in record["flags"])
    assert " ".join(ids) == row["flags"]
    assert all(c["message"].isprintable() and c["message"] for c in record["criteria"])


def test_no_secret_is_in_any_result(hostile, records):
    for student, record in records.items():
        text = json.dumps(record, ensure_ascii=False)
        assert not any(canary in text for canary in CANARIES.values()), student
        assert str(SEED) not in text, student
        assert "stolen" not in text, student
    grades = (hostile.results / "grades.csv").read_text(encoding="utf-8-sig")
    assert not any(canary in grades for canary in CANARIES.values())


# What the submissions of the group "telling" spell numbers by: parts/words.py.
WORDS = {
    digit: "".join(
        chr(97 + byte % 26) for byte in hashlib.sha256(f"hidden-{digit}".encode()).digest()[:7]
    )
    for digit in range(10)
}
TELLING = [row["submission"] for row in EXPECTED if row["group"] == "telling"]


@pytest.mark.parametrize("student", TELLING)
def test_no_error_tells_a_hidden_number(hostile, records, student):
    """Neither in words that stand in no source, nor in more than three digits of any script."""
    told = [path.read_text(encoding="utf-8") for path in (hostile.results / student).iterdir()]
    for text in (*told, hostile.printed, hostile.errors):
        assert [word for word in WORDS.values() if word in text.lower()] == []
    messages = [c["message"] for c in records[student]["criteria"] if c["points"] == 0]
    assert [message for message in messages if re.search(r"\d{4}", message)] == []


def test_no_cell_of_the_table_begins_a_formula_whatever_parts_the_cells(hostile):
    text = (hostile.results / "grades.csv").read_text(encoding="utf-8-sig")
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            signs = [cell for cell in row if cell.strip()[:1] in {*"=+@\uff1d\uff0b\uff20"} - {""}]
            assert signs == [], separator


@pytest.mark.needs("root", "layers")
def test_every_worker_had_all_layers(records):
    """One that is lost for a whole run costs nobody a point here, and is seen nowhere else."""
    ran = {name: tuple(r["isolation"]) for name, r in records.items() if r["isolation"]}
    assert {name: layers for name, layers in ran.items() if layers != LAYERS} == {}
    assert ran.keys() >= {name for name, r in records.items() if r["status"] != "unreadable"}


def test_the_class_around_them_has_the_same_criteria_without_them(
    classes, hostile, tmp_path_factory
):
    alone = Graded(tmp_path_factory.mktemp("alone"))
    alone.grade(classes / "controls")
    without, among = criteria_of(alone.results), criteria_of(hostile.results)
    assert len(without) == len(CONTROLS) + 1
    assert without == {student: among[student] for student in without}


def test_the_run_takes_less_time_than_its_submissions_one_after_another(hostile, records):
    """None that hangs holds up the others; a ratio, which no other work on the machine changes.

    What sleeps or crashes is graded twice.
    """
    assert sum(row["hangs"] == "yes" for row in EXPECTED) >= 8
    assert hostile.seconds < 2 * sum(record["seconds"] for record in records.values())


def test_the_manual_counts_them_and_names_tests_that_exist():
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"`tests/hostile/` holds {len(EXPECTED)} submissions" in security.replace("\n", " ")
    for name in {*re.findall(r"\btest_\w+\.py\b", security)}:
        assert list((ROOT / "tests").rglob(name)), name
    for name in {*re.findall(r"`tests/hostile/([\w.]+)`", security)}:
        assert (HOSTILE / name).exists(), name
