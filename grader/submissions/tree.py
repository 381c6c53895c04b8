"""All files of a student's folder, the nearest first, within bounds; links are never followed."""

import os
import re
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.submissions import ZIP, is_gradable, scan, suffix

DEEPEST = 6  # folders in each other that are opened below a student's own
FOLDERS = 500
ENVIRONMENT = "pyvenv.cfg"
VERSION = re.compile(
    r"(?:v|ver|version|attempt|try|submission|upload|rev)?[ ._-]*\(?(\d{1,4})\)?", re.IGNORECASE
)


class Leaf(NamedTuple):
    """What is no folder: `name` is its path within the student's folder, "/" between."""

    path: Path
    name: str
    mode: int


class Tree:
    """The files of a folder; after each walk, what was not seen of it.

    `closed` are the folders that cannot be listed, `is_cut` says whether bounds ended the search,
    and `versions` are folders of numbered versions, of which only the newest is walked through:
    the folder, how many there are, and the newest one's name.
    """

    def __init__(self, folder: Path, never: str | None = None) -> None:
        """`never` is the absolute path of a folder that is not looked into."""
        self._folder = folder
        self._never = never
        self.closed: list[tuple[Path, OSError]] = []
        self.is_cut = False
        self.versions: list[tuple[Path, int, str]] = []

    def __iter__(self) -> Iterator[Leaf]:
        """Yield the files, those of the folder itself first, each folder's in order."""
        waiting = deque([(self._folder, "", 0)])
        count = 1
        while waiting:
            folder, within, depth = waiting.popleft()
            entries = self._entries(folder)
            folders = [entry.name for entry in entries if is_folder(entry)]
            for entry in entries:
                if not is_folder(entry) or is_gradable(entry.name):
                    yield Leaf(folder / entry.name, within + entry.name, mode_of(entry))
            for name in self._meant(folder, entries, folders):
                if depth == DEEPEST or count == FOLDERS:
                    self.is_cut = True
                    break
                count += 1
                waiting.append((folder / name, f"{within}{name}/", depth + 1))

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            entries = scan(folder)
        except OSError as error:
            self.closed.append((folder, error))
            return []
        return [e for e in entries if os.path.abspath(folder / e.name) != self._never]

    def _meant(
        self, folder: Path, entries: Sequence[os.DirEntry[str]], folders: Sequence[str]
    ) -> list[str]:
        """Return the folders to look into: of versions the newest, of an environment none."""
        if any(entry.name == ENVIRONMENT for entry in entries):
            return []
        if not any(_is_handed_in(entry) for entry in entries):
            newest = newest_version(folder, folders)
            if newest is not None:
                self.versions.append((folder, len(folders), newest))
                return [newest]
        return [name for name in folders if not is_gradable(name)]


def newest_version(folder: Path, names: Sequence[str]) -> str | None:
    """Return the newest of folders that are numbered versions of the same files, if they are.

    An empty one does not count.
    """
    matches = [VERSION.fullmatch(name) for name in names]
    numbers = {name: int(match[1]) for name, match in zip(names, matches, strict=True) if match}
    if len(names) < 2 or len(set(numbers.values())) < len(names):
        return None
    held = {name: _names_in(folder / name) for name in sorted(names, key=numbers.__getitem__)}
    with_files = [name for name, files in held.items() if files]
    if not with_files or not all(held[name] & held[with_files[-1]] for name in with_files):
        return None
    return with_files[-1]


def _names_in(folder: Path) -> set[str]:
    try:
        return {entry.name.lower() for entry in scan(folder) if _is_handed_in(entry)}
    except OSError:
        return set()


def _is_handed_in(entry: os.DirEntry[str]) -> bool:
    return is_gradable(entry.name) or suffix(entry.name) == ZIP


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder, and not a link to one."""
    return entry.is_dir(follow_symlinks=False)


def mode_of(entry: os.DirEntry[str]) -> int:
    """Return the type of an entry; most are told by the listing itself, without a stat."""
    if entry.is_file(follow_symlinks=False):
        return stat.S_IFREG
    if is_folder(entry):
        return stat.S_IFDIR
    return entry.stat(follow_symlinks=False).st_mode
