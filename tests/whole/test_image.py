"""The container image, made by the steps of the Dockerfile as far as that goes without Docker.

Not tested: that python:3.11-slim holds all that this machine's system gives here, what pip takes
from an index, and Docker itself. tests/support/image.py says what stands in for them.
"""

import json
import shutil

import container
import pytest
from corpus import CORPUS, differences, records_in
from image import PYTHON, Image

import grader

pytestmark = pytest.mark.needs("mounts", "crun")

CLASS = ("ada_lindqvist.py", "sign_of_b2.ipynb", "report_in_one_script.py")
USERS = {
    "the image's": None,
    "a teacher": container.User(1234, ()),
    "root": container.ADMINISTRATOR,
}


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    folder = tmp_path_factory.mktemp("image")
    (folder / "rootfs").mkdir()
    return Image(folder)


@pytest.fixture
def course(reachable):
    """Give the folder of a course, with a class, as it is mounted."""
    (reachable / "class").mkdir()
    for name in CLASS:
        shutil.copy(CORPUS / name, reachable / "class")
    return reachable


def test_the_images_command_is_the_grader(image, course):
    done = image.run(course, "--version")
    assert (done.returncode, done.stdout) == (0, f"grader {grader.__version__}\n"), done.stderr


def test_the_images_python_is_what_the_rubric_names(image, rubric):
    assert image.base == f"python:{rubric.software.python}-slim"


@pytest.mark.parametrize("user", USERS)
def test_a_class_is_graded_in_a_mounted_folder(image, course, user):
    options = ["--out", "results", "--seed", 2**127]
    done = image.run(course, "grade", "class", *options, user=USERS[user])
    assert done.returncode == 0, done.stderr
    results = course / "results"
    assert records_in(results).keys() == set(CLASS)
    assert differences(results) == {}
    record = json.loads((results / "ada_lindqvist" / "result.json").read_bytes())
    assert {"session", "rlimits", "capabilities", "seccomp"} <= set(record["isolation"])
    assert ("uid" in record["isolation"]) == (user == "root")
    assert "not in force here: folder (Operation not permitted)" in done.stdout
    shown = (results / "ada_lindqvist" / "feedback.html").read_text(encoding="utf-8")
    assert PYTHON not in shown
    (owner,) = {path.stat().st_uid for path in results.rglob("*")}
    assert owner == (USERS[user].uid if USERS[user] else 10001)
