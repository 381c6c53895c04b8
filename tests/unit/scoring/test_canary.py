"""A machine that cannot grade the reference solution grades nobody, and says what to look at."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import ordinary
import pytest
from conftest import GRADER, ROOT, run_grader
from worth import MAX_SCORE, MAX_UNTRAINED

from grader.commands.grade import GradeRequest, grade
from grader.gradebook.options import Options
from grader.grading import launch
from grader.grading.batch import ENDS_SCORER
from grader.grading.pool import GONE, ScorerPool
from grader.material.reference import PROBE
from grader.rubric import Rubric
from grader.scoring.canary import reference_seconds
from grader.scoring.machine_faults import smell_of
from grader.scoring.protocol import GradingSettings, GradingStopped, ScorerFailed, SubmittedFiles
from grader.scoring.run_cases import CaseOutcomes
from grader.student_code.contract import Call
from grader.util.exits import exit_code_of

START = ROOT / "tests" / "support" / "unfit" / "start.py"
SOLUTION = ROOT / "solution" / "homework.py"


@pytest.fixture
def grading(rubric: Rubric) -> GradingSettings:
    return GradingSettings.of(rubric, 5, strict=False)


@pytest.fixture
def unfit(monkeypatch) -> Callable[[str], None]:
    """Have the processes that grade started with a fault (see unfit/start.py)."""

    def plant(fault: str) -> None:
        command = (sys.executable, "-P", str(START), fault)
        monkeypatch.setattr(launch, "PYTHON", command)

    return plant


def status_of_grading(path: Path, out: Path, rubric: Path | None = None) -> int:
    """Return the exit code of `grader grade`."""
    request = GradeRequest(
        paths=[path], out=out, jobs=1, fail_under=None, isolation="auto", format="text",
        options=Options(rubric=str(rubric) if rubric else None, seed="5"), db=None, cluster=None,
        cache=True, pages=False, times=None,
    )  # fmt: skip
    return exit_code_of(lambda: grade(request))


UNFIT = [
    ("no_numpy", "import of numpy halted", "packages of"),
    ("python_is_forbidden", "Permission denied", "every user may read"),
    ("wrong_products", "net 6 of 12", "[tolerance]"),
    ("no_worker_starts", "a worker could not be confined", "PermissionError: planted by a test"),
]


@pytest.mark.parametrize(("fault", "why", "advice"), UNFIT)
def test_an_unfit_machine_stops_with_one_line_and_touches_no_results(
    unfit, tmp_path, capfd, fault, why, advice
):
    unfit(fault)
    out = tmp_path / "results"
    assert status_of_grading(SOLUTION, out) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith("grader: ")
    assert "this machine" in line
    assert why in line
    assert advice in line
    assert not out.exists()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_worker_that_cannot_allocate_stops_the_run_and_older_results_stay(
    warm, untrained, tmp_path
):
    out = tmp_path / "results"
    done = warm.run("grade", SOLUTION, "--out", out, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    before = contents(out)
    text = untrained.read_text(encoding="utf-8")
    low = tmp_path / "low.toml"
    low.write_text(text.replace("memory_bytes = 1_610_612_736", "memory_bytes = 100_000_000"))
    for command in (["settings", out], ["grade", SOLUTION, "--out", tmp_path / "new"]):
        done = run_grader(*command, "--rubric", low)
        assert done.returncode == 2
        (line,) = done.stderr.strip().splitlines()
        assert "this machine cannot grade" in line
        assert "can't allocate memory" in line
        assert "memory_bytes in [limits]" in line
    assert contents(out) == before
    assert not (tmp_path / "new").exists()


def test_a_fault_in_a_scorer_comes_out_with_its_traceback(unfit, grading):
    unfit("fault_in_the_scorer")
    with closing(ScorerPool(grading, 1)) as pool:
        for ask in (pool.prove, lambda: pool.grade(SubmittedFiles.of("ada", "a.py", b""))):
            with pytest.raises(ScorerFailed, match="planted by a test") as raised:
                ask()
            assert "scorer.py" in str(raised.value)


def test_a_machine_that_becomes_unfit_records_nothing_more(unfit, grading, tmp_path, monkeypatch):
    """Worker by worker: the next one was ready before the memory ran out."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    unfit("memory_runs_out_later")
    submission = SubmittedFiles.of(
        "ada", "homework.py", SOLUTION.read_bytes() + b"\nbytearray(10**9)\n"
    )
    with closing(ScorerPool(grading, 1)) as pool:
        pool.prove()
        assert pool.grade(submission).record.score == MAX_SCORE
        (tmp_path / "low").touch()
        assert pool.grade(submission).record.score == MAX_SCORE
        with pytest.raises(GradingStopped, match="this machine cannot grade") as raised:
            pool.grade(submission)
    assert "memory_bytes" in str(raised.value)


