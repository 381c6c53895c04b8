"""Parse what a student wrote, losing only the statements that are not valid Python.

IPython's own syntax is turned into Python first. Parsing may take long for a source made to break
it, so run it where that does no harm.
"""

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .magics import (
    MAGIC_CELL,
    NOT_PARSED,
    RUN_THEIR_CELL,
    SPECIAL,
    Untransformed,
    to_python,
    transformer,
)
from .versions import explained

# The whole message, in place of Python's several different ones.
TOO_DEEP = "nested too deeply for Python to read"

MOST_FAULTS = 100
# After each fault Python reads the whole rest again. This is the limit on characters read in total:
# a source of 200,000, far beyond any homework, can have a hundred faults anywhere.
MOST_READ = 20_000_000
UNREAD = "nothing is read from here on: too much above is not Python"
DEPTH = (RecursionError, MemoryError)  # for which the parser gives no line
# Tokens that cannot begin a statement: such a line continues the one before.
GOES_ON = re.compile(r"(?:else|elif|except|finally)\b|[)\]}]")


@dataclass(frozen=True)
class SyntaxFault:
    """A statement that is left out because it is not valid Python: its line, and the error."""

    line: int | None
    error: BaseException


def parsed(source: str, label: str) -> tuple[list[ast.stmt], list[SyntaxFault]]:
    """Return the top-level statements of a source and its faults, in order."""
    lines = source.split("\n")
    faults: list[SyntaxFault] = []
    if (statements := _parse(source, label)) is None and SPECIAL.search(source):
        lines = to_python(source).split("\n")
        statements = _parse("\n".join(lines), label)
    if statements is None:
        statements = []
        for piece in _pieces(lines, label):
            if isinstance(piece, SyntaxFault):
                faults.append(piece)
            else:
                statements.append(piece)
    return list(_expanded(statements, label, faults)), faults


def _parse(text: str, label: str) -> list[ast.stmt] | None:
    try:
        return ast.parse(text, label).body
    except NOT_PARSED:
        return None


def _pieces(lines: Sequence[str], label: str) -> Iterator[ast.stmt | SyntaxFault]:
    """Yield the statements of lines that do not parse as a whole, and a fault for each failed one.

    The statement at which the parser stops is read by itself, as are the lines before and after it.
    If the parser gives no line, as for deep nesting, each half is read. If there are too many
    faults, the last one says so.
    """
    starts = _starts(lines)
    todo = [(0, len(lines))]
    faults = characters = 0
    while todo:
        begin, end = todo.pop()
        text = "\n" * begin + "\n".join(lines[begin:end])
        if not text.strip():
            continue
        characters += len(text)
        if faults == MOST_FAULTS or characters > MOST_READ:
            yield SyntaxFault(begin + 1, SyntaxError(UNREAD))
            return
        try:
            yield from ast.parse(text, label).body
            continue
        except NOT_PARSED as error:
            fault_error = error
        first, last = _statement_at(
            getattr(fault_error, "lineno", None), begin, end, starts, fault_error
        )
        if (first, last) == (begin, end):
            if (special := _from_ipython(lines[begin:end], begin, label)) is not None:
                yield from special
                continue
            if isinstance(fault_error, DEPTH):
                at = bisect_left(starts, begin)
                first = starts[at] if at < len(starts) else begin
                yield SyntaxFault(first + 1, SyntaxError(TOO_DEEP))
            else:
                line = getattr(fault_error, "lineno", None)
                yield SyntaxFault(line, explained(fault_error, lines[begin:end], begin))
            faults += 1
            continue
        # The last one is taken first.
        todo += [(last, end), (first, last), (begin, first)]


def _starts(lines: Sequence[str]) -> list[int]:
    """Return the lines at which a top-level statement may begin."""
    starts: list[int] = []
    before = ""
    for number, line in enumerate(lines):
        if line[:1].strip() and line[0] != "#":
            if not (GOES_ON.match(line) or before.startswith("@") or before.endswith("\\")):
                starts.append(number)
            before = line
        elif line.strip() and before.startswith("@") and not line.lstrip().startswith("#"):
            before = "@"  # a decorator continues
        else:
            before = line if line.endswith("\\") else before if before.startswith("@") else ""
    return starts


def _statement_at(
    line: int | None, begin: int, end: int, starts: Sequence[int], error: BaseException
) -> tuple[int, int]:
    """Return the lines, from `begin` to `end`, of the statement in which the parser stopped.

    If it does not say where, return the first half of the statements.
    """
    if line is None:
        inside = starts[bisect_right(starts, begin) : bisect_left(starts, end)]
        return begin, inside[len(inside) // 2] if inside else end
    at = min(max(line - 1, begin), end - 1)
    if isinstance(error, IndentationError) and error.msg == "unexpected indent" and at > begin:
        first = at
    else:
        before = bisect_right(starts, at)
        first = max(starts[before - 1], begin) if before else begin
    after = bisect_right(starts, max(at, first))
    last = min(starts[after], end) if after < len(starts) else end
    return first, last


def _from_ipython(
    lines: Sequence[str], begin: int, label: str
) -> Sequence[ast.stmt | SyntaxFault] | None:
    """Return a statement in IPython's own syntax as Python; None if it is not in that syntax."""
    text = "\n".join(lines)
    if not SPECIAL.search(text.lstrip()) or MAGIC_CELL.match(text):
        return None
    if transformer() is None:
        return [SyntaxFault(begin + 1, Untransformed())]
    return _parse("\n" * begin + to_python(text), label)


def _expanded(
    statements: Sequence[ast.stmt], label: str, faults: list[SyntaxFault]
) -> Iterator[ast.stmt]:
    """Yield statements; one that has IPython run some Python is replaced by that Python."""
    for statement in statements:
        source = _run_by_ipython(statement)
        if source is None:
            yield statement
            continue
        line = statement.lineno
        try:
            inner, inner_faults = parsed(source, label)
        except RecursionError as error:
            inner, inner_faults = [], [SyntaxFault(line, error)]
        faults += [SyntaxFault(line, fault.error) for fault in inner_faults]
        for one in inner:
            for node in ast.walk(one):
                if hasattr(node, "lineno"):
                    ast.copy_location(node, statement)
            yield one


def _run_by_ipython(statement: ast.stmt) -> str | None:
    """Return the Python inside `get_ipython().run_cell_magic("time", "", "...")` and the like."""
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=attr),
                args=arguments,
            )
        ):
            texts = [one.value for one in arguments if isinstance(one, ast.Constant)]
        case _:
            return None
    match attr, texts:
        case "run_cell_magic", [str(name), str(line), str(body)] if name in RUN_THEIR_CELL:
            return f"%%{name} {line}\n{body}"
        case "run_line_magic", ["time" | "prun", str(line)]:
            return line
    return None
