"""Tell what a gradient reads that was made before it is called: computed values, large constants.

A closed form needs its arguments, functions, and here and there a small number. What was computed
before, while the file was loaded or in forward, may be the derivative: a table, a traced graph, the
result of a search. Nothing here says that it is; a person looks at the line.
What there is more of than is looked at is told, too.

The functions of a gradient are followed as they are when it is called: by the names their code
loads, what they close over and their defaults. A name's value is as plain as it seems if its
top-level statement writes it out, as a short literal or by torch's own functions of such.
Of containers and simple objects what they hold counts: a few small values are nothing, functions
are followed. What a library's function carries is looked through for what the submission put there.
This runs beside student code, which can take it apart.
"""

import argparse
import ast
import builtins
import dis
import functools
import io
import logging
import struct
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from queue import Queue, SimpleQueue
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import torch
from torch import Tensor, nn

from grader.source.following import Files
from grader.student_code.contract import UNFOLLOWED, Kept
from grader.student_code.loading import Loaded, TimeLimitReached
from grader.student_code.screening import Bound, Places

MOST_KEPT = 8
MOST_LOOKED_AT = 500  # values, of one gradient
LONGEST_TEXT = 200
MOST_ENTRIES = 16
MOST_HELD = 50  # small values, by a container or an object that was made before
MOST_REPEATED = 10_000  # times the same small value
POINTER = struct.calcsize("P")
STORING = "STORE_GLOBAL"
DEEPEST = 5  # of containers in one another
# Bring in what the source does not show.
OPENING = ("open", "exec", "eval", "compile", "globals", "vars", "__import__")
READING = frozenset({"load", "loadtxt", "genfromtxt", "fromfile", "memmap", "read_csv"})
OUTSIDE = frozenset(
    {"os", "posix", "io", "_io", "pathlib", "pickle", "_pickle", "marshal", "shelve", "sqlite3"}
    | {"mmap", "tempfile", "linecache", "importlib", "gc", "inspect", "ctypes", "_ctypes", "sys"}
)
INSIDES = frozenset(
    {"__dict__", "__globals__", "__defaults__", "__kwdefaults__", "__closure__", "__code__"}
)
BUILT_IN = dict(vars(builtins))
# Of Python's own system: where it prints, and what it is.
HARMLESS = frozenset(
    {"sys.stdout", "sys.stderr", "sys.version_info", "sys.version", "sys.float_info", "sys.maxsize"}
)
OF_TENSOR = frozenset(vars(Tensor)) | frozenset(vars(torch._C.TensorBase))
NUMBERS = (bool, int, float, complex, type(None), type(...))
HOLDING = (dict, list, set, Tensor, nn.Module, SimpleNamespace, SimpleQueue, Queue)
CONTAINERS = (dict, list, tuple, set, frozenset, bytes, bytearray, str)
IMMEDIATE = (torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format, range, slice)
SEQUENCES = (list, tuple, set, frozenset, deque)
# Whose values are looked at one by one, though the source does not define them.
SIMPLE = (SimpleNamespace, argparse.Namespace, logging.Logger)
FOLLOWED = (FunctionType, MethodType, BuiltinFunctionType, MethodWrapperType, functools.partial)
PLAIN_PACKAGES = ("torch", "numpy", "math", "builtins", "typing", "cmath", "collections")


@dataclass(frozen=True)
class _Named:
    """A value, by the name it is read by, and what binds that name, if that is known."""

    name: str
    value: Any
    bound: Bound | None
    where: str  # the function that reads it
    is_carried: bool = False  # by a library's function, which may carry what is the library's own


def with_memory(loaded: Loaded, files: Files) -> Loaded:
    """Return a submission that can tell what its gradients read that was made before."""
    places = Places(files)

    def kept(gradient: str) -> tuple[Kept, ...]:
        walk = _Walk(loaded, places)
        walk.start(gradient)
        return tuple(walk.found.values())[:MOST_KEPT]

    return replace(loaded, kept=kept)


