"""Of Submitty's versions the active one is graded."""

import lms
import pytest
from lms import found_in, lay
from zips import zipped


def test_a_version_that_is_not_there_is_told(tmp_path, rubric):
    files = lms.SUBMITTY | {"submissions/ada/user_assignment_settings.json": lms.ACTIVE % 3}
    found = {s.student: s.problem for s in found_in(lay(tmp_path, files), rubric)}
    assert found["ada"] == (
        "the version that is active in Submitty is not in the download: download it again"
    )


TWENTY_FIVE = {
    **dict.fromkeys([f"ada/{n}/homework.py" for n in range(1, 26)], ""),
    "ada/user_assignment_settings.json": '{"active_version": 25, "history": []}',
}


@pytest.mark.parametrize("named", ["class", "class/ada", "class.zip"])
def test_of_many_versions_the_active_one_is_graded(tmp_path, rubric, named):
    lay(tmp_path / "class", TWENTY_FIVE)
    zipped(tmp_path / "class.zip", [(name, text.encode()) for name, text in TWENTY_FIVE.items()])
    (ada,) = found_in(tmp_path / named, rubric)
    assert (ada.student, [path.parent.name for path in ada.files]) == ("ada", ["25"])


SETTINGS = [
    "[]", "{}", "7", "{", "[" * 10_000, " " * 2_000_000, '{"active_version": true}',
    '{"active_version": "1"}', '{"active_version": 2, "history": 1}',
    '{"active_version": 2, "history": [1, {}]}',
    '{"active_version": 2, "history": [{"version": 2, "time": 3}]}',
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=[text[:40].strip() for text in SETTINGS])
def test_settings_that_tell_nothing_cost_the_time_only(tmp_path, rubric, settings):
    files = dict.fromkeys(["ada/1/homework.py", "ada/2/homework.py"], "")
    lay(tmp_path, files | {"ada/user_assignment_settings.json": settings})
    (ada,) = found_in(tmp_path, rubric)
    assert ([path.parent.name for path in ada.files], ada.owner.handed_in) == (["2"], None)
