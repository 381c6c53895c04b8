"""Tell apart, by a function's code, mistakes whose answers are the same.

This module travels in the self-check, so it needs only the standard library.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence, Set

from .magics import NOT_PARSED
from .tasks import Tasks

MOST_CHARACTERS = 10_000  # longer functions are not examined
# By function, the mistakes that its code shows, of those that only the code can tell apart.
ShownByCode = Mapping[str, Set[str]]
DEFINED = re.compile(r"(?:def|class) \w+\b")
GOES_ON = ("", " ", "\t", ")")  # how the later lines of a definition begin


def definitions(source: str, tasks: Tasks) -> dict[str, str]:
    """Return the text of the last top-level definition for each question, keyed by question."""
    begins = {
        f"{'class' if question.kind == 'network' else 'def'} {question.definition}": question.name
        for question in tasks.questions
        if not question.is_training
    }
    lines_of: dict[str, list[str]] = {}
    name = None
    for line in source.split("\n"):
        if line[:1] not in GOES_ON:
            match = DEFINED.match(line)
            name = begins.get(match[0]) if match else None
            if name:
                lines_of[name] = []
        if name:
            lines_of[name].append(line)
    return {name: "\n".join(lines) for name, lines in lines_of.items()}


def shown_by_code(source: str, tasks: Tasks) -> dict[str, frozenset[str]]:
    """Return, for each question's function that a source defines, the mistakes its code shows."""
    return {name: _shown_by(text, tasks) for name, text in definitions(source, tasks).items()}


def _shown_by(definition: str, tasks: Tasks) -> frozenset[str]:
    if len(definition) > MOST_CHARACTERS:
        return frozenset()
    try:
        nodes = list(ast.walk(ast.parse(definition)))
    except NOT_PARSED:
        return frozenset()
    return frozenset(
        same.other for same in tasks.same_answers if SHOWS[same.shows](nodes, *same.names)
    )


def by_source(ids: tuple[str, ...], evidence: Set[str], tasks: Tasks) -> tuple[str, ...]:
    """Tell apart mistakes with the same answers, by what the function's code shows."""
    for same in tasks.same_answers:
        if same.mistake in ids and same.other in evidence:
            ids = tuple(same.other if name == same.mistake else name for name in ids)
    return ids


def _negates(nodes: Sequence[ast.AST], minuend: str, subtrahend: str) -> bool:
    """Tell whether code multiplies by -2, as a differential does, and has only this difference."""
    has_minus_two = any(
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and (_is_minus_two(node.left) or _is_minus_two(node.right))
        for node in nodes
    )
    return (
        has_minus_two
        and any(_is_difference(node, minuend, subtrahend) for node in nodes)
        and not any(_is_difference(node, subtrahend, minuend) for node in nodes)
    )


def _is_minus_two(node: ast.AST) -> bool:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=2)):
            return True
    return False


def _is_difference(node: ast.AST, minuend: str, subtrahend: str) -> bool:
    match node:
        case ast.BinOp(left=ast.Name(id=left), op=ast.Sub(), right=ast.Name(id=right)):
            return (left, right) == (minuend, subtrahend)
    return False


def _transposes(nodes: Sequence[ast.AST], name: str) -> bool:
    """Tell whether code transposes something of this name, as a variable or as an attribute."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("T", "t", "mT")
        and (
            (isinstance(node.value, ast.Name) and node.value.id == name)
            or (isinstance(node.value, ast.Attribute) and node.value.attr == name)
        )
        for node in nodes
    )


SHOWS: Mapping[str, Callable[..., bool]] = {"negates": _negates, "transposes": _transposes}
