"""Read a source without running it: does a gradient's code name torch's own differentiation?

From each grad_* function, or the assignments in its place, names are followed to the top-level
functions, classes, aliases and imports they stand for, the last definition of a name counting, as
at run time. What is not reached from a gradient (training of a network, a comparison with
autograd) is not named. Strings that are put together while the program runs hide from this; the
off-path cases do not need to read.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from ..source.files import File
from ..source.following import Files, imported_from
from ..source.magics import NOT_PARSED, TIMING
from ..source.tasks import Tasks
from .contract import UNFOLLOWED, Sighting
from .formulas import Formula
from .guards import ENTRY_POINTS, GRAPH_ATTRIBUTES, MOST_SIGHTINGS

# A source may be made to grow without end while it is followed; an honest one needs hundreds.
MOST_STEPS = 50_000
LONGEST_STRING = 10_000
DEEPEST = 20
MOST_FILES = 1_000  # that one name is looked for in

MOST_NODES = 60  # of an expression that is short
LONGEST_TEXT = 200  # of a constant in it
# What in an expression may compute anything.
DEFINING = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)

NAMES = frozenset(ENTRY_POINTS)
PACKAGES = ("torch.autograd.functional.", "torch.autograd.forward_ad.", "torch._functorch.")
# Telling on any object, unless the source has a method of that name itself.
ATTRIBUTES = frozenset({"backward", "run_backward", "_execution_engine", *GRAPH_ATTRIBUTES})


class Text(str):
    """A constant string, where a plain str is the dotted name of something imported."""


# What a name stands for: code, or a dotted name.
Bindings = dict[str, ast.AST | str]


def screen(
    files: Files, tasks: Tasks, formulas: Sequence[Formula] = ()
) -> dict[str, tuple[Sighting, ...]]:
    """Return what each gradient names, of those that name anything.

    Of one that reaches more code than is followed, the last is UNFOLLOWED.
    """
    source = _Source(files, formulas)
    found = {name: tuple(source.named_by(name)) for name in tasks.gradients}
    return {name: sightings for name, sightings in found.items() if sightings}


class _Scope:
    """What the top level of a file binds, and the files all of whose names it takes."""

    def __init__(self, file: File, files: Files) -> None:
        self.file = file
        self.folder = str(PurePosixPath(file.name).parent)
        self.bindings: Bindings = {}
        self.labels: dict[int, str] = {}  # by id of a binding's node
        self.in_loops: set[int] = set()  # ids of such nodes
        self.taken: list[File] = []
        for cell in file.cells:
            for statement in cell.statements:
                self._add(statement, cell.label)
                if brought := files.brought_by(statement, file):
                    self.taken.append(brought)

    def _add(self, statement: ast.stmt, label: str) -> None:
        for name, value in _top_level([statement], DEEPEST):
            self.bindings[name] = value
            if isinstance(value, ast.AST):
                self.labels[id(value)] = label
                if isinstance(statement, ast.For | ast.While):
                    self.in_loops.add(id(value))
        if isinstance(statement, ast.ImportFrom) and statement.level:
            module = imported_from(statement, self.file)
            for alias in statement.names:
                self.bindings[alias.asname or alias.name] = f"{module}.{alias.name}".strip(".")


class _Scopes:
    """The scopes of a submission's files, each made when it is first asked for."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._made: dict[str, _Scope] = {}

    def of(self, file: File) -> _Scope:
        """Return the scope of a file."""
        if file.name not in self._made:
            self._made[file.name] = _Scope(file, self._files)
        return self._made[file.name]


@dataclass(frozen=True)
class Bound:
    """What a top-level statement binds a name to, and where.

    is_library: it is imported, and from no file of the submission. literal: what the statement
    writes out, if it does. is_computed: it comes from functions of the source, or from a loop, or
    is a definition.
    is_instance: it comes from classes of the source. is_plain: it comes from imported functions and
    short literals alone. is_scripted: it is a function, or one compiled by torch.jit.script.
    """

    label: str
    line: int
    is_library: bool = False
    is_literal: bool = False
    literal: object = None
    is_short: bool = False
    is_computed: bool = False
    is_instance: bool = False
    is_plain: bool = False
    is_scripted: bool = False


