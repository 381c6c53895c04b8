"""Marks and the points that a system's table is out of."""

from contextlib import nullcontext

import pytest
from finals import mark

from grader.errors import UserError
from grader.lms.systems import canvas, moodle

SCALES = [("20", True), ("20.00", True), ("20,00", True), ("", True), ("0", True), ("-", True),
          ("10", False), ("100.00", False), ("1.020,00", False), ("1 020,0", False)]  # fmt: skip


@pytest.mark.parametrize(("most", "fits"), SCALES)
def test_marks_out_of_other_points_are_refused(most, fits):
    possible = f'Student,ID,HW (5)\nPoints Possible,,"{most}"\nA,1,\n'
    worksheet = f'Identifier,Full name,Grade,Maximum Grade\nParticipant 1,A,,"{most}"\n'
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert canvas.merge(possible, [mark("A", 10)], "HW", 20).problems == []
    with nullcontext() if fits else pytest.raises(UserError, match=f"is out of {most}, and"):
        assert moodle.merge(worksheet, [mark("A", 10)]).problems == []
