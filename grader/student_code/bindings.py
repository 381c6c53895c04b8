"""What the top level of a submission's files binds its names to, without running anything."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..source.files import File
from ..source.imports import Files, imported_from
from ..source.magics import NOT_PARSED, TIMING

DEEPEST = 20  # nested statements, and files that take names from each other
MOST_NODES = 60  # in an expression that counts as short
LONGEST_TEXT = 200  # of a constant in such an expression
# Parts of an expression that may compute anything.
DEFINING = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)

# What each name stands for: code, or a dotted name.
Bindings = dict[str, ast.AST | str]


class Scope:
    """The bindings at a file's top level, and the files whose names it takes as a whole."""

    def __init__(self, file: File, files: Files) -> None:
        self.file = file
        self.folder = str(PurePosixPath(file.name).parent)
        self.bindings: Bindings = {}
        self.labels: dict[int, str] = {}  # by id of a binding's node
        self.in_loops: set[int] = set()  # ids of nodes bound in loops
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


class Scopes:
    """The scopes of a submission's files, each created on first use."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._made: dict[str, Scope] = {}

    def of(self, file: File) -> Scope:
        """Return the scope of a file."""
        if file.name not in self._made:
            self._made[file.name] = Scope(file, self._files)
        return self._made[file.name]


@dataclass(frozen=True)
class Bound:
    """What a top-level statement binds a name to, and where.

    is_library: it is imported, but not from a file of the submission. literal: the value that the
    statement writes out, if it does. is_computed: it comes from functions of the source or from a
    loop, or is a definition. is_instance: it comes from classes of the source. is_plain: it comes
    only from imported functions and short literals. is_scripted: it is a function, or one compiled
    by torch.jit.script.
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
        self._scopes = Scopes(files)

    def of(self, label: str | None, name: str) -> Bound | None:
        """Return what binds a name in the file that contains a cell; None means the main file."""
        owner = next(
            (file for file in self._files if any(cell.label == label for cell in file.cells)),
            self._files.main,
        )
        return self._in(owner, name, DEEPEST)

    def of_module(self, module: str, name: str) -> Bound | None:
        """Return what binds a name in a module, if the module is a file of the submission."""
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


def _bound(value: ast.AST, scope: Scope) -> Bound:
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
        is_scripted=isinstance(value, ast.Call) and calls(value, "script"),
    )


def _computes(value: ast.AST, meant: Sequence[ast.AST | str]) -> bool:
    """Tell whether an expression computes, by itself or through what its names mean."""
    nodes = [*_outside_lambdas(value)]
    is_of_version = any(isinstance(n, ast.Attribute) and n.attr == "__version__" for n in nodes)
    if is_of_version and all(isinstance(each, str) for each in meant):
        return False
    has_calls = any(isinstance(node, ast.Call) for node in nodes)
    # An expression that contains lambdas but no calls does not call the lambdas either.
    own = [node for node in nodes if has_calls or not isinstance(node, ast.Lambda)]
    functions = [node for node in meant if not isinstance(node, ast.ClassDef)]
    return any(isinstance(node, DEFINING) for node in [*own, *functions])


def _outside_lambdas(code: ast.AST) -> Iterator[ast.AST]:
    todo = [code]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            todo += ast.iter_child_nodes(node)


def parsed(source: str) -> ast.Module | None:
    """Return the syntax tree of a source, or None if it is not valid Python."""
    try:
        return ast.parse(source)
    except NOT_PARSED:
        return None


def calls(call: ast.Call, name: str) -> bool:
    """Whether a call is of the built-in function `name`, as `exec` or as `builtins.exec`."""
    function = call.func
    return (isinstance(function, ast.Name) and function.id == name) or (
        isinstance(function, ast.Attribute) and function.attr == name
    )


def _top_level(body: Sequence[ast.AST], depth: int) -> Iterator[tuple[str, ast.AST | str]]:
    """Yield what the statements of a cell bind, in order, including inside if, try and loops."""
    for node in body if depth else ():
        yield from bound_by(node)
        code = _code_in(node)
        if code is not None:
            yield from _top_level(code.body, depth - 1)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = ast.iter_child_nodes(node)
            kinds = ast.stmt | ast.excepthandler | ast.match_case
            yield from _top_level([n for n in inner if isinstance(n, kinds)], depth - 1)


def all_statements(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all statements and what contains statements, at any depth, but no expressions."""
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
            return parsed(t) if magic in TIMING else None
        case ast.Expr(value=ast.Call(args=[ast.Constant(str(t)), *_]) as call):
            return parsed(t) if calls(call, "exec") else None
    return None


def bound_by(node: ast.AST) -> Iterator[tuple[str, ast.AST | str]]:
    """Yield the names that one node itself binds, and what each then stands for."""
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
