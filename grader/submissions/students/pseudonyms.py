"""File names that do not reveal a student who has another name here."""

import re
import unicodedata
from collections.abc import Collection, Iterable

from grader.submissions.file_names import ending_of, stem_of

WORD = re.compile(r"[^\W\d_]+|\d+")
LEAST = 3  # letters of a word part that identifies a student
LEAST_WIDE = 2  # if a letter is not Latin


class Pseudonym:
    """Hides a student's other names: a file named after one is renamed `student`.

    The names of `modules`, which the student's files import, stay unchanged.
    """

    def __init__(self, student: str, names: Iterable[str], modules: Collection[str]) -> None:
        self._student = student
        self._names = [_words(name) for name in names]
        self._modules = modules
        self._new_parts: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def hide(self, path: str) -> str:
        """Return a path without the names; parts that differ still do."""
        return "/".join(map(self._part, path.split("/")))

    def _part(self, part: str) -> str:
        if part not in self._new_parts:
            stays = stem_of(part) in self._modules or not self._tells(_words(part))
            self._new_parts[part] = part if stays else self._neutral(ending_of(part))
        return self._new_parts[part]

    def _neutral(self, ending: str) -> str:
        number = self._count[ending] = self._count.get(ending, 0) + 1
        return f"{self._student}-{number}{ending}" if number > 1 else f"{self._student}{ending}"

    def _tells(self, words: list[str]) -> bool:
        """Tell whether words contain a word of a name, or are part of one."""
        text = "".join(words)
        for name in self._names:
            long = [word for word in name if _is_long(word)]
            if not {*words}.isdisjoint(name) or any(word in text for word in long):
                return True
            if any(word in "".join(name) for word in words if _is_long(word)):
                return True
        return False


def _words(text: str) -> list[str]:
    """Return the words and numbers of a name, ignoring case and accents."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return WORD.findall("".join(char for char in letters if not unicodedata.combining(char)))


def _is_long(word: str) -> bool:
    return not word.isdigit() and len(word) >= (LEAST if word.isascii() else LEAST_WIDE)
