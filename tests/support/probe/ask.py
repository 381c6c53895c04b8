"""Ask a worker all questions, and print the answers as JSON; run by the user to be confined.

    python tests/support/probe/ask.py FOLDER OWNED

FOLDER is empty; a course is planted in it. OWNED is a file in Python's folders that the user who
runs this owns, if there is one.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "support")]

import seccompy  # noqa: E402
import torch  # noqa: E402
from handed import PACKAGES, module  # noqa: E402
from probe.questions import QUESTIONS, Question  # noqa: E402

from grader.homework.tasks import TASKS  # noqa: E402
from grader.rubric import load_rubric  # noqa: E402
from grader.scoring.workers import Worker, Zygote  # noqa: E402

PRELUDE = (ROOT / "tests" / "support" / "probe" / "prelude.py").read_text()
# Questions per worker, which returns only this many errors.
AT_ONCE = 150
CALLED = re.compile(r"call\('(\w+)'")
# Newer than seccompy's table; the same on every processor.
NEW = {"cachestat": 451, "listmount": 458, "setxattrat": 463, "file_setattr": 469}
NONE = 9999
# The neighbour waits for a question as long as this process likes.
NEIGHBOUR = """
import os
with open("note.txt", "w") as file:
    file.write("secret")
raise ValueError(f"{os.getpid()} {os.getcwd()}")
"""


def main(folder: Path, owned: str) -> None:
    """Plant the course, ask the questions and print the answers."""
    torch.set_num_threads(1)
    os.environ["GRADER_SECRET"] = "secret"
    facts = {
        "course": str(planted(folder)),
        "temporary": str(folder),
        "home": str(folder / "home"),
        "owned": owned,
        "repository": str(ROOT),
        "grader": str(ROOT / "grader"),
        "scorer": os.getpid(),
    }
    limits = load_rubric().limits
    zygote = Zygote.fork()
    try:
        with zygote.fork_worker(limits) as neighbour:
            (note,) = notes_of(neighbour, NEIGHBOUR)
            _, facts["neighbour"], facts["neighbour_folder"] = note.split()
            facts["neighbour"] = int(facts["neighbour"])
            facts["zygote"] = zygote._pid
            answers = {}
            for first in range(0, len(QUESTIONS), AT_ONCE):
                with zygote.fork_worker(limits) as worker:
                    some = QUESTIONS[first : first + AT_ONCE]
                    answers |= answers_of(worker, some, first, facts)
                    missing = worker.missing
    finally:
        zygote.close()
    print(json.dumps({"answers": answers, "missing": missing}))


def answers_of(
    worker: Worker, questions: Sequence[Question], first: int, facts: dict[str, object]
) -> dict[int, str]:
    """Put questions to a worker; return its answers by number."""
    lines = [
        f"tell({number}, lambda: {question.code})"
        for number, question in enumerate(questions, first)
    ]
    given = f"FACTS = {facts!r}\nNUMBERS = {numbers()!r}\n"
    notes = notes_of(worker, "\n".join([PRELUDE, given, *lines]))
    told = (note.removeprefix("ValueError: ").partition(" ") for note in notes)
    return {int(number): answer for number, _, answer in told}


def notes_of(worker: Worker, source: str) -> list[str]:
    """Load a module, and return the errors it met."""
    loaded = worker.load(module(source), [], PACKAGES, TASKS)
    assert isinstance(loaded, list), loaded
    return [note.text for note in loaded]


def numbers() -> dict[str, int]:
    """Return the numbers of the system calls in the questions, by name."""
    named = {name for question in QUESTIONS for name in CALLED.findall(question.code)}
    return {name: NEW[name] if name in NEW else number_of(name) for name in named}


def number_of(name: str) -> int:
    try:
        return seccompy.syscall_nr(name)
    except ValueError:
        return NONE  # only on other processors: treated as refused


def planted(folder: Path) -> Path:
    """Make the files that nobody may see; return the course's folder."""
    course = folder / "course"
    for name in (
        "course/class/ada.py", "course/results/ada/result.json", "course/results/gradebook.db",
        "course/rubric.toml", "course/students.csv", "course/solution/homework.py", "note.txt",
        "home/.ssh/id_probe",
    ):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
        path.chmod(0o666)  # so that only the confinement protects it
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o777)
    return course


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
