"""A seed on the command line, or a secret in the environment, is not to be read in /proc."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import GRADER
from leftovers import descendants
from times import PATIENCE

SECRET = "tell-nobody"
SEED = 2**127 + 1
SHOWN = """
from pathlib import Path
from grader.commands.hiding import hide_command_line
hide_command_line()
print(sorted(Path("/proc/self", name).read_bytes() for name in ("cmdline", "environ")))
"""
ENVIRONMENTS = [
    {**os.environ, "GRADER_SEED": SECRET},
    {"GRADER_SEED": SECRET},
    {"LC_CTYPE": "C", "GRADER_SEED": SECRET},  # the first of them is changed as Python starts
    {},  # and here one is put in
]


def public(pid: int) -> bytes:
    """Return what /proc shows of a process: what it was started with."""
    return b"".join(Path(f"/proc/{pid}", name).read_bytes() for name in ("cmdline", "environ"))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=["all", "one", "changed", "none"])
def test_command_line_and_environment_are_blanked(environment):
    done = subprocess.run(
        [sys.executable, "-P", "-c", SHOWN, SECRET],
        env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grader" in done.stdout
    assert SECRET not in done.stdout


def test_no_process_of_a_run_shows_its_seed(tmp_path, untrained):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.py").write_text("import time\ntime.sleep(600)\n")
    command = [GRADER, "grade", tmp_path / "class", "--out", tmp_path / "out", "--seed", SEED]
    command += ["--rubric", untrained, "--jobs", "1"]
    environment = {**os.environ, "GRADER_SECRET": SECRET}
    process = subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + PATIENCE
    while not descendants(process.pid, 4):  # a worker
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    shown = {
        pid: public(pid) for generation in range(4) for pid in descendants(process.pid, generation)
    }
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert shown[process.pid].startswith(b"grader\0")
    assert [pid for pid, text in shown.items() if str(SEED).encode() in text] == []
    assert [pid for pid, text in shown.items() if SECRET.encode() in text] == []
