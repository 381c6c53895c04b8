"""Folders that cannot be written to."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conftest import need
from times import PATIENCE


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make `folder` read-only: by a read-only mount for root, else by permissions."""
    if os.geteuid() == 0:
        need("mounts")
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True, timeout=PATIENCE)
        try:
            remount = ["mount", "-o", "remount,bind,ro", str(folder)]
            subprocess.run(remount, check=True, timeout=PATIENCE)
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=PATIENCE)
    else:
        folders = [folder, *(path for path in folder.iterdir() if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        yield
        for path in folders:
            path.chmod(0o755)
