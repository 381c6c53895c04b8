"""Read functions that a source writes out as assignments, in the report's own style.

A source may assign at its top level what functions should return, and define no functions. The
formula of such a name is the top-level statements that it needs, back to the names that the
homework gives. Run with the given tensors in place of the source's own, it is that function.

A with statement, a try, and a loop whose turns do not build on each other are replaced by the
statements inside; any other compound statement is taken whole.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import CodeType
from typing import Any

from ..source.imports import Piece
from ..source.tasks import PARAMETERS, Question, Tasks
from .contract import Spellings
from .loading import Program
from .modules import Namespace

# Stands for everything backward() leaves in .grad of parameters. No variable can have this name.
GRAD = ".grad"


@dataclass(frozen=True)
class FormulaStatement:
    """A statement of a formula, and the label of its cell."""

    label: str
    statement: ast.stmt

    @cached_property
    def assigns(self) -> frozenset[str]:
        """The names it assigns."""
        targets = (target for one in _simple(self.statement) for target in _targets(one))
        return frozenset(
            node.id
            for target in targets
            for node in ast.walk(target)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )

    @cached_property
    def changes(self) -> frozenset[str]:
        """The names it assigns, or whose values it changes in place."""
        in_place = (name for one in _simple(self.statement) for name in _changed_in_place(one))
        return self.assigns.union(in_place)

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names it reads."""
        return frozenset(name for node in ast.walk(self.statement) for name in _read(node))


@dataclass(frozen=True)
class Formula:
    """A function written out as assignments: the `parts` that its `outputs` need.

    It is called with `arguments`, one of which may hold the `parameters`.

    `inputs` maps the source's names for what is given to the homework's. `assigned_names` are all
    names that the source assigns; their values must not be visible here.
    """

    name: str
    arguments: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    parts: tuple[FormulaStatement, ...]
    assigned_names: frozenset[str]

    @property
    def place(self) -> str:
        """The place of its last statement ("cell 3, line 5")."""
        return f"{self.parts[-1].label}, line {self.parts[-1].statement.lineno}"

    @cached_property
    def code(self) -> list[CodeType]:
        """Each part, compiled under its cell's label so that errors name the student's own line."""
        return [
            compile(ast.Module([part.statement], []), part.label, "exec", dont_inherit=True)
            for part in self.parts
        ]

    def others(self, namespace: Namespace) -> Namespace:
        """Return the names of `namespace` that it may read: those never assigned in the source."""
        return {name: value for name, value in namespace.items() if name not in self.assigned_names}

    def function(self, namespace: Namespace) -> Callable[..., Any]:
        """Return it as a function; names never assigned in the source come from `namespace`."""
        others = self.others(namespace)

        def function(*arguments: Any) -> Any:
            values = dict(zip(self.arguments, arguments, strict=True))
            if PARAMETERS in values:
                values |= {name: getattr(values[PARAMETERS], name) for name in self.parameters}
            scope = others | {own: values[name] for own, name in self.inputs.items()}
            for code in self.code:
                exec(code, scope)
            answers = tuple(eval(name, scope) for name in self.outputs)
            return answers if len(answers) > 1 else answers[0]

        return function


def formulas_of(pieces: Sequence[Piece], tasks: Tasks, spellings: Spellings) -> list[Formula]:
    """Return the formulas of functions that the source writes out but does not define.

    A lone forward counts only if all its results are assigned, since one could mean anything.
    """
    parts = [part for piece in pieces for part in _straight(piece.statements, piece.label)]
    definitions = {name for part in parts for name in _defined_by(part.statement)}
    missing = [name for name in tasks.functions if name not in definitions]
    assigned_names = (
        frozenset[str]().union(*(part.assigns for part in parts)) if missing else frozenset()
    )
    formulas = [
        _formula(tasks.by_name[name], tasks.parameters, parts, assigned_names, spellings)
        for name in missing
    ]
    complete = [formula for formula in formulas if formula]
    alone = [formula.name for formula in complete] == [tasks.forward.name]
    if alone and definitions.isdisjoint(tasks.gradients):
        return [formula for formula in complete if assigned_names.issuperset(formula.outputs)]
    return complete


def _defined_by(statement: ast.stmt) -> list[str]:
    """Return the names of functions that a statement defines or imports."""
    match statement:
        case ast.FunctionDef(name=name):
            return [name]
        case ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
    return []


def with_formulas(program: Program, formulas: Sequence[Formula]) -> Program:
    """Return a submission with its formulas as functions; its own definitions stay."""
    namespace = program.namespace
    missing = [each for each in formulas if not callable(namespace.get(each.name))]
    functions = {formula.name: formula.function(namespace) for formula in missing}
    written_out = {each.name: (each.code, each.others(namespace)) for each in missing}
    return replace(program, namespace={**namespace, **functions}, written_out=written_out)


