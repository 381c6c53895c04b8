"""The command line as its users run it: processes, files, exit codes, one line for bad input."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import GRADER, ROOT, run_grader
from leftovers import children, descendants
from times import PATIENCE
from worth import MAX_SCORE, out_of

SOLUTION = ROOT / "solution" / "homework.py"


def record_of(results: Path, student: str) -> dict:
    return json.loads((results / student / "result.json").read_bytes())


# A class of everything, graded once

SPIES = {
    "argv": "(sys.orig_argv, sys.argv, dict(os.environ), os.environb)",
    "processors": "os.sched_getaffinity(0)",
    "modules": "sorted({n.removeprefix('grader.') for n in sys.modules if n.startswith('grader.')"
    " and n.split('.')[1] not in ('confined', 'source', 'student_code')})",
}
NO_TEXT = b"\xff\n.py"
FORMULA = "=HYPERLINK(1).py"
SEED = 42424242424242424242424242424242


def write_class(folder: Path) -> Path:
    """Write right submissions, one of each kind that cannot be graded, spies and odd names."""
    folder.mkdir()
    for suffix in (".py", ".ipynb"):
        shutil.copy(SOLUTION.with_suffix(suffix), folder / f"right_{suffix[1:]}{suffix}")
    (folder / "two_files").mkdir()
    shutil.copy(SOLUTION, folder / "two_files")
    shutil.copy(ROOT / "assignment" / "homework.ipynb", folder / "two_files")
    (folder / "corrupt.ipynb").write_text('{"cells": [{"cell_type": "code", "sour')
    (folder / "empty.py").write_bytes(b"")
    (folder / "homework.py").mkdir()
    (folder / "dangling.py").symlink_to(folder / "nowhere.py")
    (folder / "no_submission").mkdir()
    os.mkfifo(folder / "fifo.py")
    (folder / "syntax.py").write_text("def forward(x, params:\n")
    (folder / "notes.py").write_text("'nothing of the homework'\n")
    for name, expression in SPIES.items():
        spy = f"import os, sys\nraise ValueError({expression})\n"  # while it is loaded
        (folder / f"spy_{name}.py").write_text(spy)
    (folder / FORMULA).write_text("x = 1\n")
    with open(os.path.join(os.fsencode(folder), NO_TEXT), "wb") as file:
        file.write(b"x = 1\n")
    return folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """Grade the class with a secret and the seed in the environment; return class and results."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "results" / "earlier").mkdir(parents=True)
    (folder / "results" / "earlier" / "result.json").write_text("{}")
    command = [str(GRADER), "grade", str(write_class(folder / "class"))]
    command += ["--out", str(folder / "results")]
    environment = {**os.environ, "GRADER_SECRET": "tell-nobody", "GRADER_SEED": str(SEED)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def results(graded) -> Path:
    return graded / "results"


@pytest.mark.parametrize("suffix", ["py", "ipynb"])
def test_the_solution_earns_everything(results, suffix):
    record = record_of(results, f"right_{suffix}")
    assert (record["score"], record["status"], record["notes"]) == (MAX_SCORE, "graded", [])
    assert all(c["message"] and c["points"] == c["max_points"] for c in record["criteria"])


def test_result_json_has_the_fields_of_the_contract(results, rubric):
    record = record_of(results, "right_py")
    assert set(record) >= {
        "schema", "student", "submission", "sha256", "status", "score", "max_score", "criteria",
        "training", "flags", "isolation", "seconds", "grader_version", "attempt", "attempts",
        "handed_in", "told_by", "due", "late_days", "penalty", "final", "by_hand",
    }  # fmt: skip
    assert [c["id"] for c in record["criteria"]] == list(rubric.points)
    assert record["schema"] == 3
    assert record["max_score"] == record["final"] == MAX_SCORE
    assert set(record["criteria"][0]) == {
        "id", "points", "max_points", "error", "message", "diagnosis", "reasons", "map",
    }  # fmt: skip
    training = record["training"]
    assert max(training["losses"].values()) <= training["pass_mark"] < 0.02


def test_no_file_but_the_gradebook_tells_the_seed(results):
    told = [path for path in results.rglob("*") if path.is_file() and holds_seed(path)]
    assert {path.name for path in told} <= {"gradebook.db", "gradebook.db-wal"}


def holds_seed(path: Path) -> bool:
    return str(SEED).encode() in path.read_bytes()


def test_another_seed_is_other_cases_and_the_solution_holds_on_them(warm, results, tmp_path):
    done = warm.run("grade", SOLUTION, "--out", tmp_path, "--seed", SEED + 1, "--no-pages")
    assert done.returncode == 0, done.stderr
    one, other = record_of(results, "right_py"), record_of(tmp_path, "solution")
    assert other["score"] == MAX_SCORE
    assert one["training"] != other["training"]
    assert one["criteria"] != other["criteria"]


def test_bad_submissions_have_a_status_each_and_cost_the_rest_nothing(results):
    records = {p.parent.name: json.loads(p.read_bytes()) for p in results.glob("*/result.json")}
    statuses = {student: record["status"] for student, record in records.items() if record}
    bad = {
        "corrupt": "unreadable",
        "empty": "unreadable",
        "homework": "unreadable",  # a folder of that name with .py added
        "dangling": "unreadable",
        "no_submission": "unreadable",
        "fifo": "unreadable",
        "syntax": "failed",
        "notes": "failed",
    }
    assert bad.items() <= statuses.items()
    for student in bad:
        assert records[student]["score"] == 0
        assert all(c["message"] for c in records[student]["criteria"])
    assert "does not parse (syntax.py, line 1)" in records["syntax"]["criteria"][0]["message"]
    assert "line 1" in records["syntax"]["criteria"][0]["message"]


def test_the_better_of_two_candidates_counts(results):
    record = record_of(results, "two_files")
    assert (record["score"], record["submission"]) == (MAX_SCORE, "homework.py")


def test_what_was_written_before_stays(results):
    assert (results / "earlier" / "result.json").read_text() == "{}"


def test_json_is_the_records_and_nothing_else(graded, tmp_path):
    out = shutil.copytree(graded / "results", tmp_path / "results")  # in which it is known
    submission = graded / "class" / "right_py.py"
    done = run_grader("grade", submission, "--out", out, "--seed", SEED, "--format", "json")
    (record,) = json.loads(done.stdout)
    assert record == record_of(out, "right_py")


def spied(results: Path, name: str) -> str:
    return record_of(results, f"spy_{name}")["notes"][0]["text"]


def test_the_grading_process_has_a_bare_command_line_and_environment(results):
    """What a worker inherits: neither the seed nor a secret of the environment."""
    message = spied(results, "argv")
    assert "grader.grading.process" in message
    assert str(SEED) not in message
    assert "tell-nobody" not in message


def test_a_worker_has_a_processor_to_itself(results):
    assert re.search(r"ValueError: \{\d+\}", spied(results, "processors"))


def test_a_worker_finds_nothing_of_the_scorer_in_its_memory(results):
    message = spied(results, "modules")
    known = ["errors", "grading", "scoring", "scoring.workers", "util", "util.bulk", "util.clocks"]
    assert message == f"ValueError: {known}"


def test_a_file_name_that_is_no_text_is_shown_as_far_as_it_goes(results):
    records = [json.loads(path.read_bytes()) for path in results.glob("*/result.json")]
    names = [record["submission"] for record in records if record]
    assert "\ufffd\ufffd.py" in names


def test_a_file_name_cannot_be_a_formula_in_the_table(results):
    rows = (results / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    (row,) = (row for row in rows if "HYPERLINK" in row)
    assert row.startswith(f"'{FORMULA.removesuffix('.py')},'{FORMULA},")


# Arguments, exit codes and interrupts

UNUSABLE = [
    (["grade", "no/such/path", "--out", "{out}"], "no/such/path"),
    (["grade", "{empty}", "--out", "{out}"], "{empty}"),
    (["grade", "{nothing}", "--out", "{out}"], "{nothing}"),
    (["grade", "{solution}", "no/such/path", "--out", "{out}"], "no/such/path"),
    (["grade", "{solution}", "--out", "{file}"], "{file}"),
    (["grade", "{solution}"], "--out"),
    (["grade", "{solution}", "--out", "{out}", "--jobs", "0"], "--jobs"),
    (["grade", "{solution}", "--out", "{out}", "--format", "xml"], "--format"),
    (
        ["grade", "{solution}", "--out", "{out}", "--fail-under", "nan"],
        "--fail-under must be a number of points",
    ),
    (["check", "no/such/file.py"], "no/such/file.py"),
    (["check", "{solution}", "--only", "grad_w3"], "nothing is called 'grad_w3'"),
    (["check", "{corrupt}"], "corrupt.ipynb is broken"),
    (["validate", "--rubric", "{file}"], "{file}"),
    (["calibrate", "--rubric", "{file}"], "{file}"),
    (["new-variant", "{out}", "--activation", "step"], "no activation is called 'step'"),
    (["new-variant", "{out}", "--target", "x.exp()"], "is not understood"),
    (["release", "--root", "{out}", "--students", "{file}"], "{file}"),
    (["grade", "{solution}", "--out", "{out}", "--students", "{file}"], "{file}"),
    (["grade", "{solution}", "--out", "{out}", "--times", "{file}"], "{file}"),
    (["settings", "{out}"], "{out}: no gradebook.db in it"),
    (
        ["settings", "{out}", "--dry-run"],
        "--dry-run shows what a change would do: add the option to change",
    ),
    (
        ["settings", "{out}", "--seed", str(SEED), "--new-seed"],
        "give --seed or --new-seed, not both",
    ),
    (["regrade", "--all", "--results", "{out}"], "{out}: no gradebook.db in it"),
    (["forget", "ada", "--results", "{out}"], "{out}: no gradebook.db in it"),
]


@pytest.mark.parametrize(("arguments", "says"), UNUSABLE)
def test_unusable_arguments_are_one_clear_line_and_exit_2(warm, tmp_path, arguments, says):
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing" / "notes.txt").write_text("nothing to grade")
    (tmp_path / "file.py").write_text("x = 1\n")
    (tmp_path / "corrupt.ipynb").write_text('{"cells": [')
    names = {
        "out": tmp_path / "out",
        "empty": tmp_path / "empty",
        "nothing": tmp_path / "nothing",
        "file": tmp_path / "file.py",
        "corrupt": tmp_path / "corrupt.ipynb",
        "solution": SOLUTION,
    }
    done = warm.run(*(argument.format(**names) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert says.format(**names) in done.stderr.replace("\n", "")
    if "Usage:" not in done.stderr:
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_exit_code_tells_a_score_under_the_mark(warm, tmp_path):
    stub = ROOT / "assignment" / "homework.py"
    under = warm.run("grade", SOLUTION, stub, "--out", tmp_path, "--fail-under", 60)
    passed = warm.run("grade", SOLUTION, "--out", tmp_path, "--fail-under", MAX_SCORE)
    assert (under.returncode, passed.returncode) == (1, 0)  # of those that are graded now


SLEEPER = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass\n"


def test_an_interrupted_class_keeps_what_was_graded(tmp_path):
    folder, out = tmp_path / "class", tmp_path / "out"
    folder.mkdir()
    shutil.copy(SOLUTION, folder / "a_good.py")
    for name in ("b_hangs", "c_hangs"):  # the submission that lies ready may be graded first
        (folder / f"{name}.py").write_text(SLEEPER)
    command = [str(GRADER), "grade", str(folder), "--out", str(out), "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while not (out / "a_good" / "result.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    graded = int(re.search(r"interrupted: ([12]) of 3 graded", errors)[1])
    assert "Traceback" not in errors
    assert record_of(out, "a_good")["score"] == MAX_SCORE
    rows = (out / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 1 + graded


def has_loaded(pid: int, library: str) -> bool:
    return library in Path(f"/proc/{pid}/maps").read_text()


MOMENTS = [
    ("torch loads", lambda pid: any(has_loaded(p, "libtorch") for p in children(pid))),
    ("matplotlib loads", lambda pid: any(has_loaded(p, "matplotlib") for p in children(pid))),
    ("a zygote is there", lambda pid: descendants(pid, 3)),
    ("a worker is there", lambda pid: descendants(pid, 4)),
]


@pytest.mark.parametrize(("name", "has_come"), MOMENTS)
def test_an_interrupt_at_any_moment_is_one_line(name, has_come):
    command = [str(GRADER), "validate"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    deadline = time.monotonic() + PATIENCE
    while not has_come(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (130, b"grader: interrupted\n")


WITHOUT_UNIX = """
import importlib.abc, os, signal, sys
class NotOnWindows(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"resource", "fcntl", "pwd", "grp", "landlockpy", "seccompy"}:
            raise ImportError(f"not on Windows: {name}")
sys.meta_path.insert(0, NotOnWindows())
for name in ("setitimer", "SIGALRM", "ITIMER_REAL"):
    delattr(signal, name)
for name in ("fork", "sched_getaffinity", "memfd_create", "setsid"):
    delattr(os, name)
sys.argv = ["grader", *sys.argv[1:]]
from grader.commands.cli import main
main()
"""


def test_check_needs_nothing_of_unix():
    environment = {**os.environ, "USERNAME": "student"}  # Windows has it, and torch asks for it
    command = [sys.executable, "-c", WITHOUT_UNIX, "check", str(SOLUTION)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert out_of(MAX_SCORE) in done.stdout


def test_help_lists_the_commands_without_torch():
    program = "import sys; sys.argv = ['grader', '--help']\nfrom grader.commands.cli import main\n"
    program += "try:\n    main()\nfinally:\n    assert 'torch' not in sys.modules\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("grade", "check", "validate", "release"))


def test_results_within_the_class_folder_are_no_submission(warm, tmp_path):
    (tmp_path / "ada.py").write_text("x = 1\n")
    for _ in range(2):
        done = warm.run("grade", ".", "--out", "results", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "results").iterdir() if path.is_dir()] == ["ada"]


@pytest.mark.parametrize(("python", "said"), [("3.2", True), (None, False)])
def test_another_python_than_students_were_told_of_is_said(warm, tmp_path, python, said):
    rubric, homework = tmp_path / "rubric.toml", tmp_path / "ada.py"
    rubric.write_text(f'[software]\npython = "{python}"\n' if python else "")
    homework.write_text("x = 1\n")
    done = warm.run("grade", homework, "--out", tmp_path / "out", "--rubric", rubric, "--no-pages")
    assert ("and the handout says 3.2 ([software] in the rubric)" in done.stdout) == said
