"""What a student may have meant by code that does not work: read from the source, never guessed."""

import ast
import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from ..source.files import Cell
from .contract import Hint, Note

NEAR = 0.85  # difflib's ratio, for names without case and underscores
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def of_missing(
    name: str, cells: Sequence[Cell], notes: Sequence[Note], definitions: Collection[str]
) -> Hint | None:
    """Return why a name is missing, or a similar name that is not one of the `definitions`."""
    return (
        _unparsed(name, cells)
        or _failed(name, cells, notes)
        or nested(name, cells)
        or _near(name, cells, definitions)
    )


def _failed(name: str, cells: Sequence[Cell], notes: Sequence[Note]) -> Hint | None:
    """Return the error in which the definition of a name ended."""
    for cell in cells:
        for node in _definitions(cell.statements):
            if node.name == name:
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                lines = range(first, (node.end_lineno or first) + 1)
                places = {f"{cell.label}, line {line}" for line in lines}
                for note in notes:
                    if note.where in places:
                        return Hint("failed", note.text, note.where)
    return None


def _unparsed(name: str, cells: Sequence[Cell]) -> Hint | None:
    """Return the place at which the definition of a name does not parse."""
    begins = re.compile(rf"(?:async\s+)?(?:def|class)\s+{name}\b")
    for cell in cells:
        lines = cell.source.split("\n") if cell.faults else []
        for fault in cell.faults:
            above = lines[: fault.line or 0]
            start = next((line for line in reversed(above) if line[:1].strip(" #)]}")), "")
            if begins.match(start):
                return Hint("unparsed", name, f"{cell.label}, line {fault.line}")
    return None


def nested(name: str, cells: Sequence[Cell], outer: str | None = None) -> Hint | None:
    """Return the place of a function nested in another, optionally somewhere inside `outer`.

    A method of a class is not nested.
    """
    for cell in cells:
        for top in _definitions(cell.statements):
            if outer is None or top.name == outer:
                for path, node in _inside(top, (top.name,), 0):
                    if node.name == name:
                        return Hint("nested", ".".join(path), f"{cell.label}, line {node.lineno}")
    return None


def stub_above(place: str, cells: Sequence[Cell]) -> Hint | None:
    """Return the `raise` at a place if code stands below it, which is then never reached."""
    for cell in cells:
        for statement in cell.statements:
            if place.startswith(f"{cell.label}, line "):
                for node in ast.walk(statement):
                    if _is_above(getattr(node, "body", None), place, cell.label):
                        return Hint("stub_above", "", place)
    return None


def _is_above(body: object, place: str, label: str) -> bool:
    statements = body if isinstance(body, list) else []
    for number, statement in enumerate(statements):
        if isinstance(statement, ast.Raise) and place == f"{label}, line {statement.lineno}":
            return any(not isinstance(one, ast.Pass) for one in statements[number + 1 :])
    return False


def _near(name: str, cells: Sequence[Cell], definitions: Collection[str]) -> Hint | None:
    plain = _plain(name)
    best: tuple[float, Hint] | None = None
    for cell in cells:
        for node in _definitions(cell.statements):
            if node.name in definitions:
                continue
            ratio = difflib.SequenceMatcher(None, _plain(node.name[:60]), plain).ratio()
            if ratio >= NEAR and (best is None or ratio >= best[0]):
                place = f"{cell.label}, line {node.lineno}"
                best = ratio, Hint("near", node.name[:60], place)
    return best[1] if best else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _definitions(body: Iterable[ast.AST]) -> Iterator[Definition]:
    return (node for node in body if isinstance(node, Definition))


def _inside(
    outer: Definition, path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], Definition]]:
    """Yield the functions and classes inside a function, with the names around them."""
    if depth > 20:
        return
    for node in _definitions(outer.body):
        if not isinstance(outer, ast.ClassDef):
            yield path, node
        yield from _inside(node, (*path, node.name), depth + 1)
