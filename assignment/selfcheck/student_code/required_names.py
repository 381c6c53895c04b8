"""Keep what the homework asks for, where its name is given away again."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from torch import nn


@dataclass
class RequiredNames:
    """The names that the homework asks for, in a namespace while statements run in it.

    The last of each that can be called counts. A network that was made already cannot.
    """

    names: Sequence[str]
    namespace: dict[str, Any]
    _values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _losses: dict[str, tuple[str, str]] = field(default_factory=dict)

    def look(self, place: str) -> None:
        """Take in what the statement at `place` left."""
        for name in self.names:
            value = self.namespace.get(name)
            if value is None and name not in self._values:
                continue
            if is_answer(value):
                if name not in self._values or self._values[name][0] is not value:
                    self._values[name] = value, place
                self._losses.pop(name, None)
            elif name in self._values and name not in self._losses:
                what = f"overwritten in {place} by a {type(value).__name__[:60]}"
                deletion = f"deleted in {place}"
                self._losses[name] = place, what if name in self.namespace else deletion

    def put_back(self) -> Iterator[tuple[str, str]]:
        """Put back what was given away; yield where, and what is to be told of it."""
        for name, (place, how) in self._losses.items():
            value, origin = self._values[name]
            self.namespace[name] = value
            kind = "class" if inspect.isclass(value) else "function"
            yield place, f"{name} was {how}; the {kind} from {origin} counts"


def is_answer(value: object) -> TypeGuard[Callable[..., Any]]:
    """Tell whether a value can be called, and is no network that was made already."""
    return callable(value) and not issubclass(type(value), nn.Module)
