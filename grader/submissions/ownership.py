"""Whether files are one student's or a class's, by their text; nothing is parsed or run.

A file's text shows which of the asked names it defines or assigns, and which modules it imports.
The search is in the bytes, so that it works for notebooks and all usual encodings as well as for
modules.
"""

import re
import stat
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path

from grader.source.paths import is_gradable, open_here_and_now
from grader.source.tasks import Tasks
from grader.submissions.file_names import is_called_homework, stem_of
from grader.submissions.tree import VERSION, Tree

WHOLE = 3  # least asked names defined by more than a helper
CLASS = 3  # least whole works in a folder that are not one student's attempts
ALL = 6  # asked names: then a file is not part of another, even if imported
HEAD_BYTES = 2**16  # of a JSON file, in which a notebook's "cells" must appear
MOST_IMPORTS = 10_000  # per file; nobody writes more
MOST_LOOKED_AT = 50  # files in one folder; more are a class in any case
# Folders that students make beside those of versions, and that are not students' names.
DRAFTS = frozenset({"old", "new", "draft", "drafts", "final", "backup", "copy"})

# The beginning of a line, with JSON's characters in a notebook and byte-order marks.
BEGINNING = rb'(?m)^[ \t",\[\xef\xbb\xbf\xfe\xff]*'
FROM = re.compile(BEGINNING + rb"(?:from|%run|%load)[ \t]+([\w./-]{1,200})")
IMPORT = re.compile(BEGINNING + rb"import[ \t]+([\w., \t]{1,200})")
PARTS = re.compile(r"([a-z_]*[a-z])_*(\d*)")  # parts of a parameter's name


@dataclass(frozen=True)
class FileOutline:
    """A file's outline: the asked names that its text defines, and the modules it imports."""

    names: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()


class HomeworkNames:
    """A homework's names, and other spellings of its gradients: dW1, W_1_grad.

    These are patterns rather than the rubric's [spellings], so that a folder's owner does not
    depend on which spellings are accepted as answers.
    """

    def __init__(self, tasks: Tasks) -> None:
        parameters = {q.parameter: q.name for q in tasks.questions if q.parameter}
        patterns = {name: _spelled(name) for name in parameters}
        either = "|".join(patterns.values())
        spellings = (*tasks.definitions, f"(?:grad_|d_?)(?:{either})", f"(?:{either})_grad")
        names = "|".join(spellings).encode()
        self._gradients = {
            re.compile(pattern): parameters[name] for name, pattern in patterns.items()
        }
        self._definition = re.compile(
            BEGINNING + rb"(?:async[ \t]+)?(?:def|class)[ \t]+(" + names + rb")\b"
        )
        self._assignment = re.compile(
            BEGINNING + rb"(" + names + rb")[ \t]*(?::[^=\n]{0,80})?=(?!=)"
        )

    def in_text(self, text: bytes) -> frozenset[str]:
        """Return the names that a text defines or assigns, in the homework's spelling."""
        patterns = (self._definition, self._assignment)
        names = (match[1].decode() for each in patterns for match in each.finditer(text))
        return frozenset(map(self._own, names))

    def _own(self, name: str) -> str:
        """Return the homework's name for a spelling: the gradient's for dW1."""
        return next((own for p, own in self._gradients.items() if p.search(name)), name)


def _spelled(parameter: str) -> str:
    """Return a pattern for the spellings of a parameter: v1, V1, v_1."""
    match = PARTS.fullmatch(parameter)
    if match is None:
        return re.escape(parameter)
    word, number = match.groups()
    return f"[{word[0]}{word[0].upper()}]{word[1:]}" + (f"_?{number}" if number else "")


names_of = cache(HomeworkNames)


def look_at(path: Path, most_bytes: int, tasks: Tasks) -> FileOutline:
    """Look at the beginning of a regular file's text; of other files nothing is known."""
    text = _beginning(path, most_bytes).replace(b"\0", b"")  # from UTF-16
    for end in (b"\r", b"\\n", b'"source":'):  # line ends; the last two within JSON
        text = text.replace(end, b"\n")
    modules = chain(
        (match[1] for match in FROM.finditer(text)),
        (name for match in IMPORT.finditer(text) for name in match[1].split(b",")),
    )
    imports = (_module(module.decode(errors="replace")) for module in modules)
    return FileOutline(names_of(tasks).in_text(text), frozenset(islice(imports, MOST_IMPORTS)))


def is_notebook(path: Path) -> bool:
    """Tell whether a JSON file may be a notebook."""
    return b'"cells"' in _beginning(path, HEAD_BYTES)


def _beginning(path: Path, most_bytes: int) -> bytes:
    try:
        with open(path, "rb", opener=open_here_and_now) as file:
            return file.read(most_bytes)
    except OSError:
        return b""


