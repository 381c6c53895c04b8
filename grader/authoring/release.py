"""Generate the students' folder and the solution from the rubric and the templates of material/.

The module, the notebooks and the handout are made from the same templates, so they cannot drift.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

from grader.errors import UserError
from grader.homework.cases import public_cases_json
from grader.homework.material import rendered
from grader.homework.material.module import stub_of
from grader.homework.material.notebook import handout_of, notebook_of
from grader.homework.material.solution import solution_of
from grader.homework.rubric import Rubric
from grader.judging.messages import LOCALE
from grader.util.atomic import EVERYBODY, STAFF, write_atomically
from grader.util.zipping import zipped

PACKAGE = Path(__file__).parent
SOLUTION, ASSIGNMENT = Path("solution"), Path("assignment")
ARCHIVE = "homework.zip"

# The grader's own code that the self-check runs: module of grader -> file of selfcheck.
TRAVELLING = {
    "selfcheck.__init__": "__init__.py",
    "selfcheck.cautions": "cautions.py",
    "selfcheck.checking": "checking.py",
    "selfcheck.reading": "reading.py",
    "selfcheck.running": "running.py",
    "selfcheck.showing": "showing.py",
    "selfcheck.tasks": "tasks.py",
    "selfcheck.timing": "timing.py",
    "selfcheck.watching": "watching.py",
    "errors": "errors.py",
    "submissions.__init__": "submissions.py",
    "submissions.read": "read.py",
    "by_code": "by_code.py",
    "judging": "judging.py",
    "diagnosis": "diagnosis.py",
    "verdicts": "verdicts.py",
    "catalogue": "catalogue.py",
    "confined.contract": "contract.py",
    "confined.names": "names.py",
    "confined.asked": "asked.py",
    "confined.calls": "calls.py",
    "confined.files": "files.py",
    "confined.folder": "folder.py",
    "confined.following": "following.py",
    "confined.formulas": "formulas.py",
    "confined.guards": "guards.py",
    "confined.hints": "hints.py",
    "confined.magics": "magics.py",
    "confined.modules": "modules.py",
    "confined.parsing": "parsing.py",
    "confined.plots": "plots.py",
    "confined.screening": "screening.py",
    "confined.shell": "shell.py",
    "confined.state": "state.py",
    "confined.student": "student.py",
    "confined.versions": "versions.py",
}
SELFCHECK_MAIN = '''"""Run `python -m selfcheck FILE`."""

import sys

from selfcheck import main

sys.exit(main())
'''


LANGUAGES = {"": False, ".zh_Hant": True}  # what a file's name has of it, and whether it is Chinese


def release(rubric: Rubric, root: Path, out: Path, students: Sequence[str] = ()) -> Iterator[Path]:
    """Write all that is generated below `root`, and the students' archive in `out`; yield paths.

    Each of `students` gets an archive of their own, with data and public cases drawn from their
    name. Raises UserError where the homework is the same for all students, and ValueError where a
    template is off.
    """
    if students and not rubric.homework.per_student:
        raise UserError("an archive for each student needs per_student = true in the rubric")
    generated = generate(rubric)
    for path, content in generated.items():
        is_handed_out = path.is_relative_to(ASSIGNMENT)  # the solution is for the staff
        write_atomically(root / path, content, EVERYBODY if is_handed_out else STAFF)
        yield root / path
    write_atomically(out / ARCHIVE, archive_of(generated), EVERYBODY)
    yield out / ARCHIVE
    for student in students:
        path = out / student / ARCHIVE
        archive = archive_of(_assignment(rubric.released_to(student)))
        write_atomically(path, archive, EVERYBODY)
        yield path


def archive_of(generated: Mapping[Path, str | bytes]) -> bytes:
    """Return what students are given as one zip archive, the same for the same content."""
    return zipped(
        {
            PurePosixPath("homework", path.relative_to(ASSIGNMENT)): (
                content.encode() if isinstance(content, str) else content
            )
            for path, content in generated.items()
            if path.is_relative_to(ASSIGNMENT)
        }
    )


def generate(rubric: Rubric) -> dict[Path, str | bytes]:
    """Return what is generated: paths relative to the root, and contents."""
    solution = {SOLUTION / name: text for name, text in solution_of(rubric).items()}
    return {**solution, **_assignment(rubric)}


def _assignment(rubric: Rubric) -> dict[Path, str | bytes]:
    return {**_homework(rubric), **_selfcheck(rubric)}


def _license() -> str:
    """Return the licence: of a checkout, or as it was installed."""
    file = PACKAGE.parent / "LICENSE"
    if file.exists():
        return file.read_text(encoding="utf-8")
    installed = distribution("sigmoid-homework-grader").read_text("licenses/LICENSE")
    if installed is None:
        raise UserError(f"{file}: is not there, and the installed package has no licence either")
    return installed


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
        check / "__main__.py": SELFCHECK_MAIN,
        check / "public_cases.json": public_cases_json(rubric),
    }
    for name, target in TRAVELLING.items():
        source = PACKAGE.joinpath(*name.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        files[check / target] = travelling(source)
    for messages in sorted(LOCALE.rglob("*.mo")):
        files[check / LOCALE.name / messages.relative_to(LOCALE)] = messages.read_bytes()
    return files


def travelling(source: str) -> str:
    """Return a grader module's source as a module of the package selfcheck."""
    imported = r"(?m)^from grader\.(?:(?:confined|selfcheck|submissions)\.)?(\w+) import"
    return re.sub(imported, r"from selfcheck.\1 import", source)