class Places:
    """Where the files of a submission bind their top-level names."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._scopes = _Scopes(files)

    def of(self, label: str | None, name: str) -> Bound | None:
        """Return what binds a name in the file that a cell is of; None for the main file's."""
        owner = next(
            (file for file in self._files if any(cell.label == label for cell in file.cells)),
            self._files.main,
        )
        return self._in(owner, name, DEEPEST)

    def of_module(self, module: str, name: str) -> Bound | None:
        """Return what binds a name in a module, if that is a file of the submission."""
        found = self._files.module(module, "")
        return self._in(found[0], name, DEEPEST) if found and not found[1] else None

    def _in(self, file: File, name: str, depth: int) -> Bound | None:
        scope = self._scopes.of(file)
        value = scope.bindings.get(name)
        if isinstance(value, str):
            found = self._files.module(value, scope.folder)
            if found is None:
                return Bound("", 0, is_library=True)
            own = found[1].partition(".")[0]
            return self._in(found[0], own, depth - 1) if depth and own else None
        if value is not None:
            return _bound(value, scope)
        inner = (self._in(taken, name, depth - 1) for taken in scope.taken if depth)
        return next(filter(None, inner), None)


def _bound(value: ast.AST, scope: _Scope) -> Bound:
    if isinstance(value, ast.FunctionDef | ast.ClassDef):
        is_function = isinstance(value, ast.FunctionDef)
        label = scope.labels[id(value)]
        return Bound(label, value.lineno, is_computed=True, is_scripted=is_function)
    literal, nodes = None, [*ast.walk(value)]
    try:
        literal = ast.literal_eval(value)
        is_literal = True
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        is_literal = False
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    meant = [scope.bindings[name] for name in names if name in scope.bindings]
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    is_short = len(nodes) <= MOST_NODES and all(
        len(text) <= LONGEST_TEXT for text in texts if isinstance(text, str | bytes)
    )
    return Bound(
        label=scope.labels[id(value)],
        line=getattr(value, "lineno", 1),
        is_literal=is_literal,
        literal=literal,
        is_short=is_short,
        is_computed=id(value) in scope.in_loops or _computes(value, meant),
        is_instance=any(isinstance(node, ast.ClassDef) for node in meant),
        is_plain=is_short
        and not any(isinstance(node, DEFINING) for node in nodes)
        and all(isinstance(each, str | ast.Constant) for each in meant),
        is_scripted=isinstance(value, ast.Call) and _calls(value, "script"),
    )


def _computes(value: ast.AST, meant: Sequence[ast.AST | str]) -> bool:
    """Tell whether an expression computes by itself, or by what its names mean in the source."""
    nodes = [*_outside_lambdas(value)]
    is_of_version = any(isinstance(n, ast.Attribute) and n.attr == "__version__" for n in nodes)
    if is_of_version and all(isinstance(each, str) for each in meant):
        return False
    calls = any(isinstance(node, ast.Call) for node in nodes)
    # What writes out lambdas, and calls nothing, does not call them either.
    own = [node for node in nodes if calls or not isinstance(node, ast.Lambda)]
    functions = [node for node in meant if not isinstance(node, ast.ClassDef)]
    return any(isinstance(node, DEFINING) for node in [*own, *functions])


def _outside_lambdas(code: ast.AST) -> Iterator[ast.AST]:
    todo = [code]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)


