"""Read the file to check, and the files that would be handed in with it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..source.files import File
from ..source.paths import is_gradable, scan, shown
from ..source.read import TextCell, Unreadable, read, read_bytes

# Limits for a homework kept among many other files; the nearest files come first.
MOST_ENTRIES = 2000
DEPTH = 8
SELFCHECK = Path(__file__).parents[1]  # is beside the homework, and is not handed in


@dataclass(frozen=True)
class CheckedFiles:
    """A file to check, the files beside it, and the names that its text cells define."""

    main: File
    beside: tuple[File, ...] = ()
    in_text: Mapping[str, TextCell] = field(default_factory=dict)


def read_files(path: Path, source_bytes: int, root: Path) -> CheckedFiles:
    """Read a file, and those below its folder; raise Unreadable if it contains no code.

    If it lies below `root`, all of `root` would be handed in, and all files there count as beside
    it.
    """
    # A link's target is what would be handed in.
    try:
        data = read_bytes(path.resolve(), source_bytes)
    except Unreadable as error:
        what = str(error).removeprefix(shown(path.resolve().name))
        raise Unreadable(f"{shown(path)}{what}") from None
    source = read(shown(path.name), data)
    path = path.absolute()
    top = root.absolute() if root.absolute() in path.parents else path.parent
    beside = {}
    for other in (*_gradable_below(path.parent), *_gradable_below(top)):
        if other != path and other not in beside:
            with suppress(Unreadable):
                name = shown(other.relative_to(top).as_posix())
                beside[other] = read(name, read_bytes(other, source_bytes)).file
    main = replace(source.file, name=shown(path.relative_to(top).as_posix()))
    return CheckedFiles(main, tuple(beside.values()), source.in_text)


def _gradable_below(folder: Path) -> Iterator[Path]:
    """Yield the files that may hold Python: first those in the folder, then those farther down."""
    folders, entries_left = [folder], MOST_ENTRIES
    for _ in range(DEPTH):
        paths: list[Path] = []
        for each in folders:
            with suppress(OSError):  # e.g. without permission
                entries = scan(each)[: max(0, entries_left)]
                entries_left -= len(entries)
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if Path(entry.path) != SELFCHECK:
                            paths.append(Path(entry.path))
                    elif is_gradable(entry.name):
                        yield Path(entry.path)
        folders = paths
