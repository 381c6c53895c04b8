"""Make students' names unique in a class, and safe as folder names."""

import hashlib
import unicodedata
from collections.abc import Collection, Iterable, Sequence

ID_BYTES = 200
ZERO_WIDTH_JOINER = "\u200d"  # part of many emoji
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Files beside the students' folders in results/.
TAKEN = ("grades.csv", "index.html", "similar.html", "students.csv")
GRADEBOOK = "gradebook."  # how names of a gradebook and its copies and logs begin


def unique(
    names: Sequence[str], students_names: Collection[str] = (), others: Iterable[str] = ()
) -> list[str]:
    """Make each name safe, and different from all others as `same_folder` compares them.

    The first student with a name keeps it, unless it is one of `students_names`, whose student
    already has it. A name with "-2" and so on never displaces a student who is called that, here or
    among `others`.
    """
    all_safe = [name if name in students_names else safe(name) for name in names]
    used_folders = {*TAKEN, *map(same_folder, others), *map(same_folder, all_safe)}
    count = dict.fromkeys(TAKEN, 1) | dict.fromkeys(map(same_folder, students_names), 1)
    placed_names: set[str] = set()
    students = []
    for name in all_safe:
        key, student = same_folder(name), name
        if name in students_names and name not in placed_names:
            placed_names.add(name)
            students.append(name)
            continue
        count[key] = count.get(key, 0) + 1
        while count[key] > 1 and same_folder(student) in used_folders:
            student = f"{name}-{count[key]}"
            count[key] += same_folder(student) in used_folders
        used_folders.add(same_folder(student))
        students.append(student)
    return students


def same_folder(name: str) -> str:
    """Return a key that is equal for names that could be the same folder on some file system.

    Some ignore case, and some ignore how Unicode encodes an accent.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def is_safe(name: str) -> bool:
    """Tell whether a name may be a student's folder in the results."""
    return name == safe(name) and name.casefold() not in TAKEN


def safe(name: str) -> str:
    """Return a name fit for a folder: one line, no separators, not too long, never '.' or ''."""
    text = name.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # no lone surrogates
    visible = "".join(
        char
        for char in unicodedata.normalize("NFC", text)
        if char == ZERO_WIDTH_JOINER or unicodedata.category(char) not in INVISIBLE
    )
    folder_name = visible.replace("/", "_").replace("\\", "_").strip(" .") or "student"
    if folder_name.casefold().startswith(GRADEBOOK):
        folder_name = f"_{folder_name}"
    bytes_ = folder_name.encode()
    room = ID_BYTES - len("-10000")  # for a suffix from `unique`
    if len(bytes_) > room:
        mark = "-" + hashlib.sha256(bytes_).hexdigest()[:8]
        return bytes_[: room - len(mark)].decode(errors="ignore").rstrip(" .") + mark
    return folder_name
