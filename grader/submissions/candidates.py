"""Choose which of a student's files are graded on their own, by text; nothing is run.

The best of them counts. The others lie beside it: helper modules it may import, untouched handout
files, work for another homework.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from grader.rubric import Rubric
from grader.source.paths import is_homework
from grader.source.read import Source, TextCell, Unreadable, read, read_bytes
from grader.source.tasks import Tasks

# Numbers are ignored, as a student's own homework may come from another draw.
NUMBER = re.compile(r"\d+")
# The names in an import. Each match begins after the last: searching from every import to its end
# would take time quadratic in the text.
IMPORTED = re.compile(r"\bimport\b([ \t]*\([^)]*|[^\n;(]*)")
# Ways to bring in functions from other files, or from strings.
ELSEWHERE = r"^[ \t]*from[ \t].*\bimport[ \t]*\*|%run\b|%%(?:write)?file\b|\bexec[ \t]*\("


def code_lines(text: str) -> frozenset[str]:
    """Return a source's lines without comments, indentation and the values of numbers."""
    lines = (NUMBER.sub("0", line.strip()) for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def is_untouched(source: Source, handed_out: Collection[str]) -> bool:
    """Tell whether a file adds no line of code to `handed_out`, the code_lines of the handout."""
    lines = code_lines(source.text) if handed_out else frozenset()
    return bool(lines) and lines.issubset(handed_out)


def is_handout(path: Path, most_bytes: int, handed_out: Collection[str]) -> bool:
    """Tell whether a file can be read and is unchanged since it was handed out."""
    try:
        return is_untouched(read(path.name, read_bytes(path, most_bytes)), handed_out)
    except Unreadable:
        return False


class Handout:
    """The files that students of a homework are given."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric

    @cached_property
    def lines(self) -> frozenset[str]:
        """The code_lines of all its files."""
        from grader.material.notebook import (
            released_code,  # takes 0.5 s; imported only if needed
        )

        return code_lines(released_code(self._rubric))


class Choice:
    """Chooses a submission's candidates, of which at most `most` are graded.

    `spellings` are alternative names for those of the `tasks`.
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
        """Return the names in text cells that something asked may have."""
        return {name: cell for name, cell in in_text.items() if name in self._names}

    def untouched(self, sources: Iterable[Source]) -> set[str]:
        """Return the names of the files that are unchanged since they were handed out."""
        return {source.name for source in sources if is_untouched(source, self._handed_out)}

    def candidates(self, sources: Sequence[Source]) -> list[Source]:
        """Return the files that may define something asked, else changed ones, else all.

        Files named like the homework come first, then the least deep. If not all can be graded,
        files that mention the most asked names come first, such as the one that joins several
        parts. Among equals, a name without a number comes first, then the highest number: v10, v9,
        v2.
        """
        handouts = self.untouched(sources)
        works = [source for source in sources if source.name not in handouts]
        definers = [source for source in works if self._may_define(source.text)]
        candidates = sorted(definers or works or sources, key=_nearness)
        if len(candidates) <= self._most:
            return candidates
        return sorted(candidates, key=lambda source: (self._lack(source), *_newness(source)))

    def _lack(self, source: Source) -> int:
        """Return how many asked names a text lacks; 0 if it brings in others' code."""
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
    """Return a sort key like _nearness, but with the highest numbers first instead of names.

    Floats, because they exist for any number of digits.
    """
    elsewhere, depth, path = _nearness(source)
    return elsewhere, depth, [-float(number) for number in NUMBER.findall(path)]
