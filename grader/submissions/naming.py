"""Names of students that are unique in a class, and safe as the names of folders."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Sequence

ID_BYTES = 200
ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Files that stand beside the students' folders in results/.
TAKEN = ("grades.csv", "index.html", "similar.html", "students.csv")
GRADEBOOK = "gradebook."  # what the names of a gradebook and its copies and logs begin with


def unique(
    names: Sequence[str], held: Collection[str] = (), others: Iterable[str] = ()
) -> list[str]:
    """Make each name safe and different from all others as `same_folder` compares them.

    The first of a name keeps it, but for one that is `held`, as its student has it already; "-2"
    and so on never displaces a student who is called that, here or among `others`.
    """
    all_safe = [name if name in held else safe(name) for name in names]
    taken = {*TAKEN, *map(same_folder, others), *map(same_folder, all_safe)}
    count = dict.fromkeys(TAKEN, 1) | dict.fromkeys(map(same_folder, held), 1)
    kept: set[str] = set()
    students = []
    for name in all_safe:
        key, student = same_folder(name), name
        if name in held and name not in kept:
            kept.add(name)
            students.append(name)
            continue
        count[key] = count.get(key, 0) + 1
        while count[key] > 1 and same_folder(student) in taken:
            student = f"{name}-{count[key]}"
            count[key] += same_folder(student) in taken
        taken.add(same_folder(student))
        students.append(student)
    return students


def same_folder(name: str) -> str:
    """Return what is the same for names that may be one folder's, on whatever file system.

    Some take no account of capitals, some none of how Unicode writes an accent.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_safe(name: str) -> bool:
    """Tell whether a name may be that of a student's folder in the results."""
    return name == safe(name) and name.casefold() not in TAKEN


def safe(name: str) -> str:
    """Return a name fit for a folder: one line, no separators, not too long, never '.' or ''."""
    text = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no lone surrogates
    visible = "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if char == ZERO_WIDTH_JOINER or unicodedata.category(char) not in INVISIBLE
    )
    whole = visible.replace("/", "_").replace("\\", "_").strip(" .") or "student"
    if whole.casefold().startswith(GRADEBOOK):
        whole = f"_{whole}"
    encoded = whole.encode()
    room = ID_BYTES - len("-10000")  # what `unique` may add
    if len(encoded) > room:
        mark = "-" + hashlib.sha256(encoded).hexdigest()[:8]
        return encoded[: room - len(mark)].decode(errors="ignore").rstrip(" .") + mark
    return whole