def _module(name: str) -> str:
    """Return the stem of an imported file or folder: "utils" for utils.act or utils.py."""
    first = name.strip().partition(" ")[0].removeprefix("./").partition("/")[0]
    return first.lstrip(".").partition(".")[0]


class Works:
    """Tells which files and folders are works, by their text and whether they were handed out."""

    def __init__(
        self,
        look: Callable[[Path], FileOutline],
        is_untouched: Callable[[Path], bool],
        never: str | None,
    ) -> None:
        """`never` is the absolute path of a folder that is skipped."""
        self._look = cache(look)
        self.is_untouched = cache(is_untouched)
        self._never = never

    def defines(self, path: Path, least: int = 1) -> bool:
        """Tell whether a file defines at least `least` asked names and differs from the handout."""
        return len(self._look(path).names) >= least and not self.is_untouched(path)

    def imported_by(self, path: Path, beside: Iterable[Path]) -> list[str]:
        """Return the names of neighbouring files that a file imports."""
        imports = self._imports(path)
        return [other.name for other in beside if other != path and stem_of(other.name) in imports]

    def imported(self, files: Iterable[Path]) -> set[str]:
        """Return the names of modules and packages that files import."""
        return {name for path in files for name in self._imports(path)}

    def is_one_students(self, files: Sequence[Path], folders: Sequence[Path]) -> bool:
        """Tell whether a folder's content is one student's; otherwise it is a class.

        Two whole works under different names belong to two students unless one imports the other,
        and so do two folders with a whole work each. If there is only one work, or a file named
        like the homework, the other files are its helpers if they are imported, or because of that
        name, unless two of them define something asked.
        """
        if not files or len(files) > MOST_LOOKED_AT:
            return False
        own = [path for path in files if not self.is_untouched(path)]
        stems = {stem_of(path.name) for path in own}
        modules = self.imported(own)
        works = {stem_of(path.name) for path in own if self._is_work(path, modules)}
        if len(works) > 1 or self._are_others(own, modules):
            return False
        if len(self.folders_with(folders, WHOLE if own else 1)) > 1:
            return False
        was_handed_out = any(is_called_homework(stem_of(path.name)) for path in files)
        if not own or any(map(is_called_homework, stems)):
            return was_handed_out
        others = self.folders_with(folders, 1)
        has_helpers = len(stems) > 1 or was_handed_out or not modules.isdisjoint(others)
        return has_helpers and len(stems - modules) == 1 and modules.issuperset(others)

    def _are_others(self, files: Iterable[Path], modules: Container[str]) -> bool:
        """Tell whether files are several students' unfinished works, beside a homework file.

        They are not imported, and each defines something under its own name.
        """
        stems = {stem_of(path.name) for path in files if self.defines(path)}
        others = {s for s in stems if not (s in modules or is_called_homework(s) or _is_draft(s))}
        return len(others) > 1

    def is_class(self, files: Sequence[Path], folders: Sequence[Path]) -> bool:
        """Tell whether a folder's content is a class's, although a student may have two works."""
        first = files[:MOST_LOOKED_AT]
        works = {stem_of(path.name) for path in first if self.defines(path, WHOLE)}
        if len(works) >= CLASS:
            return not self.is_one_students(files, folders)
        return not files and len(self.folders_with(folders, WHOLE)) > 1

    def folders_with(self, folders: Iterable[Path], least: int) -> list[str]:
        """Return the names of at most two folders with a file that defines `least` names."""
        candidates = (folder for folder in folders if not _is_draft(folder.name))
        works = (folder.name for folder in candidates if self._holds(folder, least))
        return list(islice(works, 2))

    def tree(self, folder: Path) -> Tree:
        """Return the walk through a student's folder."""
        return Tree(folder, self._never, self.is_untouched)

    def _holds(self, folder: Path, least: int) -> bool:
        leaves = (leaf for leaf in self.tree(folder) if is_gradable(leaf.name))
        return any(
            stat.S_ISREG(leaf.mode) and self.defines(leaf.path, least)
            for leaf in islice(leaves, MOST_LOOKED_AT)
        )

    def _imports(self, path: Path) -> frozenset[str]:
        return self._look(path).imports - {stem_of(path.name)}

    def _is_work(self, path: Path, modules: Container[str]) -> bool:
        """Tell whether a file is a work of its own, not a part or helper of another."""
        stem = stem_of(path.name)
        if stem in modules:
            return self.defines(path, ALL)
        return self.defines(path, 1 if is_called_homework(stem) else WHOLE)


def _is_draft(folder: str) -> bool:
    """Tell whether a folder's name is one that students give to versions of a work."""
    return bool(VERSION.fullmatch(folder)) or folder.lower() in DRAFTS
