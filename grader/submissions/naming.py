"""Names of students that are unique in a class, and safe as the names of folders."""

import hashlib
import unicodedata
from collections.abc import Iterable

ID_BYTES = 200
ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Files that stand beside the students' folders in results/.
TAKEN = ("grades.csv", "index.html", "similar.html", "students.csv")
GRADEBOOK = "gradebook."  # what the names of a gradebook and its copies and logs begin with


def unique(names: Iterable[str]) -> list[str]:
    """Make each name safe and, whatever the case, different from all others.

    The first of a name keeps it; "-2" and so on never displaces a student who is called that.
    """
    all_safe = [safe(name) for name in names]
    taken = {*TAKEN, *(name.casefold() for name in all_safe)}
    count = dict.fromkeys(TAKEN, 1)
    students = []
    for name in all_safe:
        key, student = name.casefold(), name
        count[key] = count.get(key, 0) + 1
        while count[key] > 1 and student.casefold() in taken:
            student = f"{name}-{count[key]}"
            count[key] += student.casefold() in taken
        taken.add(student.casefold())
        students.append(student)
    return students


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
