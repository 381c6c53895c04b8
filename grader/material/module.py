"""The homework's module: its sections, and the parts of it that students write.

Those parts stand between BEGIN SOLUTION and END SOLUTION, with the hints that the stub has in their
place. A section begins with "# %% forward".
"""

import re
from collections.abc import Iterator

BEGIN = re.compile(r"(?P<indent> *)# BEGIN SOLUTION (?P<task>TODO \d+)")
END = re.compile(r" *# END SOLUTION")
HINT = re.compile(r" *# HINT: (?P<text>.*)")
SECTION = re.compile(r"# %% (?P<name>\w+)")


def stub_of(module: str) -> str:
    """Return the module with each solution region replaced by its hint and NotImplementedError."""
    return "".join(_without_solutions(module.splitlines(keepends=True)))


def _without_solutions(lines: list[str]) -> Iterator[str]:
    opening: re.Match[str] | None = None
    hints: list[str] = []
    for number, line in enumerate(lines, start=1):
        begins, ends, hint = BEGIN.match(line), END.match(line), HINT.match(line)
        if (begins and opening) or (ends and not opening):
            raise ValueError(f"line {number}: BEGIN and END SOLUTION are not in turn")
        if begins:
            opening, hints = begins, []
        elif ends and opening:
            if not hints:
                raise ValueError(f"line {number}: {opening['task']} has no HINT")
            yield from _stub(opening["indent"], opening["task"], hints)
            opening = None
        elif opening is None:
            yield line
        elif hint:
            hints.append(hint["text"])
    if opening:
        raise ValueError(f"{opening['task']} has no END SOLUTION")


def _stub(indent: str, task: str, hints: list[str]) -> Iterator[str]:
    yield f"{indent}# {task}: {hints[0]}\n"
    for hint in hints[1:]:
        yield f"{indent}#   {hint}\n"
    yield f'{indent}raise NotImplementedError("{task}: not written yet")\n'


def full(module: str) -> str:
    """Return the module without the markers and hints, as the solution notebook shows it."""
    lines = module.splitlines(keepends=True)
    return "".join(line for line in lines if not any(p.match(line) for p in (BEGIN, END, HINT)))


def sections_of(module: str) -> dict[str, str]:
    """Return the code of each named section."""
    parts = re.split(rf"(?m)^{SECTION.pattern}\n", module)
    return {name: code.strip("\n") for name, code in zip(parts[1::2], parts[2::2], strict=True)}