class _Walk:
    """The way from a gradient through the functions it reaches."""

    def __init__(self, loaded: Loaded, places: Places) -> None:
        self.found: dict[str, Kept] = {}
        self._loaded = loaded
        self._places = places
        self._seen: set[int] = set()
        self._todo: list[_Named] = []
        self._stored: set[str] = set()  # global names that the functions bind

    def start(self, gradient: str) -> None:
        """Look at a gradient, and at what it leads to. What defies looking at counts as read."""
        if gradient in self._loaded.written_out:
            codes, names = self._loaded.written_out[gradient]
            for code in codes:
                self._todo.append(_Named(gradient, FunctionType(code, names), None, ""))
        elif gradient in self._loaded.namespace:
            for name in (gradient, "Parameters"):  # it is called with one
                if name in self._loaded.namespace:
                    value = self._loaded.namespace[name]
                    self._todo.append(_Named(name, value, self._places.of(None, name), ""))
        while self._todo and len(self.found) < MOST_KEPT:
            if len(self._seen) == MOST_LOOKED_AT:
                self._give_up(self._todo[0].where)
                return
            named = self._todo.pop(0)
            try:
                self._look(named)
            except TimeLimitReached:
                raise
            except BaseException:  # a value's own methods may raise anything
                self._keep(named)

    def _give_up(self, where: str) -> None:
        """Tell that there is more than is looked at."""
        self.found.setdefault(UNFOLLOWED, Kept(UNFOLLOWED, where, "unfollowed"))

    def _look(self, named: _Named) -> None:
        value = named.value
        if id(value) in self._seen and not _is_small(value):
            return
        self._seen.add(id(value))
        if type(value) is FunctionType:
            self._function(named, value)
        elif isinstance(value, type):
            self._class(named, value)
        elif (carried := _carried(value)) is not None:
            self._add(named, *carried)
        elif not isinstance(value, ModuleType):
            self._data(named)

    def _data(self, named: _Named) -> None:
        """Look at a value that is no function: it is plain, or holds little, or is told."""
        value, bound = named.value, named.bound
        is_source = self._is_of_source(type(value))
        if named.is_carried and not is_source:
            if isinstance(value, nn.Module) or (isinstance(value, Tensor) and not _is_small(value)):
                self._keep(named)
            elif (entries := _entries(value)) is not None:
                first = [*islice(entries, MOST_HELD + 1)]
                if len(first) > MOST_HELD:
                    self._give_up(named.where)
                self._add(named, *first[:MOST_HELD])
        elif not _is_plain(named) and not self._is_counter(named):
            leaves = [*islice(self._leaves(value, DEEPEST), MOST_REPEATED)]
            is_computed = bound is not None and bound.is_computed
            if is_computed or self._by_torch(named) or _is_small(value) or not _is_little(leaves):
                self._keep(named)
                return
            followed = [leaf for leaf in leaves if isinstance(leaf, (type, *FOLLOWED))]
            self._add(named, *followed, *([type(value)] if is_source else []))

    def _is_counter(self, named: _Named) -> bool:
        """Tell whether a value is a whole number that the gradient's own functions count on."""
        bound = named.bound
        return (
            named.name in self._stored
            and bound is not None
            and type(bound.literal) is int
            and type(named.value) is int
        )

    def _leaves(self, value: Any, depth: int) -> Iterator[Any]:
        """Yield what a container or a simple object holds, however deep; else the value itself."""
        kind = type(value)
        entries = None if isinstance(value, type) else _entries(value)
        is_simple = kind in SIMPLE or (
            self._is_of_source(kind) and (entries is not None or _is_bare(kind))
        )
        if not depth or (entries is None and not is_simple) or _is_small(value):
            yield value
            return
        for entry in chain(entries or (), _fields(value) if is_simple else ()):
            yield from self._leaves(entry, depth - 1)

    def _add(self, named: _Named, *values: Any) -> None:
        for value in values:
            own = next((n for n, v in self._loaded.namespace.items() if v is value), None)
            if own is not None and isinstance(value, HOLDING):  # it has a better name
                bound = self._places.of(None, own)
                self._todo.append(_Named(own, value, bound, named.where))
            else:
                self._todo.append(replace(named, value=value))

    def _by_torch(self, named: _Named) -> bool:
        """Tell whether torch differentiated in a statement that names a value."""
        name = named.name.partition(".")[0]
        return any(_mentions(statement, name) for _, statement in self._loaded.differentiated)

    def _keep(self, named: _Named) -> None:
        bound = named.bound
        where = f"{bound.label}, line {bound.line}" if bound else named.where
        kept = Kept(named.name, where, "differentiated" if self._by_torch(named) else "made")
        self.found.setdefault(named.name, kept)

    def _function(self, named: _Named, function: FunctionType) -> None:
        code = function.__code__
        if code.co_filename not in self._loaded.labels:
            if _is_made(code):
                self._keep(named)
            else:
                self._add(replace(named, bound=None, is_carried=True), *_within(function))
            return
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for value in defaults:
            self._inner(f"a default of {function.__name__}", value, code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            with suppress(ValueError):  # it is empty
                self._inner(name, cell.cell_contents, code)
        self._read_by(code, function.__globals__)

    def _inner(self, name: str, value: Any, code: CodeType) -> None:
        """Look at what a function carries with it: nothing at the top level writes it out."""
        where = f"{code.co_filename}, line {code.co_firstlineno}"
        self._add(_Named(name, value, None, where), value)

    def _class(self, named: _Named, owner: type) -> None:
        self._add(named, *(base for base in owner.__bases__ if self._is_of_source(base)))
        for name, value in list(vars(owner).items()):
            if isinstance(value, property):
                value = value.fget
            function = getattr(value, "__func__", value)
            is_own = type(function) is FunctionType
            if is_own and function.__code__.co_filename in self._loaded.labels:
                self._todo.append(_Named(f"{owner.__name__}.{name}", function, None, named.where))
            elif (
                self._is_of_source(owner)
                and not name.startswith("_")
                and isinstance(value, (*CONTAINERS, *HOLDING))
                and not _is_small(value)
            ):
                bound = named.bound
                where = f"{bound.label}, line {bound.line}" if bound else named.where
                self._todo.append(_Named(f"{owner.__name__}.{name}", value, None, where))

    def _is_of_source(self, owner: type) -> bool:
        return owner.__module__ == self._loaded.namespace.get("__name__") or any(
            type(value) is FunctionType and value.__code__.co_filename in self._loaded.labels
            for value in vars(owner).values()
        )

    def _read_by(self, code: CodeType, namespace: Mapping[str, Any]) -> None:
        """Look at what a piece of code loads by name, and by attributes of that."""
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                self._read_by(inner, namespace)
            elif not _is_small(inner) and not isinstance(inner, str):
                where = f"{code.co_filename}, line {code.co_firstlineno}"
                self.found.setdefault("a constant", Kept("a large constant", where, "made"))
        instructions = [*dis.get_instructions(code)]
        self._stored |= {each.argval for each in instructions if each.opname == STORING}
        for name in code.co_names:
            if name in vars(Tensor) and name not in OF_TENSOR:
                where = f"{code.co_filename}, line {code.co_firstlineno}"
                self.found.setdefault(name, Kept(f"Tensor.{name}", where, "made"))
        for names, line in _loaded_by(code, instructions):
            self._chain(names, f"{code.co_filename}, line {line}", code.co_filename, namespace)

    def _chain(
        self, chain: list[Any], where: str, label: str, namespace: Mapping[str, Any]
    ) -> None:
        """Look at what a name stands for, after the attributes taken of it."""
        first, *attributes = chain
        if not isinstance(first, str):  # a module that the function imports itself
            named = _Named(first.__name__, first, None, where)
        elif first in namespace:
            named = _Named(first, namespace[first], self._places.of(label, first), where)
        else:
            self._built_in(first, where, namespace)
            return
        for attribute in attributes:
            inner = self._attribute(named, attribute)
            if inner is None:
                break
            named = inner
        value, bound = named.value, named.bound
        if issubclass(type(value), ModuleType):
            return
        if _is_outside(value):
            self._call(named.name, where)
        elif bound is not None and bound.is_library:
            self._todo.append(replace(named, bound=None, is_carried=True))
        else:
            self._todo.append(named)

    def _built_in(self, name: str, where: str, namespace: Mapping[str, Any]) -> None:
        """Look at a name that the file does not bind: Python's own, or one that was put there."""
        if name in OPENING:
            self._call(name, where)
            return
        owner = namespace.get("__builtins__")
        names = owner if isinstance(owner, dict) else vars(owner) if owner else {}
        if name in names and names[name] is not BUILT_IN.get(name):
            named = self._of_library(_Named(name, names[name], None, where))
            if named is not None:
                self._todo.append(replace(named, bound=None, is_carried=True))

    def _attribute(self, owner: _Named, name: str) -> _Named | None:
        """Return an attribute of a module, a function or a class; None of anything else."""
        value = owner.value
        if type(value) not in (ModuleType, FunctionType) and not isinstance(value, type):
            return None
        full = f"{owner.name}.{name}"
        if name in INSIDES:
            self.found.setdefault(full, Kept(full, owner.where, "made"))
            return None
        if name not in vars(value):
            return None
        inner = vars(value)[name]
        named = _Named(full, inner, None, owner.where)
        if not isinstance(value, ModuleType):
            is_own = type(value) is FunctionType or self._is_of_source(value)
            return named if is_own else self._of_library(named)
        bound = self._places.of_module(value.__name__, name)
        if bound is not None:
            return replace(named, bound=bound)
        is_reaching = value.__name__.partition(".")[0] in OUTSIDE or name in READING
        if is_reaching and full not in HARMLESS:
            self._call(full, owner.where)
        is_followed = isinstance(inner, (type, ModuleType, *FOLLOWED))
        if self._loaded.state.is_added(value, name) and not is_followed:
            self._keep(named)
            return None
        return self._of_library(named)

    def _of_library(self, named: _Named) -> _Named | None:
        """Return what a library's module or class holds, unless the submission put it there."""
        if isinstance(named.value, HOLDING) and not _is_small(named.value):
            self._keep(named)
            return None
        return replace(named, bound=Bound("", 0, is_library=True))

    def _call(self, name: str, where: str) -> None:
        self.found.setdefault(name, Kept(name, where, "called"))


def _carried(value: Any) -> list[Any] | None:
    """Return what a callable of Python's or a library's hands on to; None of anything else."""
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if type(value) is MethodType:
        return [value.__func__, value.__self__]
    if isinstance(value, BuiltinFunctionType | MethodWrapperType):
        owner = value.__self__
        return [] if isinstance(owner, ModuleType | type | FunctionType) else [owner]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, functools._lru_cache_wrapper):
        return [value.__wrapped__]
    if type(value).__module__.startswith("numpy") and hasattr(value, "pyfunc"):
        return [value.pyfunc]  # numpy.vectorize
    return None


