"""Fault drills: a class of 48 on the real command line, and what a fault in the middle costs it.

Each is compared with an undisturbed run. A drill waits for events (a file, a process), never for
a time. While it waits, every result.json in sight must be whole.
"""

import contextlib
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
from conftest import GRADER, ROOT, need
from disks import read_only
from leftovers import assert_no_process, children, descendants, orphans_are_ours
from times import PATIENCE

from grader.results.record import StudentResult
from grader.util.atomic import UNFINISHED, remove_unfinished, write_atomically

CLASS_SIZE = 48
RIGHT = ("s030", "s031", "s044")  # they train; the first two at the same time
# In sight: then no worker trains but with those, for the reference is proved. Some 32 more may be
# graded or at work, which is not yet all.
BEGUN = 5
TRAINS_SECONDS = 0.1
SEED = "20261001202610012026100120261001"  # each gradebook would have a secret one of its own


def write_class(folder: Path) -> Path:
    """Write the cheap submissions: untouched, broken, half-finished, and a few right ones."""
    solution = (ROOT / "solution" / "homework.py").read_text(encoding="utf-8")
    stub = (ROOT / "assignment" / "homework.py").read_text(encoding="utf-8")
    half = (ROOT / "tests" / "submissions" / "half_finished.py").read_text(encoding="utf-8")
    # They are at work for long enough to be met there, however fast the machine is.
    solution += "for _ in range(10_000_000):\n    pass\n"
    kinds = [stub, "def forward(x, params:\n", "", half, "import torch\n1 / 0\n"]
    folder.mkdir()
    for number in range(CLASS_SIZE):
        name = f"s{number:03}"
        source = solution if name in RIGHT else kinds[number % len(kinds)]
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Run:
    """One run of the command line, its results, and what its results looked like so far."""

    process: subprocess.Popen[str]
    results: Path
    seen: set[tuple[str, int]] = field(default_factory=set)

    @property
    def graded(self) -> int:
        """Results now in sight; each new one is decoded, and must be whole."""
        paths = list(self.results.glob("*/result.json"))
        for path in paths:
            key = (path.parent.name, path.stat().st_ino)
            if key not in self.seen:
                msgspec.json.decode(path.read_bytes(), type=StudentResult)
                self.seen.add(key)
        return len(paths)

    @property
    def zygotes(self) -> set[int]:
        """One for each scorer, which are children of the grading process."""
        return descendants(self.process.pid, 3)

    @property
    def workers(self) -> set[int]:
        """Those at work, and those made ready."""
        return descendants(self.process.pid, 4)

    @property
    def at_work(self) -> set[int]:
        """Workers that train: nothing else takes them so long."""
        return {pid for pid in self.workers if cpu_seconds(pid) > TRAINS_SECONDS}

    def wait_until(self, happened: Callable[["Run"], object]) -> None:
        """Wait for an event while the run goes on."""
        deadline = time.monotonic() + PATIENCE
        while not happened(self):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            assert self.graded <= CLASS_SIZE
            time.sleep(0.002)

    def end(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit code and the lines on standard error."""
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors.strip().splitlines()


class Drill:
    """Starts runs with a temporary folder of their own, and tells what they leave."""

    def __init__(self, folder: Path) -> None:
        self.results = folder / "results"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._others = children(os.getpid())

    def start(
        self,
        submissions: Path,
        results: Path | None = None,
        rubric: Path | None = None,
        pages: bool = False,
    ) -> Run:
        """Start a run; it renders `pages` only if what becomes of them is the point."""
        results = results or self.results
        command = [str(GRADER), "grade", str(submissions), "--out", str(results), "--jobs", "2"]
        command += ["--rubric", str(rubric)] if rubric else []
        command += [] if pages else ["--no-pages"]
        environment = {**os.environ, "TMPDIR": str(self.temporary), "GRADER_SEED": SEED}
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        )
        return Run(process, results)

    def grade(self, submissions: Path, pages: bool = False) -> tuple[int, list[str]]:
        """Run to the end, undisturbed."""
        ended = self.start(submissions, pages=pages).end()
        self.assert_no_process()
        return ended

    def assert_no_process(self) -> None:
        assert_no_process(self._others)

    def assert_nothing_temporary(self) -> None:
        assert list(self.temporary.iterdir()) == []
        assert list(self.results.rglob(f"{UNFINISHED}*")) == []


@pytest.fixture(scope="module", autouse=True)
def no_orphan_escapes() -> Iterator[None]:
    with orphans_are_ours():
        yield


@pytest.fixture
def drill(tmp_path) -> Iterator[Drill]:
    started = Drill(tmp_path)
    yield started
    for pid in children(os.getpid()) - started._others:  # of a drill that failed
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def submissions(tmp_path_factory) -> Path:
    return write_class(tmp_path_factory.mktemp("drills") / "class")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, submissions) -> Path:
    """Results of a run that nothing disturbs."""
    drill = Drill(tmp_path_factory.mktemp("undisturbed"))
    assert drill.grade(submissions) == (0, [])
    drill.assert_nothing_temporary()
    assert len(records(drill.results)) == CLASS_SIZE
    return drill.results


def records(results: Path) -> dict[str, StudentResult]:
    """Decode every result.json by schema; without the seconds, which vary."""
    return {
        path.parent.name: msgspec.structs.replace(
            msgspec.json.decode(path.read_bytes(), type=StudentResult), seconds=0.0
        )
        for path in results.glob("*/result.json")
    }


def grades(results: Path) -> list[dict[str, str]]:
    with (results / "grades.csv").open(encoding="utf-8-sig", newline="") as table:
        return [{**row, "seconds": ""} for row in csv.DictReader(table)]


def assert_equal(results: Path, undisturbed: Path) -> None:
    assert records(results) == records(undisturbed)
    assert grades(results) == grades(undisturbed)


def assert_kept(results: Path, undisturbed: Path, at_least: int = 0) -> None:
    """What a disturbed run leaves is whole, and what the undisturbed one has of the same."""
    kept, whole = records(results), records(undisturbed)
    assert at_least <= len(kept)
    assert kept == {student: whole[student] for student in kept}


# Moments of one class, killed again and again: a name, and what has happened by then.
RANDOM = random.Random(20211).sample(range(1, CLASS_SIZE), 2)
MOMENTS: list[tuple[str, Callable[[Run], object]]] = [
    ("torch is not there", lambda run: children(run.process.pid)),
    ("no worker is there", lambda run: run.zygotes),
    *((f"{count} are graded", lambda run, count=count: run.graded >= count) for count in RANDOM),
    (
        "grades.csv is written",
        lambda run: (
            any(run.results.glob(f"{UNFINISHED}*")) or (run.results / "grades.csv").exists()
        ),
    ),
]


def test_a_grader_killed_at_any_moment_loses_nothing_that_was_finished(
    drill, submissions, undisturbed, tmp_path
):
    for name, happened in MOMENTS:  # each in a folder of its own, so that all is the killed run's
        results = tmp_path / name
        results.mkdir()
        run = drill.start(submissions, results, pages=True)
        run.wait_until(happened)
        run.process.kill()
        assert run.end()[0] == -signal.SIGKILL
        drill.assert_no_process()
        assert_kept(results, undisturbed)
    # All of them together are what one folder would hold that was killed as often.
    for name, _ in MOMENTS:
        shutil.copytree(tmp_path / name, drill.results, dirs_exist_ok=True)
    assert drill.grade(submissions, pages=True) == (0, [])
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def signal_all(run: Run, number: int) -> None:
    """Send a signal to a run and every process that it has started."""
    for generation in range(5):
        for pid in descendants(run.process.pid, generation):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def kill_all(run: Run) -> None:
    """Kill a run with every process of it, so that none clears up, nor starts another one."""
    signal_all(run, signal.SIGSTOP)
    pids = [pid for depth in range(5) for pid in descendants(run.process.pid, depth)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.process.communicate(timeout=PATIENCE)


def test_what_runs_left_that_were_killed_with_all_their_processes_is_cleared_by_the_next(
    drill, submissions, undisturbed, tmp_path
):
    left = []
    for _, happened in MOMENTS:
        run = drill.start(submissions, pages=True)
        run.wait_until(happened)
        kill_all(run)
        drill.assert_no_process()
        left += drill.temporary.iterdir()
    assert left
    (drill.results / "s000").mkdir(exist_ok=True)
    (drill.results / "s000" / f"{UNFINISHED}x").touch()  # as the killed write of a result leaves it
    assert drill.grade(submissions, pages=True) == (0, [])
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def test_a_run_beside_keeps_what_is_its_own(drill, submissions, undisturbed, tmp_path):
    alive = drill.start(submissions, tmp_path / "alive")
    alive.wait_until(lambda run: run.graded)
    signal_all(alive, signal.SIGSTOP)
    of_alive = set(drill.temporary.iterdir())
    killed = drill.start(submissions)
    killed.wait_until(lambda run: run.workers)
    kill_all(killed)
    assert set(drill.temporary.iterdir()) > of_alive > set()
    assert drill.start(submissions).end() == (0, [])
    assert set(drill.temporary.iterdir()) == of_alive
    signal_all(alive, signal.SIGCONT)
    assert alive.end() == (0, [])
    drill.assert_no_process()
    for results in (drill.results, tmp_path / "alive"):
        assert_equal(results, undisturbed)
    drill.assert_nothing_temporary()


@pytest.fixture
def own_disk(drill) -> Iterator[Callable[[str], None]]:
    """Put a small file system under results/; calling it mounts it anew with other options."""
    need("mounts")
    drill.results.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(drill.results)]
    subprocess.run(mount, check=True, timeout=PATIENCE)

    def remount(options: str) -> None:
        command = ["mount", "-o", f"remount,{options}", str(drill.results)]
        subprocess.run(command, check=True, timeout=PATIENCE)

    yield remount
    subprocess.run(["umount", "--lazy", str(drill.results)], check=True, timeout=PATIENCE)


def test_a_full_disk_ends_the_run_with_one_line_and_what_was_whole_stays(
    drill, own_disk, submissions, undisturbed
):
    status, (line,) = drill.grade(submissions, pages=True)
    assert status == 2
    assert line.startswith(f"grader: {drill.results}/")
    full = ("No space left on device", "database or disk is full")  # as Python and SQLite say it
    assert line.endswith(tuple(f": {reason}; what was written is kept" for reason in full))
    assert_kept(drill.results, undisturbed, at_least=5)
    drill.assert_nothing_temporary()
    own_disk("size=16m")
    assert drill.grade(submissions, pages=True) == (0, [])
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def test_results_that_cannot_be_written_end_the_run_with_one_line(drill, submissions, undisturbed):
    shutil.copytree(undisturbed, drill.results)
    with read_only(drill.results):
        status, (line,) = drill.grade(submissions)
        assert status == 2
        assert line.startswith(f"grader: {drill.results}/gradebook.db: ")
        assert any(says in line for says in ("cannot be written", "see who may write to it"))
        assert_equal(drill.results, undisturbed)
        drill.assert_nothing_temporary()


def test_a_killed_zygote_ends_the_run_with_one_line_and_a_rerun_is_whole(
    drill, submissions, undisturbed
):
    run = drill.start(submissions)
    run.wait_until(lambda run: run.graded >= BEGUN)
    os.kill(min(run.zygotes), signal.SIGKILL)
    status, (line,) = run.end()
    assert status == 2
    assert line == (
        "grader: the process that forks the workers is gone; finished results are kept: run again"
    )
    drill.assert_no_process()
    assert_kept(drill.results, undisturbed, at_least=BEGUN)
    assert len(grades(drill.results)) == len(records(drill.results))
    assert drill.grade(submissions) == (0, [])
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def train(run: Run) -> bool:
    """Tell whether both scorers have come to a submission that trains."""
    return run.graded >= BEGUN and len(run.at_work) == 2


def test_a_killed_worker_costs_nobody_anything_as_its_submission_is_graded_again(
    drill, submissions, undisturbed
):
    run = drill.start(submissions)
    run.wait_until(train)
    first, second = run.at_work
    os.kill(first, signal.SIGKILL)
    os.kill(second, signal.SIGSEGV)
    assert run.end() == (0, [])
    drill.assert_no_process()
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def scorers_at_work(run: Run) -> set[int]:
    """Return the scorers whose workers train."""
    workers = run.at_work
    return {
        scorer
        for scorer in descendants(run.process.pid, 2)
        if any(workers & children(zygote) for zygote in children(scorer))
    }


def test_a_killed_scorer_is_replaced_and_its_submission_is_graded_again(
    drill, submissions, undisturbed
):
    at_work: set[int] = set()

    def is_at_work(run: Run) -> bool:
        if run.graded >= BEGUN:
            at_work.update(scorers_at_work(run))
        return bool(at_work)

    run = drill.start(submissions)
    run.wait_until(is_at_work)
    os.kill(min(at_work), signal.SIGKILL)
    assert run.end() == (0, [])
    drill.assert_no_process()
    assert_equal(drill.results, undisturbed)


def test_a_stopped_worker_costs_nobody_anything_as_its_submission_is_graded_again(
    drill, submissions, undisturbed, tmp_path
):
    """It looks as if it slept; ten trainings' time is enough to be sure of that."""
    rubric = tmp_path / "rubric.toml"
    rubric.write_text("[limits]\ntraining_seconds = 1.0\n")
    run = drill.start(submissions, rubric=rubric)
    run.wait_until(train)
    os.kill(min(run.at_work), signal.SIGSTOP)
    assert run.end() == (0, [])
    drill.assert_no_process()
    assert_equal(drill.results, undisturbed)
    drill.assert_nothing_temporary()


def test_a_killed_canary_stops_the_run_and_nothing_is_written(drill, submissions):
    run = drill.start(submissions)
    run.wait_until(lambda run: run.at_work)
    os.kill(min(run.at_work), signal.SIGKILL)
    status, (line,) = run.end()
    assert status == 2
    assert "this machine cannot grade" in line
    assert "Look at the system's log" in line
    drill.assert_no_process()
    assert not drill.results.exists()


def ignores_alarms(pid: int) -> bool:
    """Tell whether the submission below, which this worker runs, has come to where it hangs."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False  # it has ended meanwhile
    ignored = next(
        (line for line in status.splitlines() if line.startswith("SigIgn:")), "SigIgn: 0"
    )
    return bool(int(ignored.split()[1], 16) >> (signal.SIGALRM - 1) & 1)


# Deaf to the time limit inside the worker; left alone, it hangs for longer than a drill waits.
HANGS = """import signal, time
def hang():
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        {}
hang()
"""


@pytest.mark.parametrize("victim", ["grader", "zygote"])
@pytest.mark.parametrize("body", ["pass", "time.sleep(1)"])
def test_a_worker_that_hangs_does_not_outlive_what_started_it(
    drill, untrained, tmp_path, victim, body
):
    (tmp_path / "hangs.py").write_text(HANGS.format(body))
    run = drill.start(tmp_path / "hangs.py", rubric=untrained)
    run.wait_until(lambda run: any(map(ignores_alarms, run.workers)))
    os.kill(run.process.pid if victim == "grader" else min(run.zygotes), signal.SIGKILL)
    assert run.end()[0] in (-signal.SIGKILL, 2)
    drill.assert_no_process()
    drill.assert_nothing_temporary()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_killed_at_any_step_leaves_the_old_content_and_what_the_next_run_removes(
    tmp_path, step
):
    target = tmp_path / "ada" / "result.json"
    write_atomically(target, "old")
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from grader.util.atomic import EVERYBODY, write_atomically\n"
        f"os.{step} = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), 'new', EVERYBODY)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old"
    assert len(list(target.parent.iterdir())) == 2
    remove_unfinished(tmp_path, deep=True)
    assert list(target.parent.iterdir()) == [target]
