"""Keep the definitions that the homework asks for, even if their names are reused."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from torch import nn


@dataclass
class RequiredNames:
    """The names that the homework asks for, in a namespace while statements run in it.

    The last callable value of each counts, except an instance of a network.
    """

    names: Sequence[str]
    namespace: dict[str, Any]
    _values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _losses: dict[str, tuple[str, str]] = field(default_factory=dict)

    def look(self, place: str) -> None:
        """Note the values that the statement at `place` left."""
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
        """Restore overwritten and deleted values; yield the place and a message for each."""
        for name, (place, how) in self._losses.items():
            value, origin = self._values[name]
            self.namespace[name] = value
            kind = "class" if inspect.isclass(value) else "function"
            yield place, f"{name} was {how}; the {kind} from {origin} counts"


def is_answer(value: object) -> TypeGuard[Callable[..., Any]]:
    """Tell whether a value can be called and is not an instance of a network."""
    return callable(value) and not issubclass(type(value), nn.Module)
