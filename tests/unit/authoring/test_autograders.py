"""What grades in a course's CI, run as Gradescope and GitHub run it."""

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest
import yaml
from conftest import GRADER, ROOT, run_grader
from times import PATIENCE
from worth import MAX_SCORE, worth

from grader.authoring.autograders import FILES, github, gradescope
from grader.errors import UserError
from grader.gradebook import Gradebook, SeedSetting, default_url
from grader.judging import messages
from grader.rubric import RUBRIC_FILE, load_rubric
from grader.util.zipping import zipped

BIN = Path(sys.executable).parent
SEED = 98765432198765432198765432198765
SUBMISSIONS = ROOT / "tests" / "submissions"


def checked(*command: object) -> None:
    """Run a linter, which must find nothing."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_and_the_dockerfile_pass_their_linters():
    checked(BIN / "shellcheck", FILES / "setup.sh", FILES / "run_autograder")
    checked(BIN / "hadolint", ROOT / "Dockerfile")


# Gradescope


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("gradescope") / "autograder.zip"
    environment = {**os.environ, "GRADER_SEED": str(SEED)}
    command = [GRADER, "autograder", "gradescope", "--out", out]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return out


@pytest.fixture
def autograder(archive, tmp_path) -> Path:
    """Lay a folder out as Gradescope does; in place of what setup.sh installs, this environment."""
    with ZipFile(archive) as opened:
        opened.extractall(tmp_path / "source")
    shutil.copy(tmp_path / "source" / "run_autograder", tmp_path)
    (tmp_path / "venv").symlink_to(sys.prefix)
    for folder in ("submission", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "submission_metadata.json").write_text('{"id": 1}')
    return tmp_path


def results_of(autograder: Path) -> tuple[dict[str, object], str]:
    environment = {**os.environ, "AUTOGRADER_ROOT": str(autograder)}
    done = subprocess.run(
        ["bash", autograder / "run_autograder"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    text = (autograder / "results" / "results.json").read_text(encoding="utf-8")
    return json.loads(text), text + done.stdout + done.stderr


SIGN_OF_B1 = MAX_SCORE - worth("grad_b1.sample", "grad_b1.row") / 2 - worth("train.manual")
HANDED_IN = [
    ({"my work (final).py": "gbk_comments.py"}, MAX_SCORE),
    ({"homework.ipynb": "sign_of_b1.ipynb", "notes.txt": "expected.csv"}, SIGN_OF_B1),
]


@pytest.mark.parametrize(("files", "score"), HANDED_IN)
def test_gradescope_gets_results_for_whatever_was_handed_in(autograder, files, score):
    for name, source in files.items():
        shutil.copy(SUBMISSIONS / source, autograder / "submission" / name)
    results, said = results_of(autograder)
    tests = results["tests"]
    assert results["score"] == sum(test["score"] for test in tests) == score
    assert sum(test["max_score"] for test in tests) == MAX_SCORE
    assert str(SEED) not in said


def test_gradescope_is_told_why_there_is_nothing_to_grade(autograder):
    results, _ = results_of(autograder)
    assert results["score"] == 0
    output = results["output"]
    assert output.startswith("grader: nothing to grade in ")
    assert output.rstrip().endswith(": no .py or .ipynb found: hand in the .py or .ipynb")


def digest_of(content: bytes) -> str:
    """Return a digest as a wheel's RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def test_the_archive_installs_and_is_the_same_to_the_byte(archive, tmp_path):
    assert archive.read_bytes() == gradescope(SEED, None, load_rubric())
    with ZipFile(archive) as opened:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in opened.infolist()}
        opened.extractall(tmp_path)
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    assert modes["seed"] == 0o644  # setup.sh takes it from all others
    assert (tmp_path / "constraints.txt").read_bytes() == (ROOT / "constraints.txt").read_bytes()
    (wheel,) = tmp_path.glob("*.whl")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    checked(*command, "--target", tmp_path / "installed", wheel)
    with ZipFile(wheel) as opened:
        (record,) = (name for name in opened.namelist() if name.endswith(".dist-info/RECORD"))
        rows = list(csv.reader(opened.read(record).decode().splitlines()))
        assert rows.pop() == [record, "", ""]
        held = {name: opened.read(name) for name in opened.namelist() if name != record}
    assert {name: (digest, size) for name, digest, size in rows} == {
        name: (f"sha256={digest_of(content)}", str(len(content))) for name, content in held.items()
    }
    package = {
        path.relative_to(ROOT)
        for path in (ROOT / "grader").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".po")
    }
    assert all((tmp_path / "installed" / path).is_file() for path in package)


