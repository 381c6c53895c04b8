"""Turn IPython's own syntax into plain Python, as IPython does, without running anything.

Line magics and shell lines become calls of get_ipython(); shell.py says what these do.
"""

import ast
import re
import shlex
from functools import cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple

# Anything that may be IPython's own syntax: escaped lines, `x = !ls`, `x = %time f()`, `help?`,
# pasted prompts, a cell that is indented as a whole. Most cells have none of it.
SPECIAL = re.compile(
    r"""(?m) ^[ \t]*(?: [%!?,;/] | >>> | \.{3,}: | In[ ]\[ | \[(?:nav|ins)\] )
    | =[ \t]* (?:\\\n[ \t]*)? [%!]
    | \?[ \t]*$
    | \A (?:[ \t]*\n)* [ \t]+ [^ \t\n]
    """,
    re.VERBOSE,
)
MAGIC_CELL = re.compile(r"\s*%%")
# Code below these runs in the notebook's own namespace, so it stays in place here.
RUN_THEIR_CELL = frozenset({"time", "capture", "prun", "debug"})
TIMING = RUN_THEIR_CELL | {"timeit"}  # timeit leaves no names
# Text below these is not Python, is not run, or leaves no names.
OTHERS = frozenset((
    "!", "HTML", "R", "SVG", "bash", "bigquery", "cmd", "cython", "file", "html", "javascript",
    "js", "julia", "latex", "markdown", "perl", "pypy", "python", "python2", "python3", "ruby",
    "script", "sh", "shell", "sql", "svg", "system", "sx", "timeit", "writefile",
))  # fmt: skip
HELP_ON_MAGIC = re.compile(r"%%\w+\?")
# Characters that end a line for IPython but not for Python.
NO_LINE_ENDS = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
NOT_PARSED = (SyntaxError, ValueError, RecursionError, MemoryError)
MAX_SPECIALS = 500
# IPython reads a cell anew for each special line, in time that may grow with the square of the
# longest line. A cell may cost this much, counted as special lines x characters x the longest line
# (at least LINE); a costlier cell stays as it is. An ordinary cell costs a hundred thousand.
EFFORT = 100_000_000
LINE = 80


class Untransformed(Exception):
    """The source uses IPython's own syntax, and IPython is not installed."""

    def __init__(self) -> None:
        super().__init__("here is IPython's own syntax; to check it: pip install ipython")


def to_python(source: str) -> str:
    """Return a cell as plain Python, with its lines in their places.

    Text that IPython cannot transform is returned unchanged, as is anything that needs IPython if
    it is not installed.
    """
    lines = (source.removesuffix("\n").translate(NO_LINE_ENDS) + "\n").splitlines(keepends=True)
    head: list[str] = []  # what the magics at the top become, line for line
    while (magic := _magic_cell(lines, len(head))) is not None:
        head += ["\n"] * (magic.at - len(head))
        below = magic.at + 1
        if magic.name not in RUN_THEIR_CELL and (
            magic.name in OTHERS or not _is_python(lines, below)
        ):
            body = "".join(lines[below:])
            call = f"get_ipython().run_cell_magic({magic.name!r}, {magic.line!r}, {body!r})\n"
            return "".join([*head, call])
        head.append(_captured(magic.line) if magic.name == "capture" else "\n")
    return "".join(head + _transformed(lines[len(head) :])).removesuffix("\n")


class _Magic(NamedTuple):
    """A cell magic: its line's index, its name, and the rest of its line."""

    at: int
    name: str
    line: str


def _magic_cell(lines: list[str], begin: int) -> _Magic | None:
    """Return the first magic at or below line `begin`, if nothing else comes before it."""
    at = next((at for at in range(begin, len(lines)) if lines[at].strip()), None)
    if at is None or not MAGIC_CELL.match(lines[at]) or HELP_ON_MAGIC.match(lines[at].lstrip()):
        return None
    name, _, line = lines[at].strip()[2:].partition(" ")
    return _Magic(at, name, line)


def _is_python(lines: list[str], begin: int) -> bool:
    """Tell whether the text below an unknown magic is Python; if it is, it mostly runs."""
    while (magic := _magic_cell(lines, begin)) is not None:
        if magic.name not in RUN_THEIR_CELL:
            return True  # whatever stands below it, since it becomes a call
        begin = magic.at + 1
    try:
        ast.parse("".join(_transformed(lines[begin:])))
    except NOT_PARSED:
        return False
    return True


def words_of(line: str) -> tuple[list[str], list[str]]:
    """Return the arguments of a magic, and its options."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote without its end
        words = line.split()
    return [w for w in words if not w.startswith("-")], [w for w in words if w.startswith("-")]


def written_to(line: str) -> str | None:
    """Return the file that `%%writefile` names; an absolute path counts as its last part."""
    names, _ = words_of(line)
    if not names:
        return None
    path = PurePosixPath(names[0])
    return path.name if path.is_absolute() else str(path)


def _captured(line: str) -> str:
    """Return code that binds the name given to %%capture, if there is one."""
    names = [word for word in line.split() if word.isidentifier()]
    return f"{names[0]} = get_ipython().captured()\n" if names else "\n"


def _transformed(lines: list[str]) -> list[str]:
    text = "".join(lines)
    specials = len(SPECIAL.findall(text))
    if not specials or (ipython := transformer()) is None:
        return lines
    if (specials + 1) * len(text) * max(LINE, *map(len, lines)) > EFFORT:
        return lines
    try:
        return _by(ipython, lines)
    except Exception:  # IPython may raise anything on text that is not even its own syntax
        return lines


@cache
def transformer() -> Any:
    """Return IPython's transformer, or None without IPython. Importing it is slow."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return None
    return TransformerManager()


def _by(ipython: Any, lines: list[str]) -> list[str]:
    code = lines
    for clean in ipython.cleanup_transforms:
        code = clean(code)
    head = ["\n"] * (len(lines) - len(code))  # keeps the line numbers of what follows
    for _ in range(MAX_SPECIALS):
        is_changed, after = ipython.do_one_token_transform(code)
        if not is_changed:
            break
        at = next(i for i, (old, new) in enumerate(zip(code, after, strict=False)) if old != new)
        after[at + 1 : at + 1] = ["\n"] * (len(code) - len(after))
        code = after
    return head + code
