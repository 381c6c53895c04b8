"""Puts an attack together: `# INCLUDE name` in it stands for the text of parts/name.py."""

import re
from pathlib import Path

HERE = Path(__file__).parent
GROUPS = ("forging", "autograd", "stealing", "telling", "resources", "returns")
INCLUDE = re.compile(r"^# INCLUDE (\w+)\n", re.MULTILINE)


def part(name: str) -> str:
    """Return the text of a part: honest is a whole submission that is right."""
    return (HERE / "parts" / f"{name}.py").read_text(encoding="utf-8")


def assembled(path: Path) -> str:
    """Return an attack as it is submitted."""
    text = path.read_text(encoding="utf-8")
    assert text.count("# INCLUDE honest\n") == 1, path
    return INCLUDE.sub(lambda include: part(include[1]), text)


def build(folder: Path) -> None:
    """Write every attack into `folder`, each named for its id."""
    for group in GROUPS:
        for path in (HERE / group).glob("*.py"):
            (folder / path.name).write_text(assembled(path), encoding="utf-8")
