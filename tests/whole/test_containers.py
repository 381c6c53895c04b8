"""The same marks in a container as Docker makes one, without user namespaces, as root or not."""

import csv
import json
import shutil

import container
import pytest
from conftest import GRADER, ROOT
from corpus import CORPUS, EXPECTED_MARKS, differences, mark_of, records_in
from hostile import attacks

pytestmark = pytest.mark.needs("mounts", "crun")

# Right ones, and mistakes with a name.
HOMEWORKS = (
    "ada_lindqvist.py", "magics_everywhere.ipynb", "numpy_detour.py", "autograd_inside.py",
    "float32_cast.py", "sign_of_b2.ipynb", "report_in_one_script.py", "中文註解.ipynb",
)  # fmt: skip
HOGS = (
    "fork_bomb",
    "thread_bomb",
    "memory_hog",
    "file_hog_large",
    "file_hog_small",
    "nested_folders",
    "kill_group",
    "kill_parent",
)
# What it writes a worker keeps to itself, also where it has no file system of its own.
WRITER = """
import os
def _noted(text):
    with open("log.txt", "a+") as log:
        log.write(text)
        log.seek(0)
        assert "called" in log.read()
    for outside in ("..", "/dev/shm", "/tmp"):
        try:
            os.listdir(outside)
        except PermissionError:
            continue
        raise AssertionError(outside)
"""
LEFT_BEHIND = "left in shared memory: "
USERS = {"ordinary": container.ORDINARY, "root": container.ADMINISTRATOR}


@pytest.fixture(scope="module")
def submissions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    folder.chmod(0o755)  # for the user in the container
    for name in HOMEWORKS:
        shutil.copy(CORPUS / name, folder)
    for name in HOGS:
        attack = ROOT / "tests" / "hostile" / "resources" / f"{name}.py"
        (folder / attack.name).write_text(attacks.assembled(attack), encoding="utf-8")
    solution = (ROOT / "solution" / "homework.py").read_text(encoding="utf-8")
    marker = "    h = x @ params.w1 + params.b1\n"
    assert marker in solution
    writer = solution.replace(marker, f"    _noted('called')\n{marker}") + WRITER
    (folder / "writer.py").write_text(writer, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=USERS)
def graded(request, submissions, tmp_path_factory):
    """Grade the class in a container, and return the results with the screen."""
    folder = tmp_path_factory.mktemp(request.param)
    command = [GRADER, "grade", submissions, "--out", folder / "results", "--seed", 2**127]
    then_look = ["sh", "-c", f'"$@" && echo "{LEFT_BEHIND}$(ls -A /dev/shm)"', "sh"]
    done = container.run(
        [*then_look, *command],
        USERS[request.param],
        folder / "bundle",
        folder / "results",
        submissions,
    )
    assert done.returncode == 0, done.stderr
    return folder / "results", done.stdout


def test_homeworks_have_the_marks_that_they_have_elsewhere(graded):
    results, _ = graded
    assert records_in(results).keys() >= set(HOMEWORKS)
    assert differences(results) == {}


def test_a_function_that_writes_a_file_costs_nothing(graded):
    """64 MB are there for files, as in each of Docker's containers."""
    results, screen = graded
    mark = mark_of(records_in(results)["writer.py"])
    assert mark == EXPECTED_MARKS["ada_lindqvist.py"]
    assert screen.endswith(f"{LEFT_BEHIND}\n")


def test_what_asks_for_too_much_ends_as_elsewhere(graded):
    results, _ = graded
    with (ROOT / "tests" / "hostile" / "expected.csv").open(encoding="utf-8", newline="") as table:
        expected = {
            f"{row['submission']}.py": (float(row["score"]), row["status"])
            for row in csv.DictReader(table)
        }
    records = records_in(results)
    for name in (f"{hog}.py" for hog in HOGS):
        assert (records[name]["score"], records[name]["status"]) == expected[name]


def test_the_layer_that_is_missing_is_told(graded):
    results, screen = graded
    first = next(results.glob("*/result.json"))
    isolation = json.loads(first.read_bytes())["isolation"]
    assert "folder" not in isolation
    assert {"rlimits", "capabilities", "seccomp"} <= set(isolation)
    assert ("uid" in isolation) == ("uid (the grader is not run by root" not in screen)
    assert f"isolation: {', '.join(isolation)}\n" in screen
    assert "not in force here: folder (Operation not permitted)" in screen


def test_a_filter_that_is_older_than_landlock_is_told(tmp_path, submissions, monkeypatch):
    """It refuses what it does not know: that is no layer of Landlock's in force."""
    filter_now = container.docker_filter

    def older_filter(capabilities):
        older = filter_now(capabilities)
        for rule in older["syscalls"]:
            rule["names"] = [name for name in rule["names"] if not name.startswith("landlock_")]
        return older

    monkeypatch.setattr(container, "docker_filter", older_filter)
    results = tmp_path / "results"
    command = [GRADER, "grade", submissions / "ada_lindqvist.py", "--out", results]
    done = container.run(command, container.ORDINARY, tmp_path / "bundle", results, submissions)
    assert done.returncode == 0, done.stderr
    assert differences(results) == {}
    record = json.loads((results / "ada_lindqvist" / "result.json").read_bytes())
    assert record["isolation"] == ["session", "rlimits", "capabilities", "seccomp"]
    for layer in ("files", "tcp", "scope"):
        assert f"not in force here: landlock.{layer} (Operation not permitted)" in done.stdout


def test_full_shared_memory_costs_no_marks_and_no_page(tmp_path, submissions):
    """Any submission may fill it, and the processes that render pages begin with some of it."""
    results = tmp_path / "results"
    fill_first = ["sh", "-c", 'head -c 99999999 /dev/zero > /dev/shm/full; exec "$@"', "sh"]
    command = [*fill_first, GRADER, "grade", submissions / "ada_lindqvist.py", "--out", results]
    done = container.run(command, container.ORDINARY, tmp_path / "bundle", results, submissions)
    assert done.returncode == 0, done.stderr
    assert differences(results) == {}
    assert (results / "ada_lindqvist" / "feedback.html").exists()


def test_the_filter_is_dockers(tmp_path):
    """The test of this test: no namespace and no mount, by whoever asks."""
    for name, user in USERS.items():
        for command in (["unshare", "--user", "true"], ["unshare", "--mount", "true"]):
            folder = tmp_path / f"{name}{command[1]}"
            done = container.run(command, user, folder / "bundle", folder / "results")
            assert done.returncode == 1
            assert "Operation not permitted" in done.stderr
