"""What a worker finds around it: hundreds of questions, as root, as an ordinary user, contained."""

import json
import subprocess
import sys
from pathlib import Path

import container
import mypy_extensions
import ordinary
import pytest
from conftest import ROOT, need
from probe.page import PAGE, page
from probe.questions import QUESTIONS
from times import PATIENCE

ASK = [sys.executable, ROOT / "tests" / "support" / "probe" / "ask.py"]
# A small module that nothing of the grader's imports.
OWNED = Path(mypy_extensions.__file__)


def as_whoever_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*map(str, ASK), str(folder), str(OWNED)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT)


def as_a_user(folder: Path) -> subprocess.CompletedProcess[str]:
    need("root", "layers")
    return ordinary.run([*ASK, folder / "planted", OWNED], folder, OWNED)


def contained(user: container.User, folder: Path) -> subprocess.CompletedProcess[str]:
    need("mounts", "crun")
    return container.run([*ASK, folder / "planted", OWNED], user, folder / "bundle", folder)


# Who asks, and the layers that may be missing then.
ASKED = {
    "here": (as_whoever_tests, set()),
    "ordinary user": (as_a_user, {"uid"}),
    "container, ordinary user": (
        lambda folder: contained(container.ORDINARY, folder),
        {"folder", "uid"},
    ),
    "container, root": (lambda folder: contained(container.ADMINISTRATOR, folder), {"folder"}),
}


@pytest.mark.needs("layers")
@pytest.mark.parametrize("who", ASKED)
def test_a_worker_finds_what_it_should_and_nothing_else(who, reachable):
    ask, missing = ASKED[who]
    done = ask(reachable)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["missing"]) == missing
    assert len(told["answers"]) == len(QUESTIONS) >= 148
    answers = [told["answers"][str(number)] for number in range(len(QUESTIONS))]
    wrong = [
        f"{question.text} ({question.code}): {answer}, not {question.expected}"
        for question, answer in zip(QUESTIONS, answers, strict=True)
        if not question.is_answered_by(answer)
    ]
    assert wrong == []


def test_the_page_of_what_a_worker_sees_is_made_of_the_questions():
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/support/probe/page.py"


def test_no_question_is_asked_twice():
    assert len({question.code for question in QUESTIONS}) == len(QUESTIONS)
