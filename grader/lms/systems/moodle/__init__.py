"""Moodle: its downloads, and its offline grading worksheet, with times and marks."""

from collections.abc import Sequence

from grader.lms.marks import Mark, Merged, merged_into
from grader.lms.system import Export, ExportOptions, System
from grader.lms.systems.moodle.download import PATTERN, recognise
from grader.lms.systems.moodle.merging import merge
from grader.lms.systems.moodle.times import TIMES
from grader.lms.systems.moodle.worksheet import NAME


def _export(marks: Sequence[Mark], options: ExportOptions, max_score: float) -> Merged:
    assert options.into  # guaranteed by `needs`
    return merged_into(options.into, lambda text: merge(text, marks))


SYSTEM = System(
    NAME,
    recognise,
    patterns=[PATTERN],
    times=TIMES,
    export=Export("moodle", _export, needs=("out", "into")),
)
