"""What the tests share: one thread for torch, the rubric, and one graded run of the corpus."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import torch
from homeworks import CHECKS
from ours import write_rubric

from grader.rubric import Rubric, load_rubric
from grader.submissions import shown
from grader.submissions.read import Source, read, read_bytes
from grader.workers import Zygote

ROOT = Path(__file__).parent.parent
GRADER = Path(sys.executable).with_name("grader")

# Students' files and benchmarks are no tests.
collect_ignore = ["submissions", "hostile", "benchmarks"]

# The zygote below is forked from this process, which must never have run two threads.
torch.set_num_threads(1)

# The same examples on every run: a test that fails, fails for everybody.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


def run_grader(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    command = [str(GRADER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=cwd)


def criteria_of(results: Path) -> dict[str, bytes]:
    """Return the criteria of each result.json, as its own bytes."""
    return {
        path.parent.name: path.read_bytes().split(b'"criteria"')[1].split(b'"notes"')[0]
        for path in results.glob("*/result.json")
    }


def read_file(path: Path, max_bytes: int) -> Source:
    """Read a submitted file as the grader does: its bytes first, then what is in them."""
    return read(shown(path.name), read_bytes(path, max_bytes))


@pytest.fixture(scope="session")
def rubric() -> Rubric:
    return load_rubric()


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    forked = Zygote.fork()
    yield forked
    forked.close()


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a rubric without training, for tests that can do without and are quicker so."""
    return write_rubric(tmp_path_factory.mktemp("untrained") / "rubric.toml", CHECKS)


@pytest.fixture
def grade(tmp_path: Path) -> Callable[..., dict[str, dict]]:
    """Grade paths with the command line and return the records by student."""

    def graded(*arguments: object) -> dict[str, dict]:
        out = tmp_path / "results"
        done = run_grader("grade", *arguments, "--out", out)
        assert done.returncode == 0, done.stderr
        return {path.parent.name: json.loads(path.read_bytes()) for path in out.glob("*/*.json")}

    return graded