class _Source:
    """The top-level names of a submission, and the walk from a gradient through them."""

    def __init__(self, files: Files, formulas: Sequence[Formula]) -> None:
        self._formulas = {formula.name: formula for formula in formulas}
        self._files = files
        self._scopes = _Scopes(files)
        self._main = self._scope = self._scopes.of(files.main)
        self._methods = {
            member.name
            for file in files
            for cell in file.cells
            for node in _statements(cell.statements)
            if isinstance(node, ast.ClassDef)
            for member in node.body
            if isinstance(member, ast.FunctionDef)
        }
        self._steps = 0

    def named_by(self, gradient: str) -> list[Sighting]:
        """Return the entry points reached from a gradient, each with its place."""
        self._steps = 0
        found: dict[Sighting, None] = {}
        reached, todo = {(self._main, gradient)}, self._code_of(self._main, gradient)
        if formula := self._formulas.get(gradient):  # it has all that it needs of these
            reached |= {(self._main, name) for name in formula.assigned | formula.given.keys()}
        while todo and len(found) < MOST_SIGHTINGS:
            self._scope, label, code = todo.pop()
            for name, node in self._inside(code, DEEPEST):
                if name is not None:
                    found[Sighting(name, f"{label}, line {node.lineno}")] = None
                    continue
                for scope, own in self._meant_by(node):
                    if (scope, own) not in reached:
                        reached.add((scope, own))
                        todo += self._code_of(scope, own)
        if self._steps > MOST_STEPS:
            return [*islice(found, MOST_SIGHTINGS - 1), Sighting(UNFOLLOWED)]
        return list(found)[:MOST_SIGHTINGS]

    def _meant_by(self, node: ast.expr) -> list[tuple[_Scope, str]]:
        """Return the name that an expression is, here or in a file beside, with its scope."""
        if isinstance(node, ast.Name):
            return [(self._scope, node.id)]
        dotted = self._value(node, {}, DEEPEST)
        is_name = dotted is not None and not isinstance(dotted, Text)
        return self._beside(self._scope, dotted) if dotted and is_name else []

    def _beside(self, scope: _Scope, dotted: str) -> list[tuple[_Scope, str]]:
        """Return the name in a file beside that a dotted name is."""
        found = self._files.module(dotted, scope.folder)
        return [(self._scopes.of(found[0]), found[1].partition(".")[0])] if found else []

    def _code_of(self, scope: _Scope, name: str) -> list[tuple[_Scope, str, ast.AST]]:
        """Return the code that a name may stand for, each piece with its scope and label."""
        if scope is self._main and (formula := self._formulas.get(name)):
            return [(scope, part.label, part.statement) for part in formula.parts]
        found: list[tuple[_Scope, str, ast.AST]] = []
        todo, seen = [(scope, name)], set[tuple[_Scope, str]]()
        while todo and len(seen) < MOST_FILES:
            where, own = todo.pop()
            if (where, own) in seen:
                continue
            seen.add((where, own))
            target = where.bindings.get(own)
            if isinstance(target, ast.AST):
                found.append((where, where.labels[id(target)], target))
            elif target is not None:
                todo += self._beside(where, target)
            todo += [(self._scopes.of(file), own) for file in where.taken]
        return found

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
                tree = _parsed(text) if text else None
                if tree is not None:
                    for name, inner in self._inside(tree, depth - 1):
                        yield name, (node if name else inner)

    def _entry(self, node: ast.expr, local: Bindings) -> str | None:
        """Return the entry point that an expression is, if it is one."""
        by_name = isinstance(node, ast.Call) and _calls(node, "getattr")
        if isinstance(node, ast.Call) and not by_name:
            return None
        dotted = self._value(node, local, DEEPEST)
        if dotted and not isinstance(dotted, Text) and _differentiates(dotted):
            return dotted.replace("torch.Tensor", "Tensor")
        attribute = node.attr if isinstance(node, ast.Attribute) else None
        if by_name and dotted:
            attribute = dotted.rpartition(".")[2]
        if attribute in ATTRIBUTES and attribute not in self._methods:
            return f"Tensor.{attribute}"
        return None

    def _executed(self, call: ast.Call, local: Bindings) -> str | None:
        """Return the constant string that exec or eval is given."""
        if not call.args or not (_calls(call, "exec") or _calls(call, "eval")):
            return None
        code = call.args[0]
        if isinstance(code, ast.Call) and _calls(code, "compile") and code.args:
            code = code.args[0]
        text = self._value(code, local, DEEPEST)
        return text if isinstance(text, Text) else None

    def _value(self, node: ast.AST, local: Bindings, depth: int) -> str | None:
        """Return the dotted name, or the constant string, that an expression comes to."""
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
                dotted = self._value(owner, local, depth - 1)
                return f"{dotted}.{attribute}" if dotted and not isinstance(dotted, Text) else None
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined(self._value(part, local, depth - 1) for part in (left, right))
            case ast.JoinedStr(values=parts):
                return _joined(self._value(part, local, depth - 1) for part in parts)
            case ast.FormattedValue(value=inner, format_spec=None):
                return self._value(inner, local, depth - 1)
            case ast.Call(args=[owner, attribute, *_]) if _calls(node, "getattr"):
                text = self._value(attribute, local, depth - 1)
                dotted = self._value(owner, local, depth - 1)
                return f"{dotted or 'object'}.{text}" if text else None
            case ast.Call(args=[module, *_]) if _calls(node, "__import__"):
                text = self._value(module, local, depth - 1)
                return str(text).partition(".")[0] if text else None
            case ast.Call(func=function, args=[module, *_]):
                if self._value(function, local, depth - 1) == "importlib.import_module":
                    return str(self._value(module, local, depth - 1))
        return None