def _within(function: FunctionType) -> Iterator[Any]:
    """Yield what a function carries with it."""
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from (value for name, value in vars(function).items() if name == "__wrapped__")
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it is empty
            yield cell.cell_contents


def _entries(value: Any) -> Iterable[Any] | None:
    """Return what a container holds, as Python has it, and not as a class of its own tells."""
    kind = type(value)
    if issubclass(kind, dict):
        return chain(dict.keys(value), dict.values(value))
    base = next((base for base in SEQUENCES if issubclass(kind, base)), None)
    return None if base is None else base.__iter__(value)


def _fields(value: Any) -> Iterator[Any]:
    """Yield what an object has as its own: the values of its slots, and its dictionary."""
    for owner in type(value).__mro__:
        for name, field in list(vars(owner).items()):
            is_dictionary = isinstance(field, GetSetDescriptorType) and name == "__dict__"
            if is_dictionary or isinstance(field, MemberDescriptorType):
                with suppress(AttributeError):  # it is not set
                    yield field.__get__(value)


def _is_bare(kind: type) -> bool:
    """Tell whether an object of a class is no more than its fields: nothing of C's own."""
    slots = sum(
        isinstance(field, MemberDescriptorType)
        for owner in kind.__mro__
        for field in list(vars(owner).values())
    )
    return kind.__basicsize__ <= object.__basicsize__ + POINTER * (slots + 2)


