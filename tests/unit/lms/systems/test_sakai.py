"""Whose a folder of Sakai's is."""

from lms import found_in, lay


def test_a_folder_of_one_student_is_no_groups(tmp_path, rubric):
    """Whatever they are called: two are in a group only as its list says."""
    folder = "Doe, Jane(jane); Eve, E(eve)"
    root = lay(tmp_path / "hw", {
        f"{folder}/timestamp.txt": "20261030110400", f"{folder}/Submission attachment(s)/x.py": "",
    })  # fmt: skip
    assert [s.owner.id for s in found_in(root, rubric)] == ["eve"]