def _differentiates(dotted: str) -> bool:
    backward_operator = dotted.startswith("torch.") and "_backward" in dotted
    return dotted in NAMES or dotted.startswith(PACKAGES) or backward_operator


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except NOT_PARSED:
        return None


def _calls(call: ast.Call, name: str) -> bool:
    """Whether a call is of the built-in function `name`, as `exec` or as `builtins.exec`."""
    function = call.func
    return (isinstance(function, ast.Name) and function.id == name) or (
        isinstance(function, ast.Attribute) and function.attr == name
    )


def _joined(parts: Iterator[str | None]) -> Text | None:
    texts = list(parts)
    if not all(isinstance(text, Text) for text in texts):
        return None
    joined = Text("".join(text for text in texts if text))
    return joined if len(joined) <= LONGEST_STRING else None


def _top_level(body: Sequence[ast.AST], depth: int) -> Iterator[tuple[str, ast.AST | str]]:
    """Yield what the statements of a cell bind, in order, inside if, try and loops too."""
    for node in body if depth else ():
        yield from _bound_by(node)
        code = _code_in(node)
        if code is not None:
            yield from _top_level(code.body, depth - 1)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = ast.iter_child_nodes(node)
            kinds = ast.stmt | ast.excepthandler | ast.match_case
            yield from _top_level([n for n in inner if isinstance(n, kinds)], depth - 1)


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all statements, however deep, and what holds statements; no expressions."""
    todo: list[ast.AST] = [*body]
    while todo:
        node = todo.pop()
        yield node
        inner = ast.iter_child_nodes(node)
        todo += [n for n in inner if isinstance(n, ast.stmt | ast.excepthandler | ast.match_case)]


def _code_in(node: ast.AST) -> ast.Module | None:
    """Return the Python inside a statement that is a %%time cell or an exec of a constant."""
    match node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(attr="run_cell_magic" | "run_line_magic"),
                args=[ast.Constant(str(magic)), *_, ast.Constant(str(t))],
            )
        ):
            return _parsed(t) if magic in TIMING else None
        case ast.Expr(value=ast.Call(args=[ast.Constant(str(t)), *_]) as call):
            return _parsed(t) if _calls(call, "exec") else None
    return None


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.AST | str]]:
    """Yield the names that one node binds itself, and what each then stands for."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, node
        case ast.Import(names=names):
            for alias in names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        case ast.ImportFrom(module=str(module), names=names):
            for alias in names:
                yield alias.asname or alias.name, f"{module}.{alias.name}"
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _assigned(target, value)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            yield from _assigned(target, value)
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            yield from _assigned(target, value)
        case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
            yield from _assigned(target, value)
        case ast.arg(arg=name):
            yield name, node


def _assigned(target: ast.AST, value: ast.expr) -> Iterator[tuple[str, ast.AST | str]]:
    match target, value:
        case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
            for name, one in zip(names, values, strict=True):
                yield from _assigned(name, one)
        case _:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id, value


def _is_to_follow(node: ast.Name | ast.Attribute | ast.Call, local: Bindings) -> bool:
    """Whether an expression may be a name of the top level, here or in a file beside."""
    if isinstance(node, ast.Name):
        return node.id not in local
    return isinstance(node, ast.Attribute) or _calls(node, "getattr")


def _locals(code: ast.AST) -> Bindings:
    """Return what the functions inside `code` bind; a method is no name inside its class."""
    methods = {
        id(member)
        for node in ast.walk(code)
        if isinstance(node, ast.ClassDef)
        for member in node.body
    }
    bound: Bindings = {}
    for node in ast.walk(code):
        if node is not code and id(node) not in methods:
            bound.update(_bound_by(node))
    return bound