def _is_little(leaves: list[Any]) -> bool:
    """Tell whether what a container holds is few, or again and again the same, and harmless."""
    is_repeated = len({id(leaf) for leaf in leaves}) == 1 and len(leaves) < MOST_REPEATED
    return (len(leaves) <= MOST_HELD or is_repeated) and all(map(_is_harmless, leaves))


def _is_harmless(value: Any) -> bool:
    """Tell whether what a container holds is small, or something that is followed."""
    is_printed_to = type(value) is io.TextIOWrapper and not value.readable()
    is_log = type(value).__module__ == "logging"
    return (
        isinstance(value, (type, ModuleType, *FOLLOWED))
        or is_printed_to
        or is_log
        or _is_small(value)
    )


def _is_outside(value: Any) -> bool:
    """Tell whether a function or class is of a module that reaches outside the source."""
    is_named = issubclass(type(value), type | FunctionType | BuiltinFunctionType)
    return is_named and str(value.__module__).partition(".")[0] in OUTSIDE


def _loaded_by(
    code: CodeType, instructions: Sequence[dis.Instruction]
) -> Iterator[tuple[list[Any], int]]:
    """Yield each name that code loads, with the attributes taken of it, and its line."""
    imported: dict[str, Any] = {}
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
        elif name.startswith("LOAD_FAST") and value in imported:
            chain = [imported[value]]
        elif name == "IMPORT_NAME":
            module = sys.modules.get(value)
        elif name == "IMPORT_FROM":
            module = getattr(module, value, None)
        elif name == "STORE_FAST" and module is not None:
            imported[value], module = module, None
    if chain:
        yield chain, line


