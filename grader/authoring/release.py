"""Generate the students' folder and the solution from the rubric and the templates of material/.

The module, the notebooks and the handout are made from the same templates, so they cannot drift.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from grader.authoring.wheel import installed_license
from grader.errors import UserError
from grader.material import rendered
from grader.material.module import stub_of
from grader.material.notebook import handout_of, notebook_of
from grader.material.solution import solution_of
from grader.rubric import Rubric
from grader.rubric.cases import public_cases_json
from grader.util.atomic import EVERYBODY, STAFF, write_atomically
from grader.util.zipping import zipped

PACKAGE = Path(__file__).parents[1]
SOLUTION, ASSIGNMENT = Path("solution"), Path("assignment")
ARCHIVE = "homework.zip"

# The parts of the grader that students are given; they import nothing but each other.
TRAVELLING = (
    "errors.py",
    "source",
    "student_code",
    "judging",
    "homework/__init__.py",
    "selfcheck",
)
COPIED = (".py", ".mo")
SELFCHECK_INIT = '''"""Check your work: `check()` in a notebook, else `python -m selfcheck FILE`."""

from .selfcheck import check

__all__ = ["check"]
'''
SELFCHECK_MAIN = '''"""Run `python -m selfcheck FILE`."""

import sys

from .selfcheck import main

sys.exit(main())
'''


LANGUAGES = {"": False, ".zh_Hant": True}  # suffix of a file's name, and whether it is Chinese


def release(rubric: Rubric, root: Path, out: Path, students: Sequence[str] = ()) -> Iterator[Path]:
    """Write the generated files below `root`, and the students' archive to `out`; yield paths.

    Each of `students` gets their own archive, with data and public cases drawn from their name.
    Raises UserError if the homework is the same for all students, and ValueError if a template is
    faulty.
    """
    if students and not rubric.homework.per_student:
        raise UserError("one archive per student needs per_student = true in the rubric")
    contents = generate(rubric)
    for path, content in contents.items():
        is_handed_out = path.is_relative_to(ASSIGNMENT)  # the solution is for staff only
        write_atomically(root / path, content, EVERYBODY if is_handed_out else STAFF)
        yield root / path
    write_atomically(out / ARCHIVE, archive_of(contents), EVERYBODY)
    yield out / ARCHIVE
    for student in students:
        path = out / student / ARCHIVE
        archive = archive_of(_assignment(rubric.released_to(student)))
        write_atomically(path, archive, EVERYBODY)
        yield path


def archive_of(contents: Mapping[Path, str | bytes]) -> bytes:
    """Return the students' files as one zip archive; equal content gives equal bytes."""
    return zipped(
        {
            PurePosixPath("homework", path.relative_to(ASSIGNMENT)): (
                content.encode() if isinstance(content, str) else content
            )
            for path, content in contents.items()
            if path.is_relative_to(ASSIGNMENT)
        }
    )


def generate(rubric: Rubric) -> dict[Path, str | bytes]:
    """Return the generated files: paths relative to the root, and contents."""
    solution = {SOLUTION / name: text for name, text in solution_of(rubric).items()}
    return {**solution, **_assignment(rubric)}


def _assignment(rubric: Rubric) -> dict[Path, str | bytes]:
    return {**_homework(rubric), **_selfcheck(rubric)}


def _license() -> str:
    """Return the licence, from a checkout or as installed."""
    file = PACKAGE.parent / "LICENSE"
    if file.exists():
        return file.read_text(encoding="utf-8")
    return installed_license()


def _homework(rubric: Rubric) -> dict[Path, str | bytes]:
    stub = stub_of(rendered("homework.py.j2", rubric))
    files: dict[Path, str | bytes] = {
        ASSIGNMENT / "homework.py": stub,
        ASSIGNMENT / "LICENSE": _license(),
    }
    for suffix, zh in LANGUAGES.items():
        prose = rendered("handout.md.j2", rubric, zh=zh)
        notebook = notebook_of(prose, stub, with_solution=False)
        files[ASSIGNMENT / f"homework{suffix}.ipynb"] = notebook
        files[ASSIGNMENT / f"README{suffix}.md"] = handout_of(prose)
    return files


def _selfcheck(rubric: Rubric) -> dict[Path, str | bytes]:
    check = ASSIGNMENT / "selfcheck"
    files: dict[Path, str | bytes] = {
        check / "__init__.py": SELFCHECK_INIT,
        check / "__main__.py": SELFCHECK_MAIN,
        check / "public_cases.json": public_cases_json(rubric),
        check / "homework" / "loss.py": rubric.package.LOSS_FILE.read_bytes(),
    }
    return files | {check / path: content for path, content in travelling_files().items()}


def travelling_files() -> dict[PurePosixPath, bytes]:
    """Return the parts of the grader that students are given, by path in the package."""
    paths = [path for name in TRAVELLING for path in _files_at(PACKAGE / name)]
    return {
        PurePosixPath(path.relative_to(PACKAGE)): path.read_bytes()
        for path in paths
        if path.suffix in COPIED
    }


def _files_at(path: Path) -> list[Path]:
    return sorted(path.rglob("*")) if path.is_dir() else [path]
