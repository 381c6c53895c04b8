"""results.json is as Gradescope's specification says."""

import json
import re

from exported import HOSTILE
from finals import mark
from msgspec.structs import replace

from grader.lms.systems import gradescope
from grader.results.record import SourceNote

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
