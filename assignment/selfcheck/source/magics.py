"""Turn IPython's own syntax into plain Python, as IPython does; nothing is run.

Line magics and shell lines become calls of get_ipython(): see shell.py for what these do.
"""

import ast
import re
import shlex
from functools import cache
from pathlib import PurePosixPath
from typing import Any

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
    head: list[str] = []
    while match := MAGIC_CELL.match("".join(lines)):
        magic = match.group().count("\n")
        if HELP_ON_MAGIC.match(lines[magic].lstrip()):
            break
        name, _, line = lines[magic].strip()[2:].partition(" ")
        body = lines[magic + 1 :]
        head += ["\n"] * magic
        if name not in RUN_THEIR_CELL and (name in OTHERS or not _is_python(body)):
            call = f"get_ipython().run_cell_magic({name!r}, {line!r}, {''.join(body)!r})\n"
            return "".join([*head, call])
        head.append(_captured(line) if name == "capture" else "\n")
        lines = body
    return "".join(head + _transformed(lines)).removesuffix("\n")


def _is_python(lines: list[str]) -> bool:
    """Tell whether what stands below a magic that is not known is Python: then it mostly runs."""
    try:
        ast.parse(to_python("".join(lines)))
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
        changed, after = ipython.do_one_token_transform(code)
        if not changed:
            break
        at = next(i for i, (old, new) in enumerate(zip(code, after, strict=False)) if old != new)
        after[at + 1 : at + 1] = ["\n"] * (len(code) - len(after))
        code = after
    return head + code
