"""Start the processes that grade with a bare environment: student code descends from them."""

import os
import subprocess
import sys
from collections.abc import Sequence

from grader.confined.devices import NO_GPU, ONE_THREAD

# Variables that a course would not keep secret.
KEPT = (
    # The locale, and the places of caches and temporary files.
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR",
    # The places of Python's and torch's libraries, on a machine with unusual ones.
    "LD_LIBRARY_PATH",
    # The instructions that torch, MKL, oneDNN, OpenBLAS and numpy may use. Some machines need this:
    # an old OpenBLAS mistakes a new processor for another one, and computes wrong numbers.
    "ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES",
)  # fmt: skip

# -P: no module in the current folder can replace one of the grader's. -I: nor can one from the
# environment or the user's folder; used if this process was started with it.
PYTHON = (sys.executable, "-I" if sys.flags.isolated else "-P", "-m")
EMPTY = "/"  # a folder without submissions, in case something looks for files


def grading_environment() -> dict[str, str]:
    """Return the environment of a process that grades: KEPT, one thread, and no GPU."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**environment, **NO_GPU, **ONE_THREAD}


def start_grading(is_for_many: bool, descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start process.py with these descriptors, and say whether it is for many submissions."""
    return subprocess.Popen(
        [*PYTHON, "grader.grading.process", *map(str, (int(is_for_many), *descriptors))],
        cwd=EMPTY,
        env=grading_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=descriptors,
        start_new_session=True,  # Ctrl-C is for the coordinating process, which ends this one
    )