LOW_LIMITS = [
    (
        "-v 2000000",
        "a worker could not be confined: memory (ulimit -v; memory_bytes in the rubric): the hard "
        "limit is 2,048,000,000 bytes, and ",
    ),
    ("-t 60", "processor time (ulimit -t): the hard limit is 60 seconds, and "),
    ("-d 2000000", "memory (ulimit -d; memory_bytes in the rubric)"),
    (
        "-f 512",
        "size of a file (ulimit -f): the hard limit is 524,288 bytes, and 1,048,576 bytes are",
    ),
    (
        "-s 1024",
        "stack (ulimit -s): the hard limit is 1,048,576 bytes, and 2,097,152 bytes are needed",
    ),
    ("-n 40", "may open 40 files at a time here"),
]


@pytest.mark.parametrize(("limit", "named"), LOW_LIMITS)
def test_a_limit_from_outside_that_is_lower_than_the_rubrics_stops_the_run(
    untrained, tmp_path, limit, named
):
    """It would cost right work its points, and no other machine would."""
    out = tmp_path / "results"
    grade = f"{GRADER} grade {SOLUTION} --rubric {untrained} --out {out}"
    done = subprocess.run(
        ["bash", "-c", f"ulimit {limit}; exec {grade}"], capture_output=True, text=True
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "this machine cannot grade: " in line
    assert named in line
    assert not out.exists()


@pytest.mark.needs("root")
@pytest.mark.parametrize("limit", ["-f 10000", "-f 2048 -s 4096 -n 60 -u 50"])
def test_a_limit_from_outside_that_is_enough_is_used_and_costs_nothing(untrained, tmp_path, limit):
    """As many threads as a user may have are each worker's own where root grades."""
    out = tmp_path / "results"
    grade = f"{GRADER} grade {SOLUTION} --rubric {untrained} --out {out} --jobs 1"
    done = subprocess.run(
        ["bash", "-c", f"ulimit {limit}; exec {grade}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "solution" / "result.json").read_bytes())["score"] == MAX_UNTRAINED


@pytest.mark.needs("root", "layers")
def test_fewer_processes_are_not_enough_where_others_of_the_user_have_a_share(tmp_path):
    folder = tmp_path / "of_the_user"
    grade = f"{GRADER} grade {SOLUTION} --out {folder}/results"
    done = ordinary.run(["/bin/bash", "-c", f"ulimit -u 60; exec {grade}"], folder)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "processes (ulimit -u): the hard limit is 60, and 64 are needed" in line


# The probe


def test_what_the_probe_imports_is_not_there_before():
    """Else it would say nothing of what can be read."""
    names = [line.split()[1] for line in PROBE.splitlines() if line.startswith("import ")]
    assert len(names) >= 6
    program = (
        "import sys, torch\nfrom grader.confined.zygote import prepare\nprepare()\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def descent(steps: int) -> Call:
    return Call("train_manual", {}, {"steps": steps})


def outcomes_of(seconds: float) -> CaseOutcomes:
    return CaseOutcomes((), {}, (), (), {}, waited=False, seconds={"train_manual": seconds})


def test_the_unit_is_of_2000_steps_and_never_nothing():
    assert reference_seconds(outcomes_of(0.1), descent(2000)) == 0.1
    assert reference_seconds(outcomes_of(0.01), descent(200)) == 0.1
    assert reference_seconds(outcomes_of(0.0), descent(2000)) > 0


def test_a_machine_that_is_twice_as_slow_gives_twice_the_time(rubric):
    limits = rubric.limits
    slower = limits.on_machine(2 * limits.reference_seconds)
    assert slower.training_seconds == 2 * limits.training_seconds
    assert slower.total_seconds == 2 * limits.total_seconds
    assert slower.grace_seconds == limits.grace_seconds
    assert slower.memory_bytes == limits.memory_bytes


# Smells

SMELLS = [
    (["MemoryError"], {}, "memory"),
    (["OSError: [Errno 12] Cannot allocate memory"], {}, "memory"),
    (["RuntimeError: can't start new thread"], {}, "memory"),
    (["ModuleNotFoundError: No module named 'numpy'"], {}, "module"),
    (["ModuleNotFoundError: No module named 'json'"], {}, "module"),
    (["ImportError: libfoo.so.1: cannot open shared object file: No such file"], {}, "module"),
    ([f"PermissionError: [Errno 13] Permission denied: '{sys.prefix}/lib/x.py'"], {}, "module"),
    (["PermissionError: [Errno 13] Permission denied: '/home/ada/x.py'"], {}, None),
    (["ModuleNotFoundError: No module named 'seaborn'"], {}, None),
    (["ModuleNotFoundError: No module named 'torch.layers'"], {}, None),
    (["ImportError: cannot import name 'Foo' from 'torch'"], {}, None),
    (["ZeroDivisionError: division by zero"], {}, None),
    (["MemoryError"], {"died": True}, "memory"),
    (["No module named 'json'"], {"died": True}, "crash"),
    ([], {"waited": True}, "wait"),
    ([], {"is_late": True}, "time"),
    ([], {}, None),
]


@pytest.mark.parametrize(("texts", "ends", "smell"), SMELLS)
def test_what_may_be_the_machines_fault_is_told_from_what_is_not(rubric, texts, ends, smell):
    ends = {"died": False, "waited": False, "is_late": False, **ends}
    assert smell_of(texts, rubric.software.packages, **ends) == smell


HOG = "\nmuch = bytearray(10**11)\n"


@pytest.fixture
def hogs(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "class"
    folder.mkdir()
    for number in range(4):
        text = SOLUTION.read_text(encoding="utf-8") + HOG + f"# {number}\n"
        (folder / f"s{number}.py").write_text(text, encoding="utf-8")
    return folder


def test_several_in_a_row_that_end_alike_are_told_on_screen_and_index(
    warm, hogs, untrained, tmp_path
):
    out = tmp_path / "results"
    done = warm.run("grade", hogs, "--out", out, "--rubric", untrained)
    assert done.returncode == 0, done.stderr
    alarm = "3 submissions in a row ended in the same way: they ran out of memory"
    assert alarm in done.stdout
    assert alarm in (out / "index.html").read_text(encoding="utf-8")
    scores = {json.loads(path.read_bytes())["score"] for path in out.glob("*/result.json")}
    assert scores == {MAX_UNTRAINED}


# A scorer that dies

ENDS = "# ends the scorer {}\n"
# What each student hands in besides right work, and what they are told of whom nothing is graded.
# Three scorers that die over different submissions, none graded between, are the machine's fault.
DYING = [
    {"ada": "", "bea": ENDS.format("once"), "rex": "# ends the reader\n", "zoe": ""},
    {"ada": "", "eva": ENDS.format("always"), "eve": ENDS.format("always") + "# 2\n", "zoe": ""},
]
UNGRADED = {
    "eva": f"eva.py {ENDS_SCORER}",
    "eve": f"eve.py {ENDS_SCORER}",
    "rex": "rex.py is not read: reading it ended the process that does so (SIGKILL)",
}


@pytest.fixture
def graded(unfit, tmp_path, untrained, monkeypatch, capfd):
    """Grade a class by processes that end; return the exit code, the records and what was said."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    source = SOLUTION.read_text(encoding="utf-8")

    def grade(
        texts: dict[str, str], fault: str = "scorer_or_reader_ends"
    ) -> tuple[int, dict[str, dict], str]:
        unfit(fault)
        folder, out = tmp_path / "class", tmp_path / "results"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(source + text)
        status = status_of_grading(folder, out, untrained)
        found = {p.parent.name: json.loads(p.read_bytes()) for p in out.glob("*/result.json")}
        return status, found, capfd.readouterr().err

    return grade


@pytest.mark.parametrize("texts", DYING, ids=["once", "two of them"])
def test_what_ends_a_process_costs_nobody_else_anything_and_is_tried_again_by_the_next_run(
    graded, texts
):
    status, records, errors = graded(texts)
    assert (status, errors) == (0, "")
    assert records.keys() == texts.keys()
    for name, record in records.items():
        if name in UNGRADED:
            assert (record["status"], record["score"]) == ("unreadable", 0)
            assert {c["message"] for c in record["criteria"]} == {UNGRADED[name]}
        else:
            assert (record["status"], record["score"]) == ("graded", record["max_score"])
    status, again, _ = graded(texts, "none")
    assert status == 0
    assert {(record["status"], record["score"]) for record in again.values()} == {
        ("graded", records["ada"]["score"])
    }


def test_three_scorers_that_die_over_different_submissions_are_the_machines_fault(graded):
    texts = {name: ENDS.format("always") + f"# {name}\n" for name in ("ada", "eve", "zoe")}
    status, records, errors = graded(texts)
    assert (status, records) == (2, {})
    assert errors == f"grader: {GONE}\n"


def test_a_scorer_that_cannot_start_again_is_the_machines_fault(
    unfit, grading, tmp_path, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    unfit("scorer_starts_once")
    with closing(ScorerPool(grading, 1)) as pool:
        pool.prove()
        with pytest.raises(GradingStopped) as raised:
            pool.grade(SubmittedFiles.of("ada", "a.py", b"x = 1"))
    assert str(raised.value) == GONE