def _is_made(code: CodeType) -> bool:
    """Tell whether a function comes from no file: something made it while the program ran."""
    name = code.co_filename
    return not name.startswith(("/", "<frozen", "<__array_function__")) and name[1:2] != ":"


def _is_small(value: Any, depth: int = 2) -> bool:
    """Tell whether a value is a number or two, a short text, or no data at all."""
    if isinstance(value, (*NUMBERS, *IMMEDIATE)):
        return True
    if isinstance(value, str | bytes):
        return len(value) <= LONGEST_TEXT
    if type(value) in (tuple, frozenset):
        return (
            bool(depth)
            and len(value) <= MOST_ENTRIES
            and all(_is_small(entry, depth - 1) for entry in value)
        )
    if isinstance(value, Tensor):
        return value.numel() <= 1
    module = type(value).__module__
    return module == "numpy" and getattr(value, "size", 2) == 1


def _is_plain(named: _Named) -> bool:
    """Tell whether a value is what its top-level statement writes out, and little."""
    value, bound = named.value, named.bound
    if bound is None:
        return _is_small(value)
    if bound.is_library:
        return True
    if bound.is_literal:
        return bound.is_short and _equals(bound.literal, value)
    if _is_small(value):
        return not (bound.is_computed or bound.is_instance)
    if isinstance(value, torch.jit.ScriptFunction):
        return bound.is_scripted
    if isinstance(value, CONTAINERS):
        return False
    is_library = type(value).__module__.partition(".")[0] in PLAIN_PACKAGES
    return is_library and bound.is_plain


def _equals(literal: object, value: Any) -> bool:
    return type(literal) is type(value) and bool(literal == value)


def _mentions(statement: ast.stmt, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
