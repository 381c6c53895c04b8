"""The self-check and the grader say the same of the same work, where their cases are the same.

The hidden cases of these rubrics are the public ones. Every file is checked by the folder that
students are given (sameness.py), and graded by the command line.
"""

import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import warm as in_process
from conftest import ROOT
from hostile import attacks, notebooks
from times import PATIENCE
from worth import MAX_UNTRAINED

from grader.authoring.release import ASSIGNMENT, release
from grader.gradebook import SeedSetting
from grader.homework.tasks import TASKS
from grader.judging.judge import SourceFacts
from grader.rubric import Rubric, load_rubric
from grader.rubric.cases import hidden_cases
from grader.scoring.points import score
from grader.scoring.redaction import LEFT_OUT
from grader.scoring.run_cases import rounds_of, run_cases
from grader.selfcheck.files import read_files

SUBMISSIONS, HANDED_IN = ROOT / "tests" / "submissions", ROOT / "tests" / "handed_in"
# Short limits, for what ends at one is stopped by both.
PUBLIC_SEED = 1
RUBRIC = f"""
[cases]
seed = {PUBLIC_SEED}
sizes = [[6, 4]]
net_sizes = [[1, 20, 1]]
saturation = 1000.0
[limits]
statement_seconds = 0.5
load_seconds = 1.0
call_seconds = 0.5
training_seconds = 2.0
"""
UNTRAINED = '[points]\n"train.manual" = false\n"train.net" = false\n'

# Hostile submissions that are no part of this. The groups resources and stealing attack the machine
# they run on, and are stopped by the worker's confinement: here they would do harm.
GROUPS = ("autograd", "returns", "forging")
APART = {
    # They attack the process that asks, which is another one when they are graded.
    "break_the_worker": "closes what the worker answers by",
    "frame_walk": "steals what is expected from the process that asks",
    "gc_search": "steals what is expected from the process that asks",
    "late_answers": "answers in the worker's place",
    "os_exit_0": "ends the process",
    "partial_frame": "writes to every channel of the process",
    "too_many_results": "answers in the worker's place",
    "overflowing_shape": "answers in the worker's place",
    "patch_builtins": "replaces what the process works with",
    "reordered_results": "answers in the worker's place",
    "swap_sys_modules": "replaces what the process works with",
    "write_result_fd": "writes to every channel of the process",
    "zero_flood": "writes to every channel of the process",
    # A worker may not do what these begin with.
    "subprocess": "starts a process",
}
TRAINED = (
    SUBMISSIONS / "ada_lindqvist.py",
    SUBMISSIONS / "in_place_damage.py",
    SUBMISSIONS / "relu_for_sigmoid.py",
    SUBMISSIONS / "net_without_activation.ipynb",
    SUBMISSIONS / "untouched_stub.py",
    HANDED_IN / "double_loop_right_but_slow.py",
    HANDED_IN / "in_place_in_w1.py",
    HANDED_IN / "net_one_output.py",
    HANDED_IN / "unclosed_bracket.py",
)
FOLDERS = [HANDED_IN / name for name in ("02_helper_module_beside", "02b_split_over_modules")]

Said = list[list[object]] | str  # by criterion: its name, points, message, diagnosis; or why not
Files = dict[str, tuple[str, bytes]]  # name and bytes, by what a file is called here


def files_of_all(folder: Path) -> Files:
    """Return all files that are compared; some are made in `folder`."""
    found = {}
    paths = [*SUBMISSIONS.rglob("*.*"), *HANDED_IN.glob("*.*")]
    for path in sorted(path for path in paths if path.suffix in (".py", ".ipynb")):
        found[f"{path.parent.name}-{path.name}"] = path.name, path.read_bytes()
    for group in GROUPS:
        for path in sorted((ROOT / "tests" / "hostile" / group).glob("*.py")):
            if path.stem not in APART:
                found[f"{group}-{path.name}"] = path.name, attacks.assembled(path).encode()
    notebooks.build(folder)
    for path in sorted(folder.iterdir()):
        found[f"notebook-{path.name}"] = path.name, path.read_bytes()
    return found


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> dict[bool, tuple[Path, Rubric]]:
    """Return, with and without training, a folder with the students' self-check, and its rubric."""

    def made(trains: bool) -> tuple[Path, Rubric]:
        folder = tmp_path_factory.mktemp("released")
        path = folder / "rubric.toml"
        path.write_text(RUBRIC if trains else RUBRIC + UNTRAINED)
        rubric = load_rubric(path)
        list(release(rubric, folder, folder / "dist"))
        return folder, rubric

    return {trains: made(trains) for trains in (True, False)}


