"""A wheel of the grader, and a fresh environment with it, as users have.

Third-party packages are copied from the tests' environment, but only those that the wheel requires,
and without the checkout.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from times import PATIENCE

ROOT = Path(__file__).parents[2]
GRADER = "sigmoid-homework-grader"
# The files that the wheel is made from.
PROJECT = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")


def copy_project(folder: Path) -> Path:
    """Copy the files that the wheel is made from, so that nothing is written to the checkout."""
    shutil.copytree(
        ROOT / "grader", folder / "grader", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in PROJECT:
        shutil.copy(ROOT / name, folder)
    return folder


def build_wheel(project: Path, folder: Path) -> Path:
    """Build a project's wheel in `folder`, without a network."""
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    run = [*command, "--wheel-dir", folder, project]
    subprocess.run(run, check=True, timeout=PATIENCE)
    (wheel,) = folder.glob("*.whl")
    return wheel


def fresh_environment(folder: Path, *more: str) -> Path:
    """Make a virtual environment with the requirements of the grader and `more`; return it."""
    create = [sys.executable, "-m", "venv", "--without-pip", folder]
    subprocess.run(create, check=True, timeout=PATIENCE)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in sorted(_needed([GRADER, *more]) - {GRADER}):
        _copy(_installed(name), packages)
    return folder


def install(wheel: Path, environment: Path) -> None:
    """Install a wheel; raise CalledProcessError if a requirement is missing."""
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python"]
    options = ["--no-index", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *options, wheel], check=True, timeout=PATIENCE)


def _needed(names: Iterable[str]) -> set[str]:
    """Return these distributions and all their requirements, recursively."""
    waiting, known = [Requirement(name) for name in names], set[Requirement]()
    while waiting:
        asked_for = waiting.pop()
        if asked_for not in known:
            known.add(asked_for)
            waiting.extend(_requirements(asked_for))
    return {each.name.casefold().replace("_", "-") for each in known}


def _installed(name: str) -> Distribution:
    """Return a distribution as pip installed it, not what an older build left in the checkout."""
    return next(each for each in distributions(name=name) if each.read_text("METADATA"))


def _requirements(package: Requirement) -> Iterator[Requirement]:
    extras = ["", *package.extras]
    for each in map(Requirement, _installed(package.name).requires or []):
        if not each.marker or any(each.marker.evaluate({"extra": extra}) for extra in extras):
            yield each


def _copy(package: Distribution, folder: Path) -> None:
    """Copy a distribution to a folder, without its scripts, which name another Python."""
    home = Path(str(package.locate_file("")))
    for name in {path.parts[0] for path in package.files or []} - {".."}:
        if (home / name).is_dir():
            shutil.copytree(home / name, folder / name, copy_function=_link, dirs_exist_ok=True)
        elif (home / name).exists():
            _link(home / name, folder / name)


def _link(source: str | Path, target: str | Path) -> None:
    """Make a hard link, as torch alone is 700 MB; copy if that fails, as across file systems."""
    if Path(target).exists():  # several packages' files, in one folder
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
