"""Parts that some tests need and a machine may lack: how to detect and get each.

A test says `@pytest.mark.needs("chromium")`, a fixture calls `conftest.need("chromium")`. Tests
with a missing part are skipped and listed at the end of the run, or fail if
GRADER_TESTS_REQUIRE_ALL is set.

    python3 tests/support/parts.py      prints Debian's packages for the parts missing here
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import container
import postgres

CHROMIUM = ("chromium", "chromium-browser")
BUILD = Path(__file__).parents[2] / "build"
FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
LANDLOCK_CREATE_RULESET, ASK_VERSION = 444, 1  # the kernel's numbers, on every processor


@dataclass(frozen=True)
class Part:
    """Something a machine may lack: a test for it, and Debian's packages or another way."""

    is_here: Callable[[], bool]
    packages: str = ""
    otherwise: str = ""

    @property
    def how_to_get(self) -> str:
        """The command to type, or what to do."""
        if not self.packages:
            return self.otherwise
        if not shutil.which("apt-get"):
            return f"install {self.packages}, as Debian calls it"
        command = f"apt-get update && apt-get install -y --no-install-recommends {self.packages}"
        return command if os.geteuid() == 0 else f"as root: {command}"


def on_path(*names: str) -> Callable[[], bool]:
    """Return a test whether one of these programs is on the path."""
    return lambda: any(map(shutil.which, names))


def has_fonts() -> bool:
    """Tell whether a Latin font and one for Traditional Chinese are installed."""
    wanted = ("LiberationSans-Regular*", "NotoSansCJK*")
    return all(any(path for folder in FONTS for path in folder.rglob(name)) for name in wanted)


def can_mount() -> bool:
    """Tell whether this user may mount a file system; tried invisibly to other processes."""
    trial = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(trial, stderr=subprocess.DEVNULL).returncode == 0


def has_all_layers() -> bool:
    """Tell whether the kernel offers all layers of confinement, to any user."""
    version = ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, ASK_VERSION)
    trial = ["unshare", "--user", "--mount", "true"]
    return version >= 6 and subprocess.run(trial, stderr=subprocess.DEVNULL).returncode == 0


def installed(*environments: str) -> Callable[[], bool]:
    """Return a test whether make has finished these environments below build/."""
    return lambda: all((BUILD / name / ".installed").exists() for name in environments)


PARTS = {
    "chromium": Part(on_path(*CHROMIUM), "chromium"),
    "fonts": Part(has_fonts, "fonts-liberation fonts-noto-cjk"),
    "postgresql": Part(lambda: postgres.programs() is not None, "postgresql"),
    "crun": Part(
        lambda: bool(shutil.which("crun")) and container.PROFILE.exists(),
        "crun golang-github-containers-common",
    ),
    "cuda": Part(installed("torch-cuda"), otherwise="make cuda"),
    "peers": Part(
        installed("bench-env/otter-grader", "bench-env/nbgrader"), otherwise="make peers"
    ),
    "layers": Part(has_all_layers, otherwise="Linux 6.12, and no container that forbids mounts"),
    "mounts": Part(can_mount, otherwise="run the tests as root, with CAP_SYS_ADMIN"),
    "root": Part(lambda: os.geteuid() == 0, otherwise="run the tests as root"),
}


def missing() -> dict[str, Part]:
    """Return the missing parts."""
    return {name: part for name, part in PARTS.items() if not part.is_here()}


if __name__ == "__main__":
    print(" ".join(part.packages for part in missing().values() if part.packages))
