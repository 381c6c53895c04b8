"""The files that grade one submission in a course's CI: Gradescope's image, GitHub's workflow.

The fixed files are in files/; this module adds only what depends on the course.
"""

import re
from pathlib import Path, PurePosixPath

from grader.authoring.wheel import wheel_of
from grader.errors import UserError
from grader.rubric import Rubric
from grader.util.zipping import zipped

FILES = Path(__file__).with_name("files")
CONSTRAINTS = "constraints.txt"  # in files/ a link to the repository's, and a copy in a wheel
COURSE = PurePosixPath("course")  # for staff only
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
REF = re.compile(r"[\w./-]+")


def gradescope(seed: int, extra_index_url: str | None, rubric: Rubric) -> bytes:
    """Return autograder.zip: the scripts that Gradescope runs, the grader, the rubric and the seed.

    Format: gradescope-autograders.readthedocs.io, "Autograder Specifications". Raises UserError as
    `wheel_of` does.
    """
    files = {
        PurePosixPath("setup.sh"): (FILES / "setup.sh").read_bytes(),
        PurePosixPath("run_autograder"): (FILES / "run_autograder").read_bytes(),
        PurePosixPath("seed"): f"{seed}\n".encode(),
    }
    if extra_index_url:
        conf = f"[global]\nextra-index-url = {extra_index_url}\n"
        files[PurePosixPath("pip.conf")] = conf.encode()
    return zipped(files | _grader(rubric))


def github(repository: str, ref: str, rubric: Rubric) -> dict[PurePosixPath, bytes]:
    """Return the files of the course's repository, and of the students'.

    The course's are a composite action and the grader that it installs; a student's is a workflow
    that names the action at `ref` of `repository`. Raises UserError if GitHub allows no such names,
    and as `wheel_of` does.
    """
    if not REPOSITORY.fullmatch(repository):
        raise UserError(f"--repository {repository}: write OWNER/NAME")
    if not REF.fullmatch(ref):
        raise UserError(f"--ref {ref}: write a tag or, better, the hash of a commit")
    workflow = (FILES / "homework.yml").read_text(encoding="utf-8")
    workflow = workflow.replace("@REPOSITORY@", repository).replace("@REF@", ref)
    action = {PurePosixPath("action.yml"): (FILES / "action.yml").read_bytes()}
    return {
        **{COURSE / path: content for path, content in (action | _grader(rubric)).items()},
        PurePosixPath("student", ".github", "workflows", "homework.yml"): workflow.encode(),
    }


def _grader(rubric: Rubric) -> dict[PurePosixPath, bytes]:
    """Return the files for installing the grader: a wheel, and the tested versions."""
    constraints = {PurePosixPath(CONSTRAINTS): (FILES / CONSTRAINTS).read_bytes()}
    return constraints | wheel_of(rubric)
