"""What a worker may read on the machine: Python, its packages, the system's libraries and fonts.

These are listed part by part, since other folders beside them do not belong to Python. A course may
keep its class and its results in the folder of a virtual environment.
"""

import site
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

# Parts of a folder with Python or the system installed: /usr, a virtual environment, conda's.
PARTS: Final = (
    "lib", "lib32", "lib64", "libx32", "libexec", "bin", "include", "etc/fonts",
    "share/fonts", "share/fontconfig", "share/zoneinfo", "share/locale", "share/terminfo",
    "share/texmf/fonts", "share/matplotlib",  # Debian's places for some fonts and for matplotlib
)  # fmt: skip
INSTALLED: Final = ("/usr", "/usr/local")
# None of these names a user, a host or a secret.
SYSTEM: Final = (
    "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime",
    "/dev/urandom", "/dev/random", "/dev/zero",
)  # fmt: skip
GRADER: Final = Path(__file__).resolve().parents[1]


def python_paths() -> set[Path]:
    """Return the existing parts of Python and its packages, under the names it knows them by."""
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    packages = [*site.getsitepackages(), *_of_user()]
    return {*_parts_of(prefixes), *filter(Path.exists, map(Path, packages))}


def _of_user() -> list[str]:
    """Return where `pip install --user` puts packages and their libraries, if Python looks there.

    Nothing else in the user's folder, which may be the whole home, is included.
    """
    if not site.ENABLE_USER_SITE:
        return []
    return [site.getusersitepackages(), str(Path(site.getuserbase(), "lib"))]


@cache
def readable_paths() -> tuple[Path, ...]:
    """Return the files and folders that a worker may read; they may contain the grader's own.

    They exist, contain no links, and none lies in another.
    """
    system = filter(Path.exists, map(Path, SYSTEM))
    paths = {path.resolve() for path in (*python_paths(), *_parts_of(INSTALLED), *system)}
    return tuple(sorted(path for path in paths if paths.isdisjoint(path.parents)))


def _parts_of(folders: Iterable[str]) -> Iterator[Path]:
    paths = (Path(folder, part) for folder in folders for part in PARTS)
    return filter(Path.exists, paths)


def without_grader(folder: Path) -> Iterator[Path]:
    """Yield paths that cover `folder` except the grader, with its rubric and mutants."""
    if folder == GRADER:
        return
    if folder not in GRADER.parents:
        yield folder
        return
    for part in folder.iterdir():
        yield from without_grader(part)
