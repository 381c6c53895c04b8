"""Shared by the tests: parts a machine may lack, one thread for torch, the rubric, a browser."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import postgres
import pytest
import torch
from browser import browsing
from homeworks import CHECKS
from ours import write_rubric
from parts import PARTS, missing
from playwright.sync_api import BrowserContext
from times import PATIENCE
from warm import WarmGrader

from grader.gradebook import default_url
from grader.rubric import Rubric, load_rubric
from grader.scoring.reading import Reader
from grader.scoring.workers import Zygote
from grader.source.paths import shown
from grader.source.read import Source, read, read_bytes

ROOT = Path(__file__).parent.parent
GRADER = Path(sys.executable).with_name("grader")

# Students' files and benchmarks are not tests.
collect_ignore = ["submissions", "hostile", "handed_in", "benchmarks"]

# The zygote below is forked from this process, which must never have run two threads.
torch.set_num_threads(1)

# A shell's background jobs ignore Ctrl-C, and so would all processes that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run, so that a failing test fails for everybody. None is discarded for
# being slow, as on a busy machine.
hypothesis.settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("repeatable")


# If this variable is set, tests fail if a part they need is missing, as CI wants.
REQUIRE_ALL = "GRADER_TESTS_REQUIRE_ALL"
MISSING = missing()


def need(*parts: str) -> None:
    """Skip the running test if one of these parts is missing, or fail it if all are required.

    Raises KeyError if tests/support/parts.py knows no such part.
    """
    end = pytest.fail if os.environ.get(REQUIRE_ALL) else pytest.skip
    for name in parts:
        if PARTS[name] is MISSING.get(name):
            end(f"needs {name}: {PARTS[name].how_to_get}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        need(*mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each reason for skipping once, at the end; pytest itself repeats it per fixture."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(report.longrepr[2] for report in skipped).items():
        terminalreporter.line(f"{reason} ({count} tests)", yellow=True)


def run_grader(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [str(GRADER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=cwd)


def criteria_of(results: Path) -> dict[str, bytes]:
    """Return the criteria of each result.json, as raw bytes."""
    return {
        path.parent.name: path.read_bytes().split(b'"criteria"')[1].split(b'"notes"')[0]
        for path in results.glob("*/result.json")
    }


def read_file(path: Path, max_bytes: int) -> Source:
    """Read a submitted file like the grader: first its bytes, then its content."""
    return read(shown(path.name), read_bytes(path, max_bytes))


@pytest.fixture(scope="session")
def rubric() -> Rubric:
    return load_rubric()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    forked = Zygote.fork()
    yield forked
    forked.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    with contextlib.closing(Reader()) as opened:
        yield opened


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Yield a folder that every user can reach; tmp_path is closed to others."""
    path = Path(tempfile.mkdtemp(prefix="grader-reachable-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a rubric without training, for tests that are quicker without it."""
    return write_rubric(tmp_path_factory.mktemp("untrained") / "rubric.toml", CHECKS)


@pytest.fixture(scope="module")  # no larger scope: while it exists, nothing else can use asyncio
def browser() -> Iterator[BrowserContext]:
    """Yield the browser for a module's pages."""
    need("chromium")
    with browsing() as context:
        yield context


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """Yield a running PostgreSQL server."""
    need("postgresql")
    with postgres.server(postgres.programs()) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return default_url(tmp_path)
    running: postgres.Server = request.getfixturevalue("server")
    return running.new_database()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmGrader]:
    """Yield a command line in this process, whose grading processes already run."""
    with contextlib.closing(WarmGrader()) as grader:
        yield grader


@pytest.fixture
def grade(tmp_path: Path, warm: WarmGrader) -> Callable[..., dict[str, dict]]:
    """Grade paths with the command line and return the records by student."""

    def graded(*arguments: object) -> dict[str, dict]:
        out = tmp_path / "results"
        done = warm.run("grade", *arguments, "--out", out)
        assert done.returncode == 0, done.stderr
        return {path.parent.name: json.loads(path.read_bytes()) for path in out.glob("*/*.json")}

    return graded
