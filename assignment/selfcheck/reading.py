"""Read the file to check, and what lies beside it: what would be handed in with it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from selfcheck.files import Cell, File
from selfcheck.submissions import is_gradable, scan, shown
from selfcheck.read import Source, TextCell, Unreadable, read, read_bytes

# Who keeps a homework among much else checks it all the same: what is near it comes first.
MOST_ENTRIES = 2000
DEPTH = 8


@dataclass(frozen=True)
class HandedIn:
    """A file that is checked, the files beside it, and the names that its text cells define."""

    main: File
    beside: tuple[File, ...] = ()
    in_text: Mapping[str, TextCell] = field(default_factory=dict)


def handed_in(path: Path, source_bytes: int) -> HandedIn:
    """Read a file and those below its folder; raise Unreadable where it holds no code."""
    # What a link leads to is what would be handed in.
    source = read(shown(path.name), read_bytes(path.resolve(), source_bytes))
    beside = []
    for other in _gradable_below(path.parent):
        if other != path:
            with suppress(Unreadable):
                name = shown(other.relative_to(path.parent).as_posix())
                beside.append(_file(read(name, read_bytes(other, source_bytes))))
    return HandedIn(_file(source), tuple(beside), source.in_text)


def _file(source: Source) -> File:
    return File(source.name, source.kind, tuple(Cell(c.label, c.source) for c in source.cells))


def _gradable_below(folder: Path) -> Iterator[Path]:
    """Yield the files that may hold Python: first those in the folder, then those farther down."""
    folders, left = [folder], MOST_ENTRIES
    for _ in range(DEPTH):
        found: list[Path] = []
        for each in folders:
            with suppress(OSError):  # one that may not be read
                entries = scan(each)[: max(0, left)]
                left -= len(entries)
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        found.append(Path(entry.path))
                    elif is_gradable(entry.name):
                        yield Path(entry.path)
        folders = found
