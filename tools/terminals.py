"""The manual's pictures of a terminal, drawn by `make pictures` from real runs.

    python tools/terminals.py

Each command runs in a terminal of its own; what it prints becomes an SVG. Needs tests/,
tests/support/ and tests/benchmarks/ on PYTHONPATH, for the files that the pages' sessions run on.
"""

import io
import os
import re
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text
from samples import SAMPLES

from grader.util.atomic import EVERYBODY, write_atomically

PICTURES = Path(__file__).parents[1] / "docs" / "images"
ROWS = 50
# Rich's own format loads a font from a network; a fixed width is all that is needed.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "DejaVu Sans Mono, Menlo, Consolas, monospace"
)
# Progress is printed once, when it is complete, and nothing about this terminal is inherited.
ENVIRONMENT = {"TERM": "xterm-256color", "TTY_INTERACTIVE": "0", "LANG": "C.UTF-8"}
LEFT_OUT = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")


@dataclass(frozen=True)
class Shot:
    """A picture: the page whose sample the command runs on, the folder in it, and the width."""

    name: str
    page: str
    folder: str
    command: str
    columns: int


SHOTS = (
    Shot("terminal-grade", "quickstart", "", "grader grade class/ --out results/", 96),
    Shot("terminal-check", "students", "homework", "python -m selfcheck homework.py", 80),
)


def printed(command: str, folder: Path, columns: int) -> str:
    """Return what a command prints on a terminal, with its escape sequences."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    ours, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (ROWS, columns))
    process = subprocess.Popen(
        command.split(),
        cwd=folder,
        env={**kept, **ENVIRONMENT, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    parts = []
    with suppress(OSError):  # EIO: the command has ended
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    os.close(ours)
    if process.wait() not in (0, 1):  # 1: what is checked is not all right
        raise RuntimeError(f"{command}: exit code {process.returncode}")
    return b"".join(parts).decode().replace("\r\n", "\n")  # as a terminal ends lines


def drawn(shot: Shot, text: str) -> str:
    """Return a terminal with a command and what it printed, as SVG."""
    console = Console(record=True, width=shot.columns, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {shot.command}", style="bold"))
    console.print(Text.from_ansi(text.rstrip()))
    return console.export_svg(title="", code_format=FORMAT, unique_id=shot.name)


def main() -> None:
    """Draw all of them."""
    for shot in SHOTS:
        with tempfile.TemporaryDirectory() as folder:
            SAMPLES[shot.page](Path(folder))
            text = printed(shot.command, Path(folder, shot.folder), shot.columns)
        write_atomically(PICTURES / f"{shot.name}.svg", drawn(shot, text), EVERYBODY)


if __name__ == "__main__":
    main()
