"""What a value is, examined from outside: small, few, harmless, and what it holds or carries.

A value may belong to a class that a submission wrote and that lies about itself. So its type is
checked, and it is read by Python's own means if possible.
"""

import argparse
import functools
import io
import logging
import struct
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
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

LONGEST_TEXT = 200
MOST_ENTRIES = 16
MOST_HELD = 50  # small values in a container or an object made before the call
MOST_REPEATED = 10_000  # times the same small value
POINTER = struct.calcsize("P")
OUTSIDE = frozenset(
    {"os", "posix", "io", "_io", "pathlib", "pickle", "_pickle", "marshal", "shelve", "sqlite3"}
    | {"mmap", "tempfile", "linecache", "importlib", "gc", "inspect", "ctypes", "_ctypes", "sys"}
)
NUMBERS = (bool, int, float, complex, type(None), type(...))
HOLDING = (dict, list, set, Tensor, nn.Module, SimpleNamespace, SimpleQueue, Queue)
CONTAINERS = (dict, list, tuple, set, frozenset, bytes, bytearray, str)
IMMEDIATE = (torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format, range, slice)
SEQUENCES = (list, tuple, set, frozenset, deque)
# Their values are examined one by one, though the source does not define these classes.
SIMPLE = (SimpleNamespace, argparse.Namespace, logging.Logger)
FOLLOWED = (FunctionType, MethodType, BuiltinFunctionType, MethodWrapperType, functools.partial)


def carried(value: Any) -> list[Any] | None:
    """Return what a callable of Python's or a library's forwards to; None for anything else."""
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


def within(function: FunctionType) -> Iterator[Any]:
    """Yield the values that a function carries with it."""
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from (value for name, value in vars(function).items() if name == "__wrapped__")
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it is empty
            yield cell.cell_contents


def entries(value: Any) -> Iterable[Any] | None:
    """Return the contents of a container as Python stores them, whatever its class claims."""
    kind = type(value)
    if issubclass(kind, dict):
        return chain(dict.keys(value), dict.values(value))
    base = next((base for base in SEQUENCES if issubclass(kind, base)), None)
    return None if base is None else base.__iter__(value)


def fields(value: Any) -> Iterator[Any]:
    """Yield an object's own values: those of its slots, and its dictionary."""
    for owner in type(value).__mro__:
        for name, field in list(vars(owner).items()):
            is_dictionary = isinstance(field, GetSetDescriptorType) and name == "__dict__"
            if is_dictionary or isinstance(field, MemberDescriptorType):
                with suppress(AttributeError):  # it is not set
                    yield field.__get__(value)


def is_bare(kind: type) -> bool:
    """Tell whether objects of a class consist only of their fields, without C data of their own."""
    slots = sum(
        isinstance(field, MemberDescriptorType)
        for owner in kind.__mro__
        for field in list(vars(owner).values())
    )
    return kind.__basicsize__ <= object.__basicsize__ + POINTER * (slots + 2)


def is_little(leaves: list[Any]) -> bool:
    """Tell whether a container's values are few, or the same one repeated, and harmless."""
    is_repeated = len({id(leaf) for leaf in leaves}) == 1 and len(leaves) < MOST_REPEATED
    return (len(leaves) <= MOST_HELD or is_repeated) and all(map(is_harmless, leaves))


def is_harmless(value: Any) -> bool:
    """Tell whether a container's value is small, or something that is followed."""
    is_printed_to = type(value) is io.TextIOWrapper and not value.readable()
    is_log = type(value).__module__ == "logging"
    return (
        isinstance(value, (type, ModuleType, *FOLLOWED))
        or is_printed_to
        or is_log
        or is_small(value)
    )


def is_outside(value: Any) -> bool:
    """Tell whether a function or class belongs to a module that reaches outside the source."""
    is_named = issubclass(type(value), type | FunctionType | BuiltinFunctionType)
    return is_named and str(value.__module__).partition(".")[0] in OUTSIDE


def is_made(code: CodeType) -> bool:
    """Tell whether a function comes from no file, so that the running program made it."""
    name = code.co_filename
    return not name.startswith(("/", "<frozen", "<__array_function__")) and name[1:2] != ":"


def is_small(value: Any, depth: int = 2) -> bool:
    """Tell whether a value is one or few numbers, a short text, or no data at all."""
    if isinstance(value, (*NUMBERS, *IMMEDIATE)):
        return True
    if isinstance(value, str | bytes):
        return len(value) <= LONGEST_TEXT
    if type(value) in (tuple, frozenset):
        return (
            bool(depth)
            and len(value) <= MOST_ENTRIES
            and all(is_small(entry, depth - 1) for entry in value)
        )
    if isinstance(value, Tensor):
        return value.numel() <= 1
    module = type(value).__module__
    return module == "numpy" and getattr(value, "size", 2) == 1


def equals(literal: object, value: Any) -> bool:
    """Tell whether a value equals a literal and has the same type."""
    return type(literal) is type(value) and bool(literal == value)