def _formula(
    question: Question,
    parameters: tuple[str, ...],
    parts: Sequence[FormulaStatement],
    assigned_names: frozenset[str],
    spellings: Spellings,
) -> Formula | None:
    """Return the formula of a function, or None if nothing that it returns is assigned."""
    alternatives = [spellings.get(one, ()) for one in question.returns]
    own_names = [[own for own in names if own in assigned_names] for names in alternatives]
    if not any(own_names):
        return None
    # A missing one beside an assigned one is evaluated all the same, so that Python names it.
    outputs = tuple((own or names)[0] for own, names in zip(own_names, alternatives, strict=True))
    inputs = {
        own: one for one in (*question.arguments, *parameters) for own in spellings.get(one, ())
    }
    statements = _slice(parts, set(outputs), (assigned_names | {GRAD}) - inputs.keys())
    if any(question.name in part.reads for part in statements):
        return None  # it calls the function instead of writing it out
    return Formula(
        name=question.name,
        arguments=question.arguments,
        parameters=parameters,
        inputs=inputs,
        outputs=outputs,
        parts=tuple(statements),
        assigned_names=assigned_names,
    )


def _straight(body: Sequence[ast.stmt], label: str) -> Iterator[FormulaStatement]:
    """Yield the statements of a body, with transparent compound statements replaced by theirs."""
    for statement in body:
        match statement:
            case (
                ast.With(body=inner)
                | ast.Try(body=inner)
                | ast.If(test=ast.Compare(left=ast.Name(id="__name__")), body=inner)
            ):
                yield from _straight(inner, label)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for one in _apart(statement, names, values):
                    yield FormulaStatement(label, one)
            case _:
                yield FormulaStatement(label, statement)


def _apart(
    statement: ast.Assign, names: Sequence[ast.expr], values: Sequence[ast.expr]
) -> list[ast.Assign]:
    """Return `a, b = 1, 2` as two assignments if the second needs nothing of the first."""
    whole = FormulaStatement("", statement)
    starred = any(isinstance(node, ast.Starred) for node in (*names, *values))
    if starred or len(names) != len(values) or whole.changes & whole.reads:
        return [statement]
    return [
        ast.copy_location(ast.Assign([name], value), value)
        for name, value in zip(names, values, strict=True)
    ]


def _slice(
    parts: Sequence[FormulaStatement], names: set[str], assigned_names: frozenset[str]
) -> list[FormulaStatement]:
    """Return the parts that these `names` come from, in order: a backward slice.

    `names` is changed to what is needed before them, among `assigned_names` only.
    """
    statements: list[FormulaStatement] = []
    for part in reversed(parts):
        if names.isdisjoint(part.changes):
            continue
        statement = part.statement
        if isinstance(statement, ast.For | ast.While):
            before = set(names)
            turn = _slice(list(_straight(statement.body, part.label)), before, assigned_names)
            if before.isdisjoint(part.changes):  # no turn builds on another, so one is enough
                statements += reversed(turn)
                names.clear()
                names |= before
                continue
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            names -= part.assigns
        elif isinstance(statement, ast.Expr):
            names.discard(GRAD)
        names |= part.reads & assigned_names
        statements.append(part)
    return statements[::-1]


def _simple(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement, or everything in a compound one; a definition changes nothing yet."""
    if isinstance(statement, ast.For | ast.While | ast.If | ast.Match):
        yield from ast.walk(statement)
    else:
        yield statement


def _targets(statement: ast.AST) -> list[ast.expr]:
    """Return what a statement itself assigns to."""
    match statement:
        case ast.Assign(targets=targets):
            return targets
        case ast.AnnAssign(value=None):
            return []
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            return [target]
    return []


def _changed_in_place(statement: ast.AST) -> Iterator[str]:
    """Yield the names whose values a statement changes: d[0] = 1, d.mul_(2), loss.backward()."""
    for target in _targets(statement):
        yield from _owner(target)
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="backward"))):
            yield GRAD
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=attr))):
            if attr.endswith("_"):
                yield from _owner(owner)


def _owner(node: ast.expr) -> Iterator[str]:
    """Yield the name before all dots and brackets, if there is one."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _read(node: ast.AST) -> Iterator[str]:
    """Yield the name that a node reads, if it reads one."""
    match node:
        case ast.Name(id=name, ctx=ast.Load()) | ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.Attribute(attr="grad", value=ast.Name()):  # not torch.autograd.grad
            yield GRAD
