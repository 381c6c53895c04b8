"""Read the file to check, and what lies beside it: what would be handed in with it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..source.files import File
from ..source.paths import is_gradable, scan, shown
from ..source.read import TextCell, Unreadable, read, read_bytes

# Who keeps a homework among much else checks it all the same: what is near it comes first.
MOST_ENTRIES = 2000
DEPTH = 8
SELFCHECK = Path(__file__).parents[1]  # which stands beside the homework, and is not handed in


@dataclass(frozen=True)
class CheckedFiles:
    """A file that is checked, the files beside it, and the names that its text cells define."""

    main: File
    beside: tuple[File, ...] = ()
    in_text: Mapping[str, TextCell] = field(default_factory=dict)


def read_files(path: Path, source_bytes: int, root: Path) -> CheckedFiles:
    """Read a file, and those below its folder; raise Unreadable where it holds no code.

    Where it lies below `root`, that is what would be handed in, and all files there are beside it.
    """
    # What a link leads to is what would be handed in.
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
            with suppress(OSError):  # one that may not be read
                entries = scan(each)[: max(0, entries_left)]
                entries_left -= len(entries)
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if Path(entry.path) != SELFCHECK:
                            paths.append(Path(entry.path))
                    elif is_gradable(entry.name):
                        yield Path(entry.path)
        folders = paths
