"""Start the processes that grade, with a bare environment: student code descends from them."""

import os
import subprocess
import sys
from collections.abc import Sequence

from grader.confined.devices import NO_GPU, ONE_THREAD

# Nothing of this is anything that a course would keep secret.
KEPT = (
    # The locale, and where caches and temporary files lie.
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR",
    # Where Python's and torch's libraries lie, on a machine that has them in a place of their own.
    "LD_LIBRARY_PATH",
    # Which instructions torch, MKL, oneDNN, OpenBLAS and numpy may use. Some machines must say so:
    # an old OpenBLAS takes a new processor for another one, and computes wrong numbers.
    "ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES",
)  # fmt: skip

# -P: no module in the current folder can stand in for one of the grader's. With -I also none that
# the environment or the user names; a process that was started so hands it on.
PYTHON = (sys.executable, "-I" if sys.flags.isolated else "-P", "-m")
EMPTY = "/"  # a folder that nobody hands anything in to: what else looks for files finds none


def grading_environment() -> dict[str, str]:
    """Return the environment of a process that grades: see KEPT, and no GPU."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**environment, **NO_GPU, **ONE_THREAD}


def start_grading(is_for_many: bool, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start process.py with these descriptors; tell it whether it is for many submissions."""
    return subprocess.Popen(
        [*PYTHON, "grader.grading.process", *map(str, (int(is_for_many), *descriptors))],
        cwd=EMPTY,
        env=grading_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,  # Ctrl-C is for the coordinating process, which ends this one
    )
