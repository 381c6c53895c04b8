"""A Dask cluster grades as this machine does, and a worker of it that dies costs time only."""

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from conftest import GRADER, ROOT, criteria_of, run_grader
from distributed import LocalCluster
from leftovers import assert_no_process, children, descendants, orphans_are_ours
from times import PATIENCE

from grader.grading.cluster import Cluster
from grader.scoring.protocol import GradingSettings, GradingStopped

CORPUS = ROOT / "tests" / "submissions"
NAMES = (
    "factor_two_missing.py", "gbk_comments.py", "half_finished_notebook.ipynb",
    "report_expressions.py", "syntax_error.py", "autograd_inside.py",
)  # fmt: skip
SEED = "20261001202610012026100120261001"  # each gradebook would have a secret one of its own
DASK = str(Path(sys.executable).with_name("dask"))
COPIES = 4


@pytest.fixture(scope="module")
def submissions(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cluster") / "class"
    folder.mkdir()
    for number in range(COPIES):
        for name in NAMES:
            shutil.copy(CORPUS / name, folder / f"s{number}_{name}")
    return folder


@pytest.fixture(scope="module")
def here(warm, submissions, untrained, tmp_path_factory) -> dict[str, bytes]:
    """The criteria of every submission, graded on this machine without a cluster."""
    results = tmp_path_factory.mktemp("here")
    given = ("--rubric", untrained, "--seed", SEED)
    done = warm.run("grade", submissions, "--out", results, *given)
    assert done.returncode == 0, done.stderr
    found = criteria_of(results)
    assert len(found) == COPIES * len(NAMES)
    return found


class Scheduler:
    """A scheduler on a free port of this machine's, and workers of it, each ended by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._processes = [
            self._start(
                "scheduler",
                "--host=127.0.0.1",
                f"--port={self._port}",
                "--dashboard-address=127.0.0.1:0",
                "--no-dashboard",
            )
        ]

    def add_worker(self) -> subprocess.Popen[bytes]:
        worker = self._start(
            "worker", self.address, "--nthreads=1", "--no-nanny", "--no-dashboard",
            "--dashboard-address=127.0.0.1:0",
            "--host=127.0.0.1", f"--local-directory={self._folder}",
        )  # fmt: skip
        self._processes.append(worker)
        return worker

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [DASK, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        for process in reversed(self._processes):  # the scheduler last
            process.terminate()
            process.wait(timeout=PATIENCE)


@pytest.fixture
def scheduler(tmp_path) -> Iterator[Scheduler]:
    others = children(os.getpid())
    with orphans_are_ours():
        with contextlib.closing(Scheduler(tmp_path / "dask")) as started:
            yield started
        assert_no_process(others)


def test_a_local_cluster_gives_the_same_bytes_and_leaves_nothing(
    submissions, untrained, here, tmp_path
):
    others = children(os.getpid())
    with orphans_are_ours():
        done = run_grader(
            "grade",
            submissions,
            "--out",
            tmp_path / "out",
            "--rubric",
            untrained,
            "--seed",
            SEED,
            "--cluster",
            "local:2",
            "--no-pages",
        )
        assert_no_process(others)
    assert (done.returncode, done.stderr) == (0, "")
    assert "isolation: session" in done.stdout
    assert criteria_of(tmp_path / "out") == here


def test_an_interrupt_of_a_local_cluster_is_one_line_and_leaves_nothing(
    submissions, untrained, tmp_path
):
    others = children(os.getpid())
    command = [str(GRADER), "grade", str(submissions), "--out", str(tmp_path / "out")]
    command += ["--rubric", str(untrained), "--cluster", "local:2", "--no-pages"]
    with orphans_are_ours():
        run = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = time.monotonic() + PATIENCE
        while not list(tmp_path.glob("out/*/result.json")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: the workers get it, too
        _, errors = run.communicate(timeout=PATIENCE)
        assert_no_process(others)
    assert run.returncode == 130
    lines = errors.decode().splitlines()
    assert len(lines) == 1, errors.decode()
    assert lines[0].startswith("grader: interrupted: ")


def test_a_worker_that_is_killed_costs_two_runs_nothing_but_time(
    scheduler, submissions, untrained, here, tmp_path
):
    doomed, _ = scheduler.add_worker(), scheduler.add_worker()
    runs = []
    for seed in (SEED, SEED[::-1]):
        command = [str(GRADER), "grade", str(submissions), "--out", str(tmp_path / seed)]
        command += ["--rubric", str(untrained), "--cluster", scheduler.address, "--seed", seed]
        command += ["--no-pages"]
        runs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    deadline = time.monotonic() + PATIENCE
    while len(list((tmp_path / SEED).glob("*/result.json"))) < 3 or not at_work(doomed.pid):
        assert time.monotonic() < deadline
        assert [run.poll() for run in runs] == [None, None]
        time.sleep(0.01)
    doomed.send_signal(signal.SIGKILL)
    for run in runs:
        _, errors = run.communicate(timeout=PATIENCE)
        assert (run.returncode, errors) == (0, b"")
    assert criteria_of(tmp_path / SEED) == here
    assert criteria_of(tmp_path / SEED[::-1]).keys() == here.keys()
    statuses = {json.loads(p.read_bytes())["status"] for p in tmp_path.glob("*/*/result.json")}
    assert statuses == {"graded"}


def at_work(worker: int) -> bool:
    """Tell whether a Dask worker has a process that grades, with a scorer, a zygote and workers."""
    return bool(descendants(worker, 4))


def test_that_a_worker_is_lost_is_not_told_as_a_warning(rubric):
    with pytest.raises(GradingStopped):
        Cluster(GradingSettings.of(rubric, 5, strict=False), "nowhere")
    for name in ("distributed.client", "distributed.scheduler", "distributed.batched"):
        assert not logging.getLogger(name).isEnabledFor(logging.WARNING)


BAD = [
    ("local:0", "--cluster local:0: write local:N"),
    ("nowhere", "--cluster nowhere: write local:N"),
    ("tcp://nowhere.invalid:8786", "no Dask scheduler answers there"),
]


def test_an_address_where_nothing_grades_is_one_line(scheduler, submissions, tmp_path):
    bad = [*BAD, (scheduler.address, "this Dask cluster has no workers")]

    def grade(number: int) -> subprocess.CompletedProcess[str]:
        out = tmp_path / str(number)
        return run_grader("grade", submissions, "--out", out, "--cluster", bad[number][0])

    with ThreadPoolExecutor() as pool:  # two of them wait for ten seconds
        runs = list(pool.map(grade, range(len(bad))))
    for run, (_, says) in zip(runs, bad, strict=True):
        assert run.returncode == 2
        (line,) = run.stderr.splitlines()
        assert line.startswith("grader: ")
        assert says in line


def test_without_dask_it_says_what_to_install(submissions, tmp_path, monkeypatch):
    (tmp_path / "dask.py").write_text("raise ImportError('No module named dask')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run_grader("grade", submissions, "--out", tmp_path / "out", "--cluster", "local:1")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "sigmoid-homework-grader[cluster]" in line


def test_a_worker_with_other_software_is_refused(rubric):
    settings = GradingSettings.of(rubric, 5, strict=False)
    other = msgspec.structs.replace(settings, software={**settings.software, "torch": "1.0"})
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as cluster,
        pytest.raises(GradingStopped, match=r"has torch 2\.13.*, not 1\.0"),
    ):
        Cluster(other, cluster.scheduler_address)
