"""Run a command as an ordinary user, for tests run by root."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from times import PATIENCE

USER = 12345
ROOT = Path(__file__).parents[2]
# It has its own mounts, so that Python may lie in a folder closed to that user. Each `owned` file
# is replaced by a copy that the user owns.
AS_USER = """
import os, shutil, subprocess, sys
from pathlib import Path
from grader.confined import kernel
user, folder, owned, *command = sys.argv[1:]
kernel.own_mounts()
kernel.make_reachable(map(Path, [sys.prefix, sys.base_prefix, os.getcwd(), folder]))
if owned:
    copy = Path(folder, "owned")
    shutil.copyfile(owned, copy)
    os.chown(copy, int(user), int(user))
    subprocess.run(["mount", "--bind", copy, owned], check=True)
kernel.become(int(user))
os.execve(command[0], command, {"TMPDIR": folder, "HOME": folder})
"""


def run(
    command: Sequence[object], folder: Path, owned: Path | None = None, user: int = USER
) -> subprocess.CompletedProcess[str]:
    """Run a command as a user who can write to `folder` and owns Python's file `owned`."""
    folder.mkdir(exist_ok=True)
    os.chown(folder, user, user)
    words = [str(user), str(folder), str(owned or ""), *map(str, command)]
    return subprocess.run(
        [sys.executable, "-c", AS_USER, *words],
        capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT,
    )  # fmt: skip
