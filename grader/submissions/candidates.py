"""Which of a student's files are graded for themselves, by their text; nothing is parsed or run.

The best of them counts. The others lie beside it: helper modules that it may import, files that are
as they were handed out, work for another homework.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from grader.rubric import Rubric
from grader.source.paths import is_homework
from grader.source.read import Source, TextCell, Unreadable, read, read_bytes
from grader.source.tasks import Tasks

# Of another draw, a student's own homework has other numbers.
NUMBER = re.compile(r"\d+")
# What an import names. Each begins after the last: a search from every import to its end would take
# a time that grows with the square of the text.
IMPORTED = re.compile(r"\bimport\b([ \t]*\([^)]*|[^\n;(]*)")
# What a file may bring in from elsewhere: functions of other files, or of strings.
ELSEWHERE = r"^[ \t]*from[ \t].*\bimport[ \t]*\*|%run\b|%%(?:write)?file\b|\bexec[ \t]*\("


def code_lines(text: str) -> frozenset[str]:
    """Return the lines of a source without comments, indentation and what its numbers are."""
    lines = (NUMBER.sub("0", line.strip()) for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def is_untouched(source: Source, handed_out: Collection[str]) -> bool:
    """Tell whether a file adds no line of code to `handed_out`, the code_lines of the handout."""
    lines = code_lines(source.text) if handed_out else frozenset()
    return bool(lines) and lines.issubset(handed_out)


def is_handout(path: Path, most_bytes: int, handed_out: Collection[str]) -> bool:
    """Tell whether a file can be read, and is as it was handed out."""
    try:
        return is_untouched(read(path.name, read_bytes(path, most_bytes)), handed_out)
    except Unreadable:
        return False


class Handout:
    """What students of a homework are given."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric

    @cached_property
    def lines(self) -> frozenset[str]:
        """The code_lines of all its files."""
        from grader.material.notebook import (
            released_code,  # half a second, for who needs it
        )

        return code_lines(released_code(self._rubric))


class Choice:
    """Chooses the candidates of a submission, of which `most` are graded.

    `spellings` are names that may stand for others' of the `tasks`.
    """

    def __init__(
        self,
        handed_out: Collection[str],
        tasks: Tasks,
        spellings: Mapping[str, Sequence[str]],
        most: int,
    ) -> None:
        self.tasks = tasks
        self._handed_out = frozenset(handed_out)
        self._most = most
        definitions = tasks.definitions
        all_names = {*definitions, *(own for name in tasks.gradients for own in spellings[name])}
        self._names = frozenset(
            {*definitions, *(own for each in spellings.values() for own in each)}
        )
        names, either = "|".join(definitions), "|".join(sorted(all_names))
        self._defines = re.compile(
            rf"(?:\b|\\n)(?:def|class)\s+(?:{names})\b"
            rf"|^[ \t]*(?:{either})[ \t]*(?::[^=\n]+)?=(?!=)"
            rf"|{ELSEWHERE}",
            re.MULTILINE,
        )
        self._elsewhere = re.compile(ELSEWHERE, re.MULTILINE)
        self._definition = re.compile(rf"\b(?:{names})\b")
        self._either = re.compile(rf"\b(?:{either})\b")

    def only_asked(self, in_text: Mapping[str, TextCell]) -> dict[str, TextCell]:
        """Return of the names that text cells would define those that something asked may have."""
        return {name: cell for name, cell in in_text.items() if name in self._names}

    def untouched(self, sources: Iterable[Source]) -> set[str]:
        """Return the names of those files that are as they were handed out."""
        return {source.name for source in sources if is_untouched(source, self._handed_out)}

    def candidates(self, sources: Sequence[Source]) -> list[Source]:
        """Return those that may define something asked, else those changed, else all of them.

        Those called as the homework is come first, then those least deep. If not all are graded,
        those that name most of what is asked come first: of parts, what joins them. Of those that
        name as much, a name without a number comes first, then the highest: v10, v9, v2.
        """
        handouts = self.untouched(sources)
        works = [source for source in sources if source.name not in handouts]
        definers = [source for source in works if self._may_define(source.text)]
        candidates = sorted(definers or works or sources, key=_nearness)
        if len(candidates) <= self._most:
            return candidates
        return sorted(candidates, key=lambda source: (self._lack(source), *_newness(source)))

    def _lack(self, source: Source) -> int:
        """Return how many fewer names a text has than are asked, and none where others' come in."""
        if self._elsewhere.search(source.text):
            return 0
        return max(0, len(self.tasks.definitions) - len(set(self._either.findall(source.text))))

    def _may_define(self, text: str) -> bool:
        imports = (match[1] for match in IMPORTED.finditer(text))
        return bool(self._defines.search(text)) or any(map(self._definition.search, imports))


def _nearness(source: Source) -> tuple[bool, int, str]:
    *folders, name = source.name.split("/")
    return not is_homework(name), len(folders), source.name


def _newness(source: Source) -> tuple[bool, int, list[float]]:
    """Return what sorts files as _nearness does, but the highest numbers first in place of names.

    As floats: there is one for any number of digits.
    """
    elsewhere, depth, path = _nearness(source)
    return elsewhere, depth, [-float(number) for number in NUMBER.findall(path)]
