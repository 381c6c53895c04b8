"""What grades a single submission where a course's CI runs: Gradescope's image, GitHub's workflow.

The files as they are written stand in files/; here is only what of them depends on the course.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from grader.errors import UserError
from grader.rubric import RUBRIC_FILE, Rubric, to_toml
from grader.util.zipping import zipped

FILES = Path(__file__).with_name("files")
PACKAGE = Path(__file__).parents[2]
# What the grader is installed from, beside the package.
PROJECT = ("pyproject.toml", "constraints.txt", "README.md", "LICENSE")
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
REF = re.compile(r"[\w./-]+")


def gradescope(seed: int, extra_index_url: str | None, rubric: Rubric) -> bytes:
    """Return autograder.zip: the scripts that Gradescope runs, the grader, the rubric and the seed.

    Format: gradescope-autograders.readthedocs.io, "Autograder Specifications". Raise UserError
    where the grader was installed without what it can be installed from.
    """
    files = {
        PurePosixPath("setup.sh"): (FILES / "setup.sh").read_bytes(),
        PurePosixPath("run_autograder"): (FILES / "run_autograder").read_bytes(),
        PurePosixPath("seed"): f"{seed}\n".encode(),
    }
    if extra_index_url:
        conf = f"[global]\nextra-index-url = {extra_index_url}\n"
        files[PurePosixPath("pip.conf")] = conf.encode()
    for path in _sources():
        content = to_toml(rubric).encode() if path == RUBRIC_FILE else path.read_bytes()
        files[PurePosixPath("grader", path.relative_to(PACKAGE.parent))] = content
    return zipped(files)


def github(repository: str, ref: str) -> dict[PurePosixPath, str]:
    """Return the composite action, and the workflow that names it at `ref` of `repository`.

    Raise UserError where these are no names GitHub has.
    """
    if not REPOSITORY.fullmatch(repository):
        raise UserError(f"--repository {repository}: write OWNER/NAME")
    if not REF.fullmatch(ref):
        raise UserError(f"--ref {ref}: write a tag or, better, the hash of a commit")
    workflow = (FILES / "homework.yml").read_text(encoding="utf-8")
    workflow = workflow.replace("@REPOSITORY@", repository).replace("@REF@", ref)
    return {
        PurePosixPath("course", "action.yml"): (FILES / "action.yml").read_text(encoding="utf-8"),
        PurePosixPath("student", ".github", "workflows", "homework.yml"): workflow,
    }


def _sources() -> Iterator[Path]:
    """Yield the files of the package, and those it is installed from."""
    for name in PROJECT:
        path = PACKAGE.parent / name
        if not path.is_file():
            raise UserError(f"{path} is missing: run this in a checkout of the repository")
        yield path
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
