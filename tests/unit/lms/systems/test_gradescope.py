"""Gradescope: its metadata say whose each submission is, and its results.json is as specified."""

import json
import re

import lms
import pytest
from discovering import discover
from exported import HOSTILE
from finals import mark
from lms import found_in, lay
from msgspec.structs import replace
from zips import patched, zipped

from grader.lms.systems import gradescope
from grader.results.record import SourceNote
from grader.submissions.archives import Archives

# The specification's fields, and what each may hold

TOP = {
    "score": (int, float), "execution_time": (int, float), "output": str, "output_format": str,
    "visibility": str, "stdout_visibility": str, "tests": list, "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": (int, float), "max_score": (int, float), "status": str, "name": str, "output": str,
    "output_format": str, "visibility": str,
}  # fmt: skip
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}


def test_gradescope_reads_what_its_specification_says():
    final = mark("ada", 8, message=HOSTILE).final
    final = replace(final, record=replace(final.record, notes=[SourceNote("line 3", "<b>")]))
    results = json.loads(json.dumps(gradescope.results(final)))
    assert all(isinstance(value, TOP[name]) for name, value in results.items())
    (test,) = results["tests"]
    assert all(isinstance(value, TEST[name]) for name, value in test.items())
    assert {results["visibility"], results["stdout_visibility"], test["visibility"]} <= VISIBILITIES
    assert {results["output_format"], test["output_format"]} <= FORMATS
    assert (test["score"], test["max_score"], test["status"]) == (8, 20, "failed")
    assert results["score"] == 7.5
    assert results["leaderboard"] == [{"name": "loss (net)", "value": 0.004, "order": "asc"}]
    assert not re.search(r"(?<!\\)[<>`*\[\]|_&]", test["output"])


GRADESCOPE_IDS = """\
submission_1:
  :submitters:
  - :name: Ada
    :sid: '007'
    :email: ada@example.org
submission_2:
  :submitters:
  - :name: Eve
    :sid: '007'
    :email: eve@example.org
submission_3:
  :submitters:
  - :name: Ben
    :sid: ''
    :email: ben@example.org
submission_4:
  :submitters:
  - :name: Mallory
    :sid: ben@example.org
    :email: mallory@example.org
"""


def test_an_id_that_two_typed_in_is_nobodys(tmp_path, rubric):
    """Gradescope knows its users by their addresses; what id they have they may say themselves."""
    files = dict.fromkeys([f"submission_{number}/x.py" for number in (1, 2, 3, 4)], "")
    remarks: list[str] = []
    root = lay(tmp_path / "class", {"submission_metadata.yml": GRADESCOPE_IDS, **files})
    found = found_in(root, rubric, remark=remarks.append)
    assert {s.student: s.owner.id for s in found} == {
        "Ada": "ada@example.org",
        "Ben": "ben@example.org",
        "Eve": "eve@example.org",
        "Mallory": "mallory@example.org",
    }
    assert len([line for line in remarks if "belongs to another student too" in line]) == 3


def test_metadata_that_is_refused_is_told(tmp_path, rubric):
    entries = [
        ("submission_metadata.yml", lms.METADATA.encode()),
        ("submission_101/homework.py", b""),
    ]
    archive = zipped(tmp_path / "class.zip", entries)
    found = found_in(patched(archive, only=("submission_metadata",), flags=1), rubric)
    told = {s.student: s.problem for s in found}
    assert told["submission_101"] is None
    assert "submission_metadata.yml is encrypted in its archive" in told["submission_metadata"]


# A text of some gigabytes, were it written out.
LAUGHS = "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10) if n else 'x'}]\n" for n in range(9)
)
LAUGHS += "submission_101: {':created_at': *a8, ':submitters': [{':sid': *a8, ':name': *a8}]}\n"
TELL_NOTHING = ["", "- a", "{", "a: *b", "submission_101: 3", "[" * 10_000, LAUGHS]


@pytest.mark.parametrize("metadata", TELL_NOTHING, ids=[text[:20] for text in TELL_NOTHING])
def test_metadata_that_tells_nothing_costs_names_only(tmp_path, rubric, metadata):
    files = {"submission_metadata.yml": metadata, "submission_101/homework.py": ""}
    (submission,) = found_in(lay(tmp_path / "class", files), rubric)
    assert submission.student == "submission_101"
    assert submission.problem is None


def test_each_file_was_handed_in_when_its_export_says(tmp_path, rubric):
    for month in ("10", "11"):
        text = lms.METADATA.replace("2026-10", f"2026-{month}")
        files = {"submission_metadata.yml": text, "submission_101/homework.py": ""}
        lay(tmp_path / month, files)
    with Archives(rubric.archives, rubric.limits.source_bytes) as archives:
        (ada,) = discover([tmp_path / "10", tmp_path / "11"], archives)
    assert [(path.parts[-3], ada.moments[path].at.month) for path in ada.files] == [
        ("10", 10), ("11", 11),
    ]  # fmt: skip
