"""All files of a student's folder, nearest first, within bounds; links are never followed."""

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.source.paths import is_gradable, is_handed_in, scan

# The total number of folders is what protects; real submissions are never this deep.
FOLDERS = 500
DEEPEST = 20  # nested folders opened below a student's own
ENVIRONMENT = "pyvenv.cfg"
VERSION = re.compile(
    r"(?:v|ver|version|attempt|try|submission|upload|rev)?[ ._-]*\(?(\d{1,4})\)?", re.IGNORECASE
)


class Leaf(NamedTuple):
    """Anything but a folder: `name` is its path within the student's folder, with "/"."""

    path: Path
    name: str
    mode: int


class Tree:
    """The files of a folder; after each walk, also what was left out.

    `closed_folders` cannot be listed, `is_cut` says whether bounds ended the search, and `versions`
    are folders of numbered versions, of which only one is searched: the folder, the number of
    versions, and that one's name.
    """

    def __init__(
        self, folder: Path, never: str | None, is_untouched: Callable[[Path], bool]
    ) -> None:
        """`never` is the absolute path of a folder that is skipped."""
        self._folder = folder
        self._never = never
        self._is_untouched = is_untouched
        self.closed_folders: list[tuple[Path, OSError]] = []
        self.is_cut = False
        self.versions: list[tuple[Path, int, str]] = []

    def __iter__(self) -> Iterator[Leaf]:
        """Yield the files, those of the folder itself first, in order within each folder."""
        queue = deque([(self._folder, "", 0)])
        count = 1
        while queue:
            folder, within, depth = queue.popleft()
            entries = self._entries(folder)
            folders = [entry.name for entry in entries if is_folder(entry)]
            for entry in entries:
                if not is_folder(entry) or is_gradable(entry.name):
                    yield Leaf(folder / entry.name, within + entry.name, mode_of(entry))
            for name in self._folders_within(folder, entries, folders):
                if depth == DEEPEST or count == FOLDERS:
                    self.is_cut = True
                    break
                count += 1
                queue.append((folder / name, f"{within}{name}/", depth + 1))

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            entries = scan(folder)
        except OSError as error:
            self.closed_folders.append((folder, error))
            return []
        return [e for e in entries if os.path.abspath(folder / e.name) != self._never]

    def _folders_within(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], folders: Sequence[str]
    ) -> list[str]:
        """Return the folders to look into: one of numbered versions, none of an environment."""
        if any(entry.name == ENVIRONMENT for entry in entries):
            return []
        if not any(is_handed_in(entry.name) for entry in entries):
            newest = newest_version(folder, folders, self._is_untouched)
            if newest is not None:
                self.versions.append((folder, len(folders), newest))
                return [newest]
        return [name for name in folders if not is_gradable(name)]


def newest_version(
    folder: Path, names: Sequence[str], is_untouched: Callable[[Path], bool]
) -> str | None:
    """Return which folder counts if all are numbered versions of the same files, else None.

    The newest with work counts: an empty or untouched one does not displace another.
    """
    matches = [VERSION.fullmatch(name) for name in names]
    numbers = {name: int(match[1]) for name, match in zip(names, matches, strict=True) if match}
    if len(names) < 2 or len(set(numbers.values())) < len(names):
        return None
    files_in = {
        name: {n.lower() for n in _names_in(folder / name)}
        for name in sorted(names, key=numbers.__getitem__)
    }
    with_files = [name for name, files in files_in.items() if files]
    if not with_files or not all(files_in[name] & files_in[with_files[-1]] for name in with_files):
        return None
    newest_first = reversed(with_files)
    return next((n for n in newest_first if _has_work(folder / n, is_untouched)), with_files[-1])


def _has_work(folder: Path, is_untouched: Callable[[Path], bool]) -> bool:
    names = _names_in(folder)
    return not all(is_gradable(name) and is_untouched(folder / name) for name in names)


def _names_in(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in scan(folder) if is_handed_in(entry.name)}
    except OSError:
        return set()


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder, not a link to one."""
    return entry.is_dir(follow_symlinks=False)


def mode_of(entry: os.DirEntry[str]) -> int:
    """Return the type of an entry; for most, the listing tells it without a stat."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if is_folder(entry):
        return stat.S_IFDIR
    return entry.stat(follow_symlinks=False).st_mode