def checked(folder: Path, paths: list[Path]) -> list[Said]:
    """Return what the self-check says of each file."""
    command = [
        sys.executable,
        ROOT / "tests" / "support" / "sameness.py",
        folder / ASSIGNMENT,
        *paths,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def recorded(results: Path) -> Said:
    """Return what a record says."""
    record = json.loads((results / "result.json").read_bytes())
    if record["status"] == "unreadable":
        return record["criteria"][0]["message"]
    return [[c["id"], c["points"], c["message"], c["diagnosis"]] for c in record["criteria"]]


def differences(warm, folder: Path, files: Files) -> dict[str, tuple[Said, Said]]:
    """Check and grade files; return of which it is not said the same, and what."""
    paths = []
    for number, (name, data) in enumerate(files.values()):
        paths.append(folder / "class" / f"{number}" / name)
        paths[-1].parent.mkdir(parents=True)
        paths[-1].write_bytes(data)
    rubric, results = folder / "rubric.toml", folder / "results"
    # The hidden cases are the public ones: their seed is the gradebook's.
    with mock.patch.object(in_process, "SEED", SeedSetting(str(PUBLIC_SEED), "secret")):
        done = warm.run(
            "grade", folder / "class", "--rubric", rubric, "--out", results, "--no-pages"
        )
    assert done.returncode == 0, done.stderr
    graded = [recorded(results / path.parent.name) for path in paths]
    pairs = zip(files, checked(folder, paths), graded, strict=True)
    return {name: (ours, theirs) for name, ours, theirs in pairs if not is_same(ours, theirs)}


def is_same(checked: Said, graded: Said) -> bool:
    """Tell whether two say the same, but for what the grader leaves out of errors' texts."""
    if isinstance(checked, str) or isinstance(graded, str):
        return checked == graded
    return [
        [*said[:2], graded_said[2] if LEFT_OUT in str(graded_said[2]) else said[2], *said[3:]]
        for said, graded_said in zip(checked, graded, strict=True)
    ] == graded


def test_points_messages_and_diagnoses_are_the_same(warm, released, tmp_path):
    files = files_of_all(tmp_path)
    assert len(files) > 180
    assert differences(warm, released[False][0], files) == {}


def test_training_ends_the_same(warm, released):
    files = {path.name: (path.name, path.read_bytes()) for path in TRAINED}
    assert differences(warm, released[True][0], files) == {}


@pytest.fixture(scope="module")
def checked_folders(released) -> list[Said]:
    return checked(released[False][0], [folder / "homework.py" for folder in FOLDERS])


@pytest.mark.parametrize("number", range(len(FOLDERS)), ids=[path.name for path in FOLDERS])
def test_files_beside_each_other_are_the_same(zygote, released, checked_folders, number):
    said = asked(released[False][1], zygote, FOLDERS[number] / "homework.py")
    assert checked_folders[number] == said
    assert sum(points for _, points, *_ in said) == MAX_UNTRAINED


def asked(rubric: Rubric, zygote, path: Path) -> Said:
    """Return what a worker's answers come to, the other files of the folder beside this one."""
    given = read_files(path, rubric.limits.source_bytes, path.parent)
    cases = [case for case in hidden_cases(rubric, 1) if case.criterion in rubric.points]
    answers = run_cases(
        given.main, given.beside, rubric.software.packages, TASKS, rounds_of(cases, TASKS), zygote,
        rubric.limits, rubric.spellings,
    )  # fmt: skip
    verdicts = score(
        cases, answers.outcomes, rubric.marking(), SourceFacts(sightings=answers.sightings)
    )
    return [[v.criterion, v.points, v.message, v.diagnosis] for v in verdicts]
