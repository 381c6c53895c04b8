"""Find what a gradient reads that was made before the call: computed values, large constants.

A closed form needs its arguments, functions, and an occasional small number. A value computed
earlier, while the file was loaded or in forward, may be the derivative: a table, a traced graph,
the result of a search. Nothing here decides that it is; a person looks at the line.
If there is more than is examined, that is reported too.

A gradient's functions are followed in their state at the call: the names their code loads, their
closures and their defaults. A name's value is plain if its top-level statement writes it out, as a
short literal or by applying torch's own functions to such literals.
The contents of containers and simple objects count: a few small values are harmless, functions are
followed. The values that a library's function carries are searched for the submission's own.
This runs beside student code, which can take it apart.
"""

import ast
import builtins
import dis
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from grader.confined.values import (
    CONTAINERS,
    FOLLOWED,
    HOLDING,
    MOST_HELD,
    MOST_REPEATED,
    OUTSIDE,
    SIMPLE,
    carried,
    entries,
    equals,
    fields,
    is_bare,
    is_little,
    is_made,
    is_outside,
    is_small,
    within,
)
from grader.source.imports import Files
from grader.student_code.bindings import Bound, Places
from grader.student_code.contract import UNFOLLOWED, PriorValue
from grader.student_code.loading import Program, TimeLimitReached

MOST_KEPT = 8
MOST_LOOKED_AT = 500  # values, for one gradient
STORING = "STORE_GLOBAL"
DEEPEST = 5  # for nested containers
# These bring in what the source does not show.
OPENING = ("open", "exec", "eval", "compile", "globals", "vars", "__import__")
READING = frozenset({"load", "loadtxt", "genfromtxt", "fromfile", "memmap", "read_csv"})
INSIDES = frozenset(
    {"__dict__", "__globals__", "__defaults__", "__kwdefaults__", "__closure__", "__code__"}
)
BUILT_IN = dict(vars(builtins))
# Harmless parts of sys: output streams, and facts about Python.
HARMLESS = frozenset(
    {"sys.stdout", "sys.stderr", "sys.version_info", "sys.version", "sys.float_info", "sys.maxsize"}
)
OF_TENSOR = frozenset(vars(Tensor)) | frozenset(vars(torch._C.TensorBase))
PLAIN_PACKAGES = ("torch", "numpy", "math", "builtins", "typing", "cmath", "collections")


@dataclass(frozen=True)
class _NamedValue:
    """A value, the name it is read by, and what binds that name, if known."""

    name: str
    value: Any
    bound: Bound | None
    where: str  # the function that reads it
    is_carried: bool = False  # by a library's function, which may carry the library's own values

    @property
    def place(self) -> str:
        """Where a person should look: what binds the name, or else the function that reads it."""
        return f"{self.bound.label}, line {self.bound.line}" if self.bound else self.where


def with_memory(program: Program, files: Files) -> Program:
    """Return a submission that can report what its gradients read that was made before."""
    places = Places(files)

    def kept(gradient: str) -> tuple[PriorValue, ...]:
        walk = _Walk(program, places)
        walk.start(gradient)
        return tuple(walk.prior_values.values())[:MOST_KEPT]

    return replace(program, prior_values=kept)


