"""The manual's sessions: blocks of commands with their output, run as written.

    PYTHONPATH=tests:tests/support:tests/benchmarks python tests/support/manual.py PAGE...

runs the sessions of pages and updates the output in them.
"""

import contextlib
import doctest
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent
from unittest import mock

from conftest import GRADER, ROOT
from samples import SAMPLES
from times import PATIENCE
from warm import WarmGrader

DOCS = ROOT / "docs"
BLOCK = re.compile(
    r"^(?P<indent> *)```console\n(?P<lines>.*?)^ *```$", re.MULTILINE | re.DOTALL
)  # also in a list
PROMPT = "$ "
SHELL = frozenset("|&;<>$*")  # characters that only a shell understands
ENVIRONMENT = {"LOGNAME": "weber", "COLUMNS": "96"}
COMPARED = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

# Output that varies by machine, day or run.
VARYING = (
    (
        re.compile(r"^isolation: .*\n(not in force here: .*\n)*", re.MULTILINE),
        "isolation: LAYERS\n",
    ),
    (re.compile(r"^grading ━.*$", re.MULTILINE), "grading PROGRESS"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "TIME"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "HASH"),
    (re.compile(r"final loss [\d.e-]+"), "final LOSS"),
    (re.compile(r'time="[\d.]+"'), "SECONDS"),
)


class Session:
    """Runs a page's commands, one after another, in a folder with the page's sample."""

    def __init__(self, page: str, folder: Path, warm: WarmGrader) -> None:
        self._folder, self._warm = folder, warm
        SAMPLES[page](folder)

    def run(self, command: str) -> str:
        """Return a command's output, from both streams."""
        with mock.patch.dict(os.environ, ENVIRONMENT):
            if command.startswith("grader ") and not SHELL & set(command):
                words = shlex.split(command.replace("\\\n", " "), comments=True)
                done = self._warm.run(*words[1:], cwd=self._folder)
            else:
                path = f"{GRADER.parent}{os.pathsep}{os.environ['PATH']}"
                done = subprocess.run(
                    ["bash", "-c", command],
                    cwd=self._folder,
                    env={**os.environ, "PATH": path},
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                )
        return done.stdout + done.stderr


def steps_of(text: str) -> list[tuple[str, str]]:
    """Return each command of a page's sessions, and the output that the page shows."""
    return [step for block in BLOCK.finditer(text) for step in _steps(dedent(block["lines"]))]


def _steps(lines: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", lines, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command += f"\n{more}"
        yield command, output


def is_same(shown: str, printed: str) -> bool:
    """Tell whether a command printed what a page shows, except varying parts and `...`."""
    return doctest.OutputChecker().check_output(_steady(shown), _steady(printed), COMPARED)


def _steady(text: str) -> str:
    text = text.replace("\ufeff", "")
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def brought_up(text: str, session: Session) -> str:
    """Return a page with the present output of its commands."""

    def block(match: re.Match[str]) -> str:
        steps = []
        for command, shown in _steps(dedent(match["lines"])):
            printed = session.run(command)
            output = shown if is_same(shown, printed) else _trimmed(printed)
            steps.append(f"{PROMPT}{command}\n{output}")
        return indent(f"```console\n{''.join(steps)}```", match["indent"])

    return BLOCK.sub(block, text)


def _trimmed(printed: str) -> str:
    text = printed.replace("\ufeff", "")
    lines = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
    return f"{lines}\n" if lines else ""


def main() -> None:
    """Update the pages named on the command line."""
    with contextlib.closing(WarmGrader()) as warm:
        for path in map(Path, sys.argv[1:]):
            page = path.resolve().relative_to(DOCS).with_suffix("").as_posix()
            text = path.read_text(encoding="utf-8")
            if page not in SAMPLES:
                continue
            with tempfile.TemporaryDirectory() as folder:
                path.write_text(brought_up(text, Session(page, Path(folder), warm)), "utf-8")


if __name__ == "__main__":
    main()
