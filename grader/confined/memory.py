"""Tell what a gradient reads that was made before it is called: computed values, large constants.

A closed form needs its arguments, functions, and here and there a small number. What was computed
before, while the file was loaded or in forward, may be the derivative: a table, a traced graph, the
result of a search. Nothing here says that it is; a person looks at the line.

The functions of a gradient are followed as they are when it is called: by the names their code
loads, what they close over and their defaults. A name's value is as plain as it seems if its
top-level statement writes it out, as a short literal or by torch's own functions of such. This runs
beside student code, which can take it apart.
"""

import ast
import builtins
import dis
import functools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from queue import Queue, SimpleQueue
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import torch
from torch import Tensor, nn

from grader.confined.contract import Kept
from grader.confined.following import Files
from grader.confined.screening import Bound, Places
from grader.confined.student import Loaded

MOST_KEPT = 8
MOST_LOOKED_AT = 500  # values, of one gradient
LONGEST_TEXT = 200
MOST_ENTRIES = 16
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
BUILT_IN = frozenset(vars(builtins))
OF_TENSOR = frozenset(vars(Tensor)) | frozenset(vars(torch._C.TensorBase))
NUMBERS = (bool, int, float, complex, type(None), type(...))
HOLDING = (dict, list, set, Tensor, nn.Module, SimpleNamespace, SimpleQueue, Queue)
CONTAINERS = (dict, list, tuple, set, frozenset, bytes, bytearray, str)
IMMEDIATE = (torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format, range, slice)
PLAIN_PACKAGES = ("torch", "numpy", "math", "builtins", "typing", "cmath", "collections")


@dataclass(frozen=True)
class _Named:
    """A value, by the name it is read by, and what binds that name, if that is known."""

    name: str
    value: Any
    bound: Bound | None
    where: str  # the function that reads it


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

    def start(self, gradient: str) -> None:
        """Look at a gradient, and at what it leads to."""
        if gradient in self._loaded.written_out:
            codes, names = self._loaded.written_out[gradient]
            for code in codes:
                self._read_by(code, names)
        elif gradient in self._loaded.namespace:
            value = self._loaded.namespace[gradient]
            self._todo = [_Named(gradient, value, self._places.of(None, gradient), "")]
            parameters = self._loaded.namespace.get("Parameters")  # it is called with one
            if isinstance(parameters, type):
                bound = self._places.of(None, "Parameters")
                self._class(_Named("Parameters", parameters, bound, ""), parameters)
        while self._todo and len(self._seen) < MOST_LOOKED_AT and len(self.found) < MOST_KEPT:
            named = self._todo.pop(0)
            if id(named.value) not in self._seen or _is_small(named.value):
                self._seen.add(id(named.value))
                self._look(named)

    def _look(self, named: _Named) -> None:
        value = named.value
        if isinstance(value, functools.partial):
            self._add(named, value.func, *value.args, *value.keywords.values())
        elif type(value) is MethodType:
            self._add(named, value.__func__, value.__self__)
        elif isinstance(value, staticmethod | classmethod):
            self._add(named, value.__func__)
        elif type(value).__module__.startswith("numpy") and hasattr(value, "pyfunc"):
            self._add(named, value.pyfunc)  # numpy.vectorize
        elif isinstance(value, functools._lru_cache_wrapper):
            self._add(named, value.__wrapped__)
        elif type(value) is FunctionType:
            self._function(named, value)
        elif isinstance(value, type):
            self._class(named, value)
        elif not isinstance(value, ModuleType | BuiltinFunctionType) and not _is_plain(named):
            self._keep(named)

    def _add(self, named: _Named, *values: Any) -> None:
        self._todo += [_Named(named.name, value, named.bound, named.where) for value in values]

    def _keep(self, named: _Named) -> None:
        bound = named.bound
        where = f"{bound.label}, line {bound.line}" if bound else named.where
        by_torch = any(
            _mentions(statement, named.name.partition(".")[0])
            for _, statement in self._loaded.differentiated
        )
        kept = Kept(named.name, where, "differentiated" if by_torch else "made")
        self.found.setdefault(named.name, kept)

    def _function(self, named: _Named, function: FunctionType) -> None:
        code = function.__code__
        if code.co_filename not in self._loaded.labels:
            if _is_made(code):
                self._keep(named)
            return
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for value in defaults:
            self._inner(f"a default of {function.__name__}", value, code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            try:
                self._inner(name, cell.cell_contents, code)
            except ValueError:  # it is empty
                continue
        self._read_by(code, function.__globals__)

    def _inner(self, name: str, value: Any, code: CodeType) -> None:
        """Look at what a function carries with it: nothing at the top level writes it out."""
        if not _is_small(value):
            where = f"{code.co_filename}, line {code.co_firstlineno}"
            self._todo.append(_Named(name, value, None, where))

    def _class(self, named: _Named, owner: type) -> None:
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
        for name in code.co_names:
            if name in vars(Tensor) and name not in OF_TENSOR:
                where = f"{code.co_filename}, line {code.co_firstlineno}"
                self.found.setdefault(name, Kept(f"Tensor.{name}", where, "made"))
        for chain, line in _loaded_by(code):
            self._chain(chain, f"{code.co_filename}, line {line}", code.co_filename, namespace)

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
        if isinstance(value, ModuleType):
            return
        if _is_outside(value):
            self._call(named.name, where)
        elif bound is None or not bound.is_library:
            self._todo.append(named)

    def _built_in(self, name: str, where: str, namespace: Mapping[str, Any]) -> None:
        """Look at a name that the file does not bind: Python's own, or one that was put there."""
        if name in OPENING:
            self._call(name, where)
        elif name not in BUILT_IN:
            owner = namespace.get("__builtins__")
            names = owner if isinstance(owner, dict) else vars(owner) if owner else {}
            if name in names and self._is_telling(names[name]):
                self._todo.append(_Named(name, names[name], None, where))

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
        if not isinstance(value, ModuleType):
            is_library = isinstance(value, type) and not self._is_of_source(value)
            plain = Bound("", 0, is_library=True)
            bound = plain if is_library and not self._is_telling(inner) else None
            return _Named(full, inner, bound, owner.where)
        bound = self._places.of_module(value.__name__, name)
        if bound is None and (value.__name__.partition(".")[0] in OUTSIDE or name in READING):
            self._call(full, owner.where)
        if bound is None and not isinstance(inner, ModuleType) and not self._is_telling(inner):
            bound = Bound("", 0, is_library=True)
        return _Named(full, inner, bound, owner.where)

    def _call(self, name: str, where: str) -> None:
        self.found.setdefault(name, Kept(name, where, "called"))

    def _is_telling(self, value: Any) -> bool:
        """Tell whether what a library's module holds may be the submission's."""
        if type(value) is FunctionType:
            code = value.__code__
            return code.co_filename in self._loaded.labels or _is_made(code)
        if isinstance(value, type | ModuleType | BuiltinFunctionType):
            return False
        return isinstance(value, HOLDING) or self._is_of_source(type(value))


def _is_outside(value: Any) -> bool:
    """Tell whether a function or class is of a module that reaches outside the source."""
    is_named = isinstance(value, type) or type(value) in (FunctionType, BuiltinFunctionType)
    return is_named and str(value.__module__).partition(".")[0] in OUTSIDE


def _loaded_by(code: CodeType) -> Iterator[tuple[list[Any], int]]:
    """Yield each name that code loads, with the attributes taken of it, and its line."""
    imported: dict[str, Any] = {}
    chain: list[Any] = []
    line, module = code.co_firstlineno, None
    for instruction in dis.get_instructions(code):
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
        return not bound.is_computed
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
