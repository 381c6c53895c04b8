"""Replace the command line's process by a grading process that starts without secrets.

The workers descend from the grading process by fork, and a fork inherits everything: the command
line with its seed, the environment with its passwords, whatever is in memory. So the grading
process is a fresh program with a bare command line and environment, which imports torch, forks
the zygote, and only then reads its job. torch is imported once for the scorer and all workers.
"""

import os
import sys
from typing import NoReturn

import msgspec

from grader.jobs import Job

# The terminal's look, the locale, and where caches lie; nothing a course would keep secret.
KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "TERM", "COLUMNS", "LINES", "COLORTERM", "NO_COLOR",
    "FORCE_COLOR", "TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR",
)  # fmt: skip


def replace_process(job: Job) -> NoReturn:
    """Run `job` in place of this process. Needs Linux: fork and memfd."""
    descriptor = os.memfd_create("job")
    os.set_inheritable(descriptor, True)
    os.write(descriptor, msgspec.msgpack.encode(job))
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    # torch._dynamo makes its cache folder, in TMPDIR, when it is imported; "/" is there already.
    environment["TORCHINDUCTOR_CACHE_DIR"] = os.sep
    # -I: neither the current folder nor PYTHONPATH can shadow a module.
    command = [sys.executable, "-I", "-m", "grader.grading", str(descriptor)]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)
