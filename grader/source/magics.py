"""Turn IPython's own syntax into plain Python, as IPython does; nothing is run.

Line magics and shell lines become calls of get_ipython(): see shell.py for what these do.
"""

import ast
import re
import shlex
from functools import cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple

# Whatever may be IPython's own syntax: escaped lines, `x = !ls`, `x = %time f()`, `help?`, pasted
# prompts, a cell that is indented as a whole. Most cells have none of it.
SPECIAL = re.compile(
    r"""(?m) ^[ \t]*(?: [%!?,;/] | >>> | \.{3,}: | In[ ]\[ | \[(?:nav|ins)\] )
    | =[ \t]* (?:\\\n[ \t]*)? [%!]
    | \?[ \t]*$
    | \A (?:[ \t]*\n)* [ \t]+ [^ \t\n]
    """,
    re.VERBOSE,
)
MAGIC_CELL = re.compile(r"\s*%%")
# What stands below these runs in the notebook's own namespace: here it stays where it is.
RUN_THEIR_CELL = frozenset({"time", "capture", "prun", "debug"})
TIMING = RUN_THEIR_CELL | {"timeit"}  # which leaves no names
# What stands below these is no Python, is not run, or leaves no names.
OTHERS = frozenset((
    "!", "HTML", "R", "SVG", "bash", "bigquery", "cmd", "cython", "file", "html", "javascript",
    "js", "julia", "latex", "markdown", "perl", "pypy", "python", "python2", "python3", "ruby",
    "script", "sh", "shell", "sql", "svg", "system", "sx", "timeit", "writefile",
))  # fmt: skip
HELP_ON_MAGIC = re.compile(r"%%\w+\?")
# IPython takes more characters than a newline for the end of a line, Python does not.
NO_LINE_ENDS = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
NOT_PARSED = (SyntaxError, ValueError, RecursionError, MemoryError)
MAX_SPECIALS = 500
# IPython reads a cell anew for each special line, in a time that may grow with the square of the
# longest line. A cell may cost this much, in special lines x characters x the longest line (at
# least LINE); beyond, it stays as it is. An ordinary cell costs a hundred thousand.
EFFORT = 100_000_000
LINE = 80


class Untransformed(Exception):
    """There is IPython's own syntax, and no IPython to read it."""

    def __init__(self) -> None:
        super().__init__("here is IPython's own syntax; to check it: pip install ipython")


def to_python(source: str) -> str:
    """Return a cell as plain Python, its lines in their places.

    What IPython cannot transform is returned as it is, and so is all that takes an IPython if
    there is none.
    """
    lines = (source.removesuffix("\n").translate(NO_LINE_ENDS) + "\n").splitlines(keepends=True)
    head: list[str] = []  # what becomes of the magics at the top, a line for each line
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
    """The magic of a cell: where it stands, what it is called, and the rest of its line."""

    at: int
    name: str
    line: str


def _magic_cell(lines: list[str], begin: int) -> _Magic | None:
    """Return the magic that stands first below a line, if anything of the kind does."""
    at = next((at for at in range(begin, len(lines)) if lines[at].strip()), None)
    if at is None or not MAGIC_CELL.match(lines[at]) or HELP_ON_MAGIC.match(lines[at].lstrip()):
        return None
    name, _, line = lines[at].strip()[2:].partition(" ")
    return _Magic(at, name, line)


def _is_python(lines: list[str], begin: int) -> bool:
    """Tell whether what stands below a magic that is not known is Python: then it mostly runs."""
    while (magic := _magic_cell(lines, begin)) is not None:
        if magic.name not in RUN_THEIR_CELL:
            return True  # whatever stands below that: it becomes a call
        begin = magic.at + 1
    try:
        ast.parse("".join(_transformed(lines[begin:])))
    except NOT_PARSED:
        return False
    return True


def words_of(line: str) -> tuple[list[str], list[str]]:
    """Return the arguments of a magic and its options."""
    try:
        words = shlex.split(line)
    except ValueError:  # a quote without its end
        words = line.split()
    return [w for w in words if not w.startswith("-")], [w for w in words if w.startswith("-")]


def written_to(line: str) -> str | None:
    """Return the file beside that `%%writefile` names; one elsewhere counts as beside."""
    names, _ = words_of(line)
    if not names:
        return None
    path = PurePosixPath(names[0])
    return path.name if path.is_absolute() else str(path)


def _captured(line: str) -> str:
    """Return what binds the name that %%capture is given, if it is given one."""
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
    except Exception:  # whatever IPython raises on what is not even its own syntax
        return lines


@cache
def transformer() -> Any:
    """Return IPython's transformer, or None without IPython. It is slow to import."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return None
    return TransformerManager()


def _by(ipython: Any, lines: list[str]) -> list[str]:
    code = lines
    for clean in ipython.cleanup_transforms:
        code = clean(code)
    head = ["\n"] * (len(lines) - len(code))  # for each line that is gone, so that numbers stay
    for _ in range(MAX_SPECIALS):
        is_changed, after = ipython.do_one_token_transform(code)
        if not is_changed:
            break
        at = next(i for i, (old, new) in enumerate(zip(code, after, strict=False)) if old != new)
        after[at + 1 : at + 1] = ["\n"] * (len(code) - len(after))
        code = after
    return head + code
