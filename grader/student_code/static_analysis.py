"""Find out from a source, without running it, whether a gradient's code names autograd.

Names are followed from each grad_* function, or the assignments in its place, to the top-level
functions, classes, aliases and imports they stand for. The last definition of a name counts, as at
run time. Code that a gradient does not reach (training of a network, a comparison with autograd) is
not reported. Strings assembled at run time escape this analysis, but not the off-path cases.
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import islice

from ..source.imports import Files
from ..source.tasks import Tasks
from .bindings import DEEPEST, Bindings, Scope, Scopes, all_statements, bound_by, calls, parsed
from .contract import UNFOLLOWED, Sighting
from .formulas import Formula
from .guards import ENTRY_POINTS, GRAPH_ATTRIBUTES, MOST_SIGHTINGS

# A source may be made to grow without end while it is followed; an honest one needs hundreds.
MOST_STEPS = 50_000
LONGEST_STRING = 10_000
MOST_FILES = 1_000  # in which one name is looked up


NAMES = frozenset(ENTRY_POINTS)
PACKAGES = ("torch.autograd.functional.", "torch.autograd.forward_ad.", "torch._functorch.")
# Suspicious on any object, unless the source itself has a method of that name.
ATTRIBUTES = frozenset({"backward", "run_backward", "_execution_engine", *GRAPH_ATTRIBUTES})


class Text(str):
    """A constant string, while a plain str is the dotted name of something imported."""


def screen(
    files: Files, tasks: Tasks, formulas: Sequence[Formula] = ()
) -> dict[str, tuple[Sighting, ...]]:
    """Return what each gradient names, for those that name anything.

    If one reaches more code than is followed, its last sighting is UNFOLLOWED.
    """
    source = _NameGraph(files, formulas)
    sightings_by_gradient = {name: tuple(source.named_by(name)) for name in tasks.gradients}
    return {name: sightings for name, sightings in sightings_by_gradient.items() if sightings}


class _NameGraph:
    """The top-level names of a submission, and the walk from a gradient through them."""

    def __init__(self, files: Files, formulas: Sequence[Formula]) -> None:
        self._formulas = {formula.name: formula for formula in formulas}
        self._files = files
        self._scopes = Scopes(files)
        self._main = self._scope = self._scopes.of(files.main)
        self._methods = {
            member.name
            for file in files
            for cell in file.cells
            for node in all_statements(cell.statements)
            if isinstance(node, ast.ClassDef)
            for member in node.body
            if isinstance(member, ast.FunctionDef)
        }
        self._steps = 0

    def named_by(self, gradient: str) -> list[Sighting]:
        """Return the entry points reached from a gradient, each with its place."""
        self._steps = 0
        sightings: dict[Sighting, None] = {}
        visits, todo = {(self._main, gradient)}, self._code_of(self._main, gradient)
        if formula := self._formulas.get(gradient):  # a formula contains all it needs of these
            visits |= {
                (self._main, name) for name in formula.assigned_names | formula.inputs.keys()
            }
        while todo and len(sightings) < MOST_SIGHTINGS:
            self._scope, label, code = todo.pop()
            for name, node in self._inside(code, DEEPEST):
                if name is not None:
                    sightings[Sighting(name, f"{label}, line {node.lineno}")] = None
                    continue
                for scope, own in self._meant_by(node):
                    if (scope, own) not in visits:
                        visits.add((scope, own))
                        todo += self._code_of(scope, own)
        if self._steps > MOST_STEPS:
            return [*islice(sightings, MOST_SIGHTINGS - 1), Sighting(UNFOLLOWED)]
        return list(sightings)[:MOST_SIGHTINGS]

    def _meant_by(self, node: ast.expr) -> list[tuple[Scope, str]]:
        """Return the name that an expression stands for, here or in another file, and its scope."""
        if isinstance(node, ast.Name):
            return [(self._scope, node.id)]
        dotted_name = self._value(node, {}, DEEPEST)
        is_name = dotted_name is not None and not isinstance(dotted_name, Text)
        return self._beside(self._scope, dotted_name) if dotted_name and is_name else []

    def _beside(self, scope: Scope, dotted_name: str) -> list[tuple[Scope, str]]:
        """Return the name in another file that a dotted name stands for, and its scope."""
        match = self._files.module(dotted_name, scope.folder)
        return [(self._scopes.of(match[0]), match[1].partition(".")[0])] if match else []

    def _code_of(self, scope: Scope, name: str) -> list[tuple[Scope, str, ast.AST]]:
        """Return the code that a name may stand for, each piece with its scope and label."""
        if scope is self._main and (formula := self._formulas.get(name)):
            return [(scope, part.label, part.statement) for part in formula.parts]
        codes: list[tuple[Scope, str, ast.AST]] = []
        todo, visits = [(scope, name)], set[tuple[Scope, str]]()
        while todo and len(visits) < MOST_FILES:
            where, own = todo.pop()
            if (where, own) in visits:
                continue
            visits.add((where, own))
            target = where.bindings.get(own)
            if isinstance(target, ast.AST):
                codes.append((where, where.labels[id(target)], target))
            elif target is not None:
                todo += self._beside(where, target)
            todo += [(self._scopes.of(file), own) for file in where.taken]
        return codes

    def _inside(self, code: ast.AST, depth: int) -> Iterator[tuple[str | None, ast.expr]]:
        """Yield the entry points named in `code`, and (None, expression) for what to follow."""
        local = _locals(code)
        for node in ast.walk(code):
            self._steps += 1
            if self._steps > MOST_STEPS:
                return
            if not isinstance(node, ast.Name | ast.Attribute | ast.Call):
                continue
            entry = self._entry(node, local)
            if entry:
                yield entry, node
            elif _is_to_follow(node, local):
                yield None, node
            elif isinstance(node, ast.Call) and depth:
                text = self._executed(node, local)
                tree = parsed(text) if text else None
                if tree is not None:
                    for name, inner in self._inside(tree, depth - 1):
                        yield name, (node if name else inner)

    def _entry(self, node: ast.expr, local: Bindings) -> str | None:
        """Return the entry point that an expression names, if any."""
        by_name = isinstance(node, ast.Call) and calls(node, "getattr")
        if isinstance(node, ast.Call) and not by_name:
            return None
        dotted_name = self._value(node, local, DEEPEST)
        if dotted_name and not isinstance(dotted_name, Text) and _differentiates(dotted_name):
            return dotted_name.replace("torch.Tensor", "Tensor")
        attribute = node.attr if isinstance(node, ast.Attribute) else None
        if by_name and dotted_name:
            attribute = dotted_name.rpartition(".")[2]
        if attribute in ATTRIBUTES and attribute not in self._methods:
            return f"Tensor.{attribute}"
        return None

    def _executed(self, call: ast.Call, local: Bindings) -> str | None:
        """Return the constant string passed to exec or eval."""
        if not call.args or not (calls(call, "exec") or calls(call, "eval")):
            return None
        code = call.args[0]
        if isinstance(code, ast.Call) and calls(code, "compile") and code.args:
            code = code.args[0]
        text = self._value(code, local, DEEPEST)
        return text if isinstance(text, Text) else None

    def _value(self, node: ast.AST, local: Bindings, depth: int) -> str | None:
        """Return the dotted name or constant string that an expression evaluates to."""
        self._steps += 1
        if depth == 0 or self._steps > MOST_STEPS:
            return None
        match node:
            case ast.Constant(value=str(constant)):
                return Text(constant)
            case ast.Name(id=name):
                value = local.get(name) if name in local else self._scope.bindings.get(name)
                if isinstance(value, str) or value is None:
                    return value
                return self._value(value, local, depth - 1)
            case ast.Attribute(value=owner, attr=attribute):
                dotted_name = self._value(owner, local, depth - 1)
                return (
                    f"{dotted_name}.{attribute}"
                    if dotted_name and not isinstance(dotted_name, Text)
                    else None
                )
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined(self._value(part, local, depth - 1) for part in (left, right))
            case ast.JoinedStr(values=parts):
                return _joined(self._value(part, local, depth - 1) for part in parts)
            case ast.FormattedValue(value=inner, format_spec=None):
                return self._value(inner, local, depth - 1)
            case ast.Call(args=[owner, attribute, *_]) if calls(node, "getattr"):
                text = self._value(attribute, local, depth - 1)
                dotted_name = self._value(owner, local, depth - 1)
                return f"{dotted_name or 'object'}.{text}" if text else None
            case ast.Call(args=[module, *_]) if calls(node, "__import__"):
                text = self._value(module, local, depth - 1)
                return str(text).partition(".")[0] if text else None
            case ast.Call(func=function, args=[module, *_]):
                if self._value(function, local, depth - 1) == "importlib.import_module":
                    return str(self._value(module, local, depth - 1))
        return None


def _differentiates(dotted_name: str) -> bool:
    backward_operator = dotted_name.startswith("torch.") and "_backward" in dotted_name
    return dotted_name in NAMES or dotted_name.startswith(PACKAGES) or backward_operator


def _joined(parts: Iterator[str | None]) -> Text | None:
    texts = list(parts)
    if not all(isinstance(text, Text) for text in texts):
        return None
    joined = Text("".join(text for text in texts if text))
    return joined if len(joined) <= LONGEST_STRING else None


def _is_to_follow(node: ast.Name | ast.Attribute | ast.Call, local: Bindings) -> bool:
    """Whether an expression may be a top-level name, here or in another file."""
    if isinstance(node, ast.Name):
        return node.id not in local
    return isinstance(node, ast.Attribute) or calls(node, "getattr")


def _locals(code: ast.AST) -> Bindings:
    """Return what the functions inside `code` bind; methods are not names inside their class."""
    methods = {
        id(member)
        for node in ast.walk(code)
        if isinstance(node, ast.ClassDef)
        for member in node.body
    }
    bound: Bindings = {}
    for node in ast.walk(code):
        if node is not code and id(node) not in methods:
            bound.update(bound_by(node))
    return bound
