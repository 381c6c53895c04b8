"""Of nbgrader's assignments one is graded."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from discovering import discover
from lms import found_in, lay

from grader.submissions.archives import Archives
from grader.submissions.search import NothingToGrade


def nbgrader_course(root: Path, files: Mapping[str, str]) -> Path:
    """Lay out what two students submitted for ps1 in October and ps2 in November."""
    for student in ("ada", "ben"):
        for month, (assignment, file) in enumerate(files.items(), 10):
            folder = f"submitted/{student}/{assignment}"
            moment = f"2026-{month}-01 09:30:00.0 UTC"
            lay(root, {f"{folder}/{file}": "", f"{folder}/timestamp.txt": moment})
    return root / "submitted"


def test_of_several_assignments_the_homework_is_meant(tmp_path, rubric):
    submitted = nbgrader_course(tmp_path, {"ps1": "homework.ipynb", "ps2": "series.ipynb"})
    found = found_in(submitted, rubric)
    assert [(s.student, [p.parent.name for p in s.files]) for s in found] == [
        ("ada", ["ps1"]), ("ben", ["ps1"]),
    ]  # fmt: skip
    assert {moment.at.month for s in found for moment in s.moments.values()} == {10}


@pytest.mark.parametrize("files", [("a.ipynb", "b.ipynb"), ("homework.ipynb", "homework.py")])
def test_of_several_assignments_one_is_to_be_named(tmp_path, rubric, files):
    submitted = nbgrader_course(tmp_path, dict(zip(("ps1", "ps2"), files, strict=True)))
    with pytest.raises(NothingToGrade) as raised:
        found_in(submitted, rubric)
    assert str(raised.value) == (
        f"{submitted} holds several assignments (ps1, ps2), and not just one with files called "
        "homework: name the folders of one, submitted/*/ps1"
    )
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        lines: list[str] = []
        found = discover(sorted(submitted.glob("*/ps2")), archives, remark=lines.append)
    assert [(s.student, s.owner.system) for s in found] == [
        ("ada", "nbgrader"), ("ben", "nbgrader"),
    ]  # fmt: skip
    (line,) = lines
    assert line.endswith("ada: read as a download from nbgrader (and 1 more folder): 2 students")
    assert {moment.at.month for s in found for moment in s.moments.values()} == {11}