TRAIN_NET = f'"train.net" = {worth("train.net"):g}'


def test_another_rubric_takes_the_place_of_the_packages_as_a_whole(tmp_path):
    rubric = tmp_path / "variant.toml"
    rubric.write_text('[points]\n"train.net" = false\n')
    (tmp_path / "a.zip").write_bytes(gradescope(1, None, load_rubric(rubric)))
    own = RUBRIC_FILE.read_text(encoding="utf-8")
    files = github("course/grader", "v1", load_rubric(rubric))
    (tmp_path / "b.zip").write_bytes(zipped(files))
    for name in ("a.zip", "b.zip"):
        with ZipFile(tmp_path / name) as opened:
            (wheel,) = (entry for entry in opened.namelist() if entry.endswith(".whl"))
            with ZipFile(opened.open(wheel)) as opened_wheel:
                whole = opened_wheel.read("grader/homework/rubric.toml").decode()
        assert whole == own.replace(TRAIN_NET, '"train.net" = false') != own


def test_a_homework_with_a_package_of_its_own_is_refused(tmp_path, monkeypatch):
    for table in ("MISTAKES", "TEXTS"):  # to which its package adds, in this process
        monkeypatch.setattr(messages, table, dict(getattr(messages, table)))
    rubric = tmp_path / "rubric.toml"
    rubric.write_text(f'[homework]\npackage = "{ROOT / "tests" / "homeworks" / "softmax"}"\n')
    with pytest.raises(UserError, match="a package of its own"):
        gradescope(1, None, load_rubric(rubric))


def test_where_pip_finds_torch_is_in_the_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(gradescope(1, "https://example.org/cpu", load_rubric()))
    with ZipFile(tmp_path / "a.zip") as opened:
        assert opened.read("pip.conf") == b"[global]\nextra-index-url = https://example.org/cpu\n"


# GitHub


def test_github_gets_an_action_and_a_workflow_of_its_schemas(tmp_path):
    options = ["--repository", "course/grader", "--ref", "0123abc", "--out", tmp_path]
    done = run_grader("autograder", "github", *options)
    assert done.returncode == 0, done.stderr
    workflow = tmp_path / "student" / ".github" / "workflows" / "homework.yml"
    action = tmp_path / "course" / "action.yml"
    check = BIN / "check-jsonschema"
    checked(check, "--builtin-schema", "vendor.github-workflows", workflow)
    checked(check, "--builtin-schema", "vendor.github-actions", action)
    steps = yaml.safe_load(workflow.read_text())["jobs"]["grade"]["steps"]
    assert steps[1] == {
        "uses": "course/grader@0123abc",
        "with": {"seed": "${{ secrets.HOMEWORK_SEED }}"},
    }
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
    for_others = {path.name for path in tmp_path.rglob("*.*") if path.stat().st_mode & 0o004}
    assert for_others & {"homework.yml", *os.listdir(tmp_path / "course")} == {"homework.yml"}


STEPS = yaml.safe_load((FILES / "action.yml").read_text())["runs"]["steps"]


def run_the_steps(
    folder: Path, repository: Path, fail_under: str, seed: str = str(SEED)
) -> subprocess.CompletedProcess[str]:
    """Run the steps that copy and grade, as GitHub runs a step of bash; return the last one."""
    scripts = {step.get("name"): step.get("run") for step in STEPS}
    environment = {
        "PATH": os.environ["PATH"], "PYTHON": sys.executable, "GITHUB_WORKSPACE": str(repository),
        "GITHUB_REPOSITORY": "course/hw-ada", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "SEED": seed, "SUBMISSION": ".", "FAIL_UNDER": fail_under,
    }  # fmt: skip
    (folder / "temp").mkdir()
    for name in ("Copy the repository", "Grade"):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", scripts[name]],
            cwd=folder / "temp", env=environment, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
    return done