class _Walk:
    """The walk from a gradient through the functions that it reaches."""

    def __init__(self, program: Program, places: Places) -> None:
        self.prior_values: dict[str, PriorValue] = {}
        self._program = program
        self._places = places
        self._ids: set[int] = set()
        self._todo: list[_NamedValue] = []
        self._bound_names: set[str] = set()  # global names that the functions bind

    def start(self, gradient: str) -> None:
        """Examine a gradient and what it leads to. Values that cannot be examined count as read."""
        if gradient in self._program.written_out:
            codes, names = self._program.written_out[gradient]
            for code in codes:
                self._todo.append(_NamedValue(gradient, FunctionType(code, names), None, ""))
        elif gradient in self._program.namespace:
            for name in (gradient, "Parameters"):  # Parameters is passed to it
                if name in self._program.namespace:
                    value = self._program.namespace[name]
                    self._todo.append(_NamedValue(name, value, self._places.of(None, name), ""))
        while self._todo and len(self.prior_values) < MOST_KEPT:
            if len(self._ids) == MOST_LOOKED_AT:
                self._give_up(self._todo[0].where)
                return
            item = self._todo.pop(0)
            try:
                self._look(item)
            except TimeLimitReached:
                raise
            except BaseException:  # a value's own methods may raise anything
                self._keep(item)

    def _give_up(self, where: str) -> None:
        """Report that there is more than is examined."""
        self.prior_values.setdefault(UNFOLLOWED, PriorValue(UNFOLLOWED, where, "unfollowed"))

    def _look(self, item: _NamedValue) -> None:
        value = item.value
        if id(value) in self._ids and not is_small(value):
            return
        self._ids.add(id(value))
        if type(value) is FunctionType:
            self._function(item, value)
        elif isinstance(value, type):
            self._class(item, value)
        elif (inner := carried(value)) is not None:
            self._add(item, *inner)
        elif not isinstance(value, ModuleType):
            self._data(item)

    def _data(self, item: _NamedValue) -> None:
        """Examine a value other than a function; report it unless it is plain or holds little."""
        is_source = self._is_of_source(type(item.value))
        if item.is_carried and not is_source:
            self._librarys_data(item)
        elif not _is_plain(item) and not self._is_counter(item):
            self._own_data(item, is_source)

    def _librarys_data(self, named: _NamedValue) -> None:
        """Search a value that a library's function carries for what the submission put there."""
        value = named.value
        if isinstance(value, nn.Module) or (isinstance(value, Tensor) and not is_small(value)):
            self._keep(named)
        elif (held := entries(value)) is not None:
            first = [*islice(held, MOST_HELD + 1)]
            if len(first) > MOST_HELD:
                self._give_up(named.where)
            self._add(named, *first[:MOST_HELD])

    def _own_data(self, named: _NamedValue, is_source: bool) -> None:
        """Report a value that was computed or holds much; follow the functions in any other."""
        value, bound = named.value, named.bound
        leaves = [*islice(self._leaves(value, DEEPEST), MOST_REPEATED)]
        is_computed = bound is not None and bound.is_computed
        if is_computed or self._by_torch(named) or is_small(value) or not is_little(leaves):
            self._keep(named)
            return
        followed = [leaf for leaf in leaves if isinstance(leaf, (type, *FOLLOWED))]
        self._add(named, *followed, *([type(value)] if is_source else []))

    def _is_counter(self, item: _NamedValue) -> bool:
        """Tell whether a value is an integer that the gradient's own functions use as a counter."""
        bound = item.bound
        return (
            item.name in self._bound_names
            and bound is not None
            and type(bound.literal) is int
            and type(item.value) is int
        )

    def _leaves(self, value: Any, depth: int) -> Iterator[Any]:
        """Yield the contents of a container or simple object, at any depth, or the value itself."""
        kind = type(value)
        held = None if isinstance(value, type) else entries(value)
        is_simple = kind in SIMPLE or (
            self._is_of_source(kind) and (held is not None or is_bare(kind))
        )
        if not depth or (held is None and not is_simple) or is_small(value):
            yield value
            return
        for entry in chain(held or (), fields(value) if is_simple else ()):
            yield from self._leaves(entry, depth - 1)

    def _add(self, item: _NamedValue, *values: Any) -> None:
        for value in values:
            own = next((n for n, v in self._program.namespace.items() if v is value), None)
            if own is not None and isinstance(value, HOLDING):  # it has a better name
                bound = self._places.of(None, own)
                self._todo.append(_NamedValue(own, value, bound, item.where))
            else:
                self._todo.append(replace(item, value=value))

    def _by_torch(self, item: _NamedValue) -> bool:
        """Tell whether torch differentiated in a statement that mentions the value's name."""
        name = item.name.partition(".")[0]
        return any(_mentions(statement, name) for _, statement in self._program.backward_statements)

    def _keep(self, item: _NamedValue) -> None:
        by_torch = self._by_torch(item)
        prior_value = PriorValue(item.name, item.place, "differentiated" if by_torch else "made")
        self.prior_values.setdefault(item.name, prior_value)

    def _function(self, item: _NamedValue, function: FunctionType) -> None:
        code = function.__code__
        if code.co_filename not in self._program.labels:
            if is_made(code):
                self._keep(item)
            else:
                self._add(replace(item, bound=None, is_carried=True), *within(function))
            return
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for value in defaults:
            self._inner(f"a default of {function.__name__}", value, code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            with suppress(ValueError):  # it is empty
                self._inner(name, cell.cell_contents, code)
        self._read_by(code, function.__globals__)

    def _inner(self, name: str, value: Any, code: CodeType) -> None:
        """Examine a value that a function carries; no top-level statement writes it out."""
        where = f"{code.co_filename}, line {code.co_firstlineno}"
        self._add(_NamedValue(name, value, None, where), value)

    def _class(self, item: _NamedValue, owner: type) -> None:
        self._add(item, *(base for base in owner.__bases__ if self._is_of_source(base)))
        for name, value in list(vars(owner).items()):
            if isinstance(value, property):
                value = value.fget
            function = getattr(value, "__func__", value)
            is_own = type(function) is FunctionType
            if is_own and function.__code__.co_filename in self._program.labels:
                self._todo.append(
                    _NamedValue(f"{owner.__name__}.{name}", function, None, item.where)
                )
            elif (
                self._is_of_source(owner)
                and not name.startswith("_")
                and isinstance(value, (*CONTAINERS, *HOLDING))
                and not is_small(value)
            ):
                self._todo.append(_NamedValue(f"{owner.__name__}.{name}", value, None, item.place))

    def _is_of_source(self, owner: type) -> bool:
        return owner.__module__ == self._program.namespace.get("__name__") or any(
            type(value) is FunctionType and value.__code__.co_filename in self._program.labels
            for value in vars(owner).values()
        )

    def _read_by(self, code: CodeType, namespace: Mapping[str, Any]) -> None:
        """Examine the names that a piece of code loads, and the attributes it takes of them."""
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self._read_by(inner, namespace)
            elif not is_small(inner) and not isinstance(inner, str):
                where = f"{code.co_filename}, line {code.co_firstlineno}"
                self.prior_values.setdefault(
                    "a constant", PriorValue("a large constant", where, "made")
                )
        instructions = [*dis.get_instructions(code)]
        self._bound_names |= {each.argval for each in instructions if each.opname == STORING}
        for name in code.co_names:
            if name in vars(Tensor) and name not in OF_TENSOR:
                where = f"{code.co_filename}, line {code.co_firstlineno}"
                self.prior_values.setdefault(name, PriorValue(f"Tensor.{name}", where, "made"))
        for names, line in _loaded_by(code, instructions):
            self._chain(names, f"{code.co_filename}, line {line}", code.co_filename, namespace)

    def _chain(
        self, chain: list[Any], where: str, label: str, namespace: Mapping[str, Any]
    ) -> None:
        """Examine what a name stands for, after following the attributes taken of it."""
        first, *attributes = chain
        if not isinstance(first, str):  # a module that the function itself imports
            item = _NamedValue(first.__name__, first, None, where)
        elif first in namespace:
            item = _NamedValue(first, namespace[first], self._places.of(label, first), where)
        else:
            self._built_in(first, where, namespace)
            return
        for attribute in attributes:
            inner = self._attribute(item, attribute)
            if inner is None:
                break
            item = inner
        value, bound = item.value, item.bound
        if issubclass(type(value), ModuleType):
            return
        if is_outside(value):
            self._call(item.name, where)
        elif bound is not None and bound.is_library:
            self._todo.append(replace(item, bound=None, is_carried=True))
        else:
            self._todo.append(item)

    def _built_in(self, name: str, where: str, namespace: Mapping[str, Any]) -> None:
        """Examine a name that the file does not bind: a built-in, or one added to the built-ins."""
        if name in OPENING:
            self._call(name, where)
            return
        owner = namespace.get("__builtins__")
        names = owner if isinstance(owner, dict) else vars(owner) if owner else {}
        if name in names and names[name] is not BUILT_IN.get(name):
            item = self._of_library(_NamedValue(name, names[name], None, where))
            if item is not None:
                self._todo.append(replace(item, bound=None, is_carried=True))

    def _attribute(self, owner: _NamedValue, name: str) -> _NamedValue | None:
        """Return an attribute of a module, function or class, or None for anything else."""
        value = owner.value
        if type(value) not in (ModuleType, FunctionType) and not isinstance(value, type):
            return None
        full = f"{owner.name}.{name}"
        if name in INSIDES:
            self.prior_values.setdefault(full, PriorValue(full, owner.where, "made"))
            return None
        if name not in vars(value):
            return None
        inner = vars(value)[name]
        item = _NamedValue(full, inner, None, owner.where)
        if not isinstance(value, ModuleType):
            is_own = type(value) is FunctionType or self._is_of_source(value)
            return item if is_own else self._of_library(item)
        bound = self._places.of_module(value.__name__, name)
        if bound is not None:
            return replace(item, bound=bound)
        is_reaching = value.__name__.partition(".")[0] in OUTSIDE or name in READING
        if is_reaching and full not in HARMLESS:
            self._call(full, owner.where)
        is_followed = isinstance(inner, (type, ModuleType, *FOLLOWED))
        if self._program.state.is_added(value, name) and not is_followed:
            self._keep(item)
            return None
        return self._of_library(item)

    def _of_library(self, item: _NamedValue) -> _NamedValue | None:
        """Return the item as the library's own, unless the submission put its value there."""
        if isinstance(item.value, HOLDING) and not is_small(item.value):
            self._keep(item)
            return None
        return replace(item, bound=Bound("", 0, is_library=True))

    def _call(self, name: str, where: str) -> None:
        self.prior_values.setdefault(name, PriorValue(name, where, "called"))


def _loaded_by(
    code: CodeType, instructions: Sequence[dis.Instruction]
) -> Iterator[tuple[list[Any], int]]:
    """Yield each name that code loads, with the attributes taken of it, and its line."""
    modules: dict[str, Any] = {}
    chain: list[Any] = []
    line, module = code.co_firstlineno, None
    for instruction in instructions:
        name, value = instruction.opname, instruction.argval
        if instruction.positions and instruction.positions.lineno:
            place = instruction.positions.lineno
        else:
            place = line
        if name in ("LOAD_ATTR", "LOAD_METHOD") and chain:
            chain.append(value)
            continue
        if chain:
            yield chain, line
        chain, line = [], place
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = [value]
        elif name.startswith("LOAD_FAST") and value in modules:
            chain = [modules[value]]
        elif name == "IMPORT_NAME":
            module = sys.modules.get(value)
        elif name == "IMPORT_FROM":
            module = getattr(module, value, None)
        elif name == "STORE_FAST" and module is not None:
            modules[value], module = module, None
    if chain:
        yield chain, line


def _is_plain(item: _NamedValue) -> bool:
    """Tell whether a value is small and is what its top-level statement writes out."""
    value, bound = item.value, item.bound
    if bound is None:
        return is_small(value)
    if bound.is_library:
        return True
    if bound.is_literal:
        return bound.is_short and equals(bound.literal, value)
    if is_small(value):
        return not (bound.is_computed or bound.is_instance)
    if isinstance(value, torch.jit.ScriptFunction):
        return bound.is_scripted
    if isinstance(value, CONTAINERS):
        return False
    is_library = type(value).__module__.partition(".")[0] in PLAIN_PACKAGES
    return is_library and bound.is_plain


def _mentions(statement: ast.stmt, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
