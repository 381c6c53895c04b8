"""Self-checks as students start them, except that torch is imported once: each is a fork.

Importing torch takes longer than checking a function. Tests about the process (what it inherits,
what ends it) start a separate self-check.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Each line of standard input is a request, done by a fork; a line of output is its exit code.
FORKS = """
import json, os, runpy, sys, tempfile, traceback
import torch

def check(folder, arguments, environment, out, errors):
    os.chdir(folder)
    os.environ.update(environment)
    tempfile.tempdir = None  # it may be another one now
    for descriptor, path in ((0, os.devnull), (1, out), (2, errors)):
        os.dup2(os.open(path, os.O_RDWR), descriptor)
    sys.argv = ["selfcheck", *arguments]
    sys.path.insert(0, folder)
    try:
        runpy.run_module("selfcheck", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        status = check(*json.loads(line))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class SelfChecks:
    """Runs self-checks as forks of one Python that ran `prepare` first; `close` ends it."""

    def __init__(self, prepare: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-X", "utf8", "-c", prepare + FORKS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, text=True,
        )  # fmt: skip

    def run(
        self, folder: Path, arguments: Sequence[str], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `python -m selfcheck ARGUMENT...` in a student's folder."""
        assert self._process.stdin
        assert self._process.stdout
        with tempfile.TemporaryDirectory() as written:
            out, errors = Path(written, "out"), Path(written, "errors")
            for path in (out, errors):
                path.touch()
            request = [str(folder), list(arguments), environment, str(out), str(errors)]
            print(json.dumps(request), file=self._process.stdin, flush=True)
            status = int(self._process.stdout.readline())
            texts = [path.read_text(encoding="utf-8") for path in (out, errors)]
        return subprocess.CompletedProcess(["selfcheck", *arguments], status, *texts)

    def close(self) -> None:
        """End the process that forks."""
        self._process.communicate()
        assert self._process.returncode == os.EX_OK
