"""The same mark under another build of torch, other instructions, and on a machine with a GPU.

`make cuda` installs the other build: the one with CUDA, which pip takes by itself on Linux.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from conftest import GRADER, ROOT
from corpus import CORPUS, EXPECTED_MARKS, differences, mark_of, records_in
from times import PATIENCE

from grader.confined.devices import NO_GPU, ONE_THREAD
from grader.grading.launch import grading_environment

CUDA = ROOT / "build" / "torch-cuda" / "bin" / "grader"
GRADERS = [
    pytest.param(GRADER, id="tested torch"),
    pytest.param(CUDA, id="torch with CUDA", marks=pytest.mark.needs("cuda")),
]


SEED = "20261001202610012026100120261001"  # each gradebook would have a secret one of its own


def grade(results: Path, *paths: Path, grader: Path = GRADER, **variables: str) -> None:
    """Grade files or folders, with these variables in the environment."""
    command = [grader, "grade", *paths, "--out", results, "--jobs", "2", "--no-pages"]
    environment = {**os.environ, "GRADER_SEED": SEED, **variables}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment
    )
    assert done.returncode == 0, done.stderr


def spy_in(folder: Path, expression: str) -> Path:
    """Write a submission that says what an expression is in a worker, while it is loaded."""
    spy = folder / "spy.py"
    spy.write_text(f"import os, torch\nraise ValueError({expression})\n")
    return spy


def told_by_spy(results: Path) -> str:
    """Return what the spy said."""
    record = json.loads((results / "spy" / "result.json").read_bytes())
    return record["notes"][0]["text"]


# Of the class, what takes seconds: it is about time, and the numbers are those of the others.
SLOW = {
    "endless_loop.py", "finite_differences.py", "loops_over_rows.py", "trains_at_top_level.py",
    "trains_in_between.ipynb",
}  # fmt: skip


@pytest.mark.needs("cuda")
def test_a_build_with_cuda_gives_the_same_marks(tmp_path):
    ignore = shutil.ignore_patterns(*SLOW)
    submissions = shutil.copytree(CORPUS, tmp_path / "class", ignore=ignore)
    grade(tmp_path / "results", submissions, grader=CUDA)
    assert records_in(tmp_path / "results").keys() == EXPECTED_MARKS.keys() - SLOW
    assert differences(tmp_path / "results") == {}


# What torch, MKL and OpenBLAS are told to compute as an older processor would, the oldest first.
OLDER = {
    "DEFAULT": {
        "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Nehalem",
    },
    "AVX2": {
        "ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Haswell",
    },
    "AVX512": {"ATEN_CPU_CAPABILITY": "avx512"},
}  # fmt: skip


def can_be_told(capability: str) -> bool:
    """Whether this processor is newer: as it is itself, test_corpus.py grades on it."""
    known = list(OLDER)
    here = torch.backends.cpu.get_cpu_capability()
    return here in known and known.index(capability) < known.index(here)


@pytest.mark.parametrize("capability", [*filter(can_be_told, OLDER)])
def test_older_instructions_give_the_same_marks(tmp_path, capability):
    spy = spy_in(tmp_path, "torch.backends.cpu.get_cpu_capability()")
    files = [path for path in CORPUS.iterdir() if path.name in EXPECTED_MARKS.keys() - SLOW]
    if capability != next(iter(OLDER)):  # the oldest differs most; of the others some will do
        files = sorted(files)[::3]
    grade(tmp_path / "results", *files, spy, **OLDER[capability])
    assert f"ValueError: {capability}" in told_by_spy(tmp_path / "results")
    assert len(records_in(tmp_path / "results")) > 20
    assert differences(tmp_path / "results") == {}


# What homeworks begin with that were written on a machine with a GPU.
ASKING = {
    "is_available": "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    "set_default_device": (
        "torch.set_default_device('cuda' if torch.cuda.is_available() else 'cpu')\n"
        "device = torch.get_default_device()"
    ),
    "set_default_device_cpu": "torch.set_default_device('cpu')\ndevice = 'cpu'",
    "accelerator": (
        "device = torch.accelerator.current_accelerator() if torch.accelerator.is_available()"
        " else torch.device('cpu')"
    ),
    "try_it": (
        "try:\n    device = torch.zeros(1).cuda().device\n"
        "except (AssertionError, RuntimeError):\n    device = torch.device('cpu')"
    ),
    "ask_intel": "device = 'xpu' if torch.xpu.is_available() else 'cpu'",
}


def asking_for_a_gpu(solution: str, beginning: str) -> str:
    """Return a solution that computes on the device which `beginning` finds."""
    head, marker, rest = solution.partition("# %% objective\n")
    rest, count = re.subn(r"\b(x|hs)(?=( @ |\.T @ |\)\)\)))", r"\1.to(device)", rest)
    assert count == 5  # products of forward and of two gradients, and the layer of Net
    return f"{head}{beginning}\n{marker}{rest}"


@pytest.mark.parametrize("grader", GRADERS)
def test_who_asks_for_a_gpu_is_graded_on_the_cpu(tmp_path, grader):
    """No GPU is needed to see that: its library reads the variable in the process that asks."""
    solution = (ROOT / "solution" / "homework.py").read_text(encoding="utf-8")
    submissions = tmp_path / "class"
    submissions.mkdir()
    for name, beginning in ASKING.items():
        (submissions / f"{name}.py").write_text(asking_for_a_gpu(solution, beginning))
    seen = f"[os.environ[name] for name in {list(NO_GPU)}]"
    spy_in(submissions, f"{seen}, torch.cuda.device_count(), torch.get_num_threads()")
    set_by_user = {**dict.fromkeys(NO_GPU, "0"), **dict.fromkeys(ONE_THREAD, "16")}
    grade(tmp_path / "results", submissions, grader=grader, **set_by_user)
    assert f"({list(NO_GPU.values())}, 0, 1)" in told_by_spy(tmp_path / "results")
    right = EXPECTED_MARKS["ada_lindqvist.py"]
    marks = {name: mark_of(record) for name, record in records_in(tmp_path / "results").items()}
    assert {name: marks[name] for name in marks.keys() - {"spy.py"}} == {
        f"{name}.py": right for name in ASKING
    }


def test_the_grading_process_gets_what_computing_needs_and_no_secret(monkeypatch):
    given = {
        "OPENBLAS_CORETYPE": "Haswell", "LD_LIBRARY_PATH": "/opt/lib", "CUDA_VISIBLE_DEVICES": "0",
        "OMP_NUM_THREADS": "16", "GRADER_SEED": str(2**127), "AWS_SECRET_ACCESS_KEY": "tell-nobody",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    environment = grading_environment()
    assert environment["OPENBLAS_CORETYPE"] == "Haswell"
    assert environment["LD_LIBRARY_PATH"] == "/opt/lib"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert environment["OMP_NUM_THREADS"] == "1"
    assert not environment.keys() & {"GRADER_SEED", "AWS_SECRET_ACCESS_KEY"}