@pytest.mark.parametrize(
    ("source", "fail_under", "status", "points"),
    [
        ("gbk_comments.py", f"{MAX_SCORE:g}", 0, MAX_SCORE),
        ("syntax_error.py", f"{MAX_SCORE:g}", 1, MAX_SCORE - worth("grad_w2", "train.manual")),
        ("expected.csv", "0", 2, None),
    ],
)
def test_the_actions_step_grades_a_repository(tmp_path, source, fail_under, status, points):
    repository = tmp_path / "repository"
    (repository / ".git").mkdir(parents=True)
    shutil.copy(SUBMISSIONS / source, repository / f"homework{Path(source).suffix}")
    done = run_the_steps(tmp_path, repository, fail_under)
    assert done.returncode == status, done.stdout + done.stderr
    if status == 2:
        assert "grader: nothing to grade" in done.stdout
        return
    summary = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert f"{points:g} of {MAX_SCORE:g} points" in summary
    results = tmp_path / "temp" / "results"
    assert (results / "hw-ada" / "feedback.html").is_file()
    with Gradebook(default_url(results)) as book:
        assert book.assignment.seed == SeedSetting(str(SEED), "given")
    assert (results / "junit.xml").is_file()
    told = [path.read_text(encoding="utf-8") for path in results.rglob("*.*ml")]
    told += [(results / "hw-ada" / "result.json").read_text(encoding="utf-8")]
    masked, _, log = done.stdout.partition("\n")
    assert masked == f"::add-mask::{SEED}"  # which a runner obeys, and does not show
    assert not any(str(SEED) in text for text in (*told, log, done.stderr))


def test_without_a_seed_the_action_draws_a_secret_one(tmp_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    shutil.copy(SUBMISSIONS / "gbk_comments.py", repository / "homework.py")
    done = run_the_steps(tmp_path, repository, "0", seed="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "add-mask" not in done.stdout
    with Gradebook(default_url(tmp_path / "temp" / "results")) as book:
        assert book.assignment.seed.origin == "secret"


NAMES = {"error", "warning", "stop-commands", "add-mask", "set-output", "save-state"}
COMMAND = re.compile(r"\s*::(?P<name>[^:\s]+)[^:]*::(?P<data>.*)")
OLD_COMMAND = re.compile(r"##\[(?P<name>[^\]\s]+)[^\]]*\](?P<data>.*)")  # anywhere in a line


def obeyed(log: str) -> list[str]:
    """Return the commands in a log that a runner obeys.

    Format: actions/runner, ActionCommand.cs and ActionCommandManager.cs.
    """
    names, stopped, token = [], False, ""
    for line in log.splitlines():
        match = COMMAND.match(line)
        if not (match and match["name"] in {*NAMES, token}):
            match = OLD_COMMAND.search(line)
        if not (match and match["name"] in {*NAMES, token}):
            continue
        if stopped:
            stopped = match["name"] != token
        elif match["name"] == "stop-commands":
            stopped, token = True, match["data"]
        else:
            names.append(line.strip())
    return [*names, "stopped for good"] if stopped else names


def test_a_submission_gives_the_runner_no_commands(tmp_path):
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "homework.py").write_text(
        "def forward(x, params):\n    raise ValueError('##[stop-commands]mine')\n"
        "def grad_w1(x, y, params, hs, y_pred):\n    raise ValueError('##[error]100 of 100')\n"
    )
    done = run_the_steps(tmp_path, repository, "0")
    assert done.returncode == 0, done.stdout + done.stderr
    quoted = [line for line in done.stdout.splitlines() if "##[stop-commands]mine" in line]
    assert obeyed("\n".join(quoted)) != []  # or this shows nothing
    commands = obeyed(done.stdout)
    mask, *annotations = commands
    assert mask == f"::add-mask::{SEED}"
    assert len(annotations) == 7  # for each function, and what else is asked for
    assert all(command.startswith("::error file=homework.py,") for command in annotations)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("repository", "ref", "says"),
    [("grader", "v1", "write OWNER/NAME"), ("a/b", 'v1"\n', "write a tag or, better, the hash")],
)
def test_names_that_github_has_not_are_refused(repository, ref, says):
    with pytest.raises(UserError, match=says):
        github(repository, ref, load_rubric())


def test_a_students_workflow_holds_nothing_of_the_grader():
    files = github("course/grader", "v1", load_rubric())
    workflow = files[PurePosixPath("student", ".github", "workflows", "homework.yml")]
    assert b"pip" not in workflow
    assert {path for path in files if path.parts[0] != "course"} == {
        PurePosixPath("student", ".github", "workflows", "homework.yml")
    }
