"""Build a class with every fault a file or an archive can have; expected.csv is its table.

A student is called what the fault is. Whoever has an honest file in reach earns what it earns.
"""

import io
import os
import stat
import zipfile
from pathlib import Path

from zips import link, named, overlapping, patched, zipped

HONEST = (Path(__file__).parent / "parts" / "honest.py").read_bytes()
SOLUTION = Path(__file__).parents[2] / "solution" / "homework.py"
DRAFT = b"def forward(x, params):\n    raise NotImplementedError('TODO 1')\n"
ZERO = os.makedev(1, 5)
# What a user other than root meets; root may read any file, and gets the points in the table.
AS_USER = {"unreadable_permissions": "unreadable"}


def build(folder: Path) -> None:
    """Make the class in an empty folder. Only root may make a device: without, there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    _files(folder)
    _names(folder)
    _archives(folder)
    _texts(folder)


def _put(path: Path, content: bytes = HONEST) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _inner(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def _files(folder: Path) -> None:
    (folder / "symlink.py").symlink_to(SOLUTION)
    (folder / "symlinked_folder").symlink_to(SOLUTION.parent)
    (folder / "dangling_symlink.py").symlink_to("nowhere.py")
    # A hard link is a file like any other: there is nothing to tell it by.
    os.link(_put(folder / ".hidden.py"), folder / "hard_link.py")
    os.mkfifo(folder / "fifo.py")
    if os.geteuid() == 0:
        os.mknod(folder / "device.py", stat.S_IFCHR | 0o666, ZERO)
    (folder / "directory_named_homework" / "homework.py").mkdir(parents=True)
    _put(folder / "empty.py", b"")
    _put(folder / "crlf.py", HONEST.replace(b"\n", b"\r\n"))
    _put(folder / "two_candidates" / "first_try.py", DRAFT)
    _put(folder / "two_candidates" / "final.py")
    _put(folder / "wrong_name" / "hw4_v2 (final).py")
    _put(folder / "unreadable_permissions.py").chmod(0)
    _put(folder / "no_submission" / "report.pdf", b"%PDF-1.7")
    _put(folder / "macosx_and_ds_store" / "homework.py")
    for junk in ("._homework.py", ".DS_Store", "__MACOSX/._homework.py"):
        _put(folder / "macosx_and_ds_store" / junk, b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(70))


def _names(folder: Path) -> None:
    _put(folder / "names with spaces" / "my  home work .py")
    _put(folder / "emoji" / "\U0001f600\U0001f469\u200d\U0001f52c.py")
    _put(folder / "right_to_left_marks" / "\u202eyp.krowemoh\u200f\u2066.py")
    _put(folder / "names_of_255_bytes" / f"{chr(0x738B) * 84}.py")
    for name in ("=1+1", "\uff20SUM(A1)", "a;=1+1"):
        _put(folder / f"{name}.py")
    named(
        folder / "cjk_in_gbk_encoded_zip.zip",
        "\u5f20\u4f1f/\u7b2c\u56db\u6b21\u4f5c\u4e1a.py".encode("gbk"),
        data=HONEST,
    )


def _archives(folder: Path) -> None:
    def zip_of(student: str, *entries: tuple[object, bytes]) -> Path:
        return zipped(folder / f"{student}.zip", entries)

    zip_of("zip", ("homework.py", HONEST))
    zip_of("zip_of_a_folder", ("hw4/", b""), ("hw4/homework.py", HONEST), ("hw4/data.csv", b"1"))
    zip_of("zip_made_on_a_mac", ("hw/homework.py", HONEST), ("__MACOSX/hw/._homework.py", b"\0"))
    zip_of("zip_made_on_windows", ("hw4\\homework.py", HONEST))
    zip_of("zip_in_zip", ("homework.zip", _inner("homework.py", HONEST)))
    deepest = _inner("b.zip", _inner("homework.py", HONEST))
    zip_of("nested_zip", ("a.zip", deepest))
    overlapping(folder / "zip_bomb.zip", bytes(60 * 2**20), 1000)
    zip_of("zip_of_large_files", *((f"{n}.py", bytes(60 * 2**20)) for n in range(4)))
    zip_of("zip_slip", ("homework.py", HONEST), ("../../../zip_slip.py", b"evil = 1\n"))
    zip_of("zip_slip_alone", ("..\\..\\zip_slip_alone.py", HONEST))
    zip_of("absolute_path_in_zip", (f"{folder.resolve()}/written_by_a_zip.py", HONEST))
    zip_of("symlink_in_zip", link("homework.py", str(SOLUTION)))
    zip_of("folder_link_in_zip", link("hw", str(folder)), ("hw/written_by_a_zip.py", b"evil = 1\n"))
    patched(zip_of("encrypted_zip", ("homework.py", HONEST)), flags=1)
    patched(zip_of("lying_sizes_in_zip", ("homework.py", HONEST)), size=2**31)
    patched(zip_of("damaged_zip", ("homework.py", HONEST)), crc=0xBAD)
    whole = _inner("homework.py", HONEST)
    _put(folder / "truncated_zip.zip", whole[: len(whole) // 2])
    _put(folder / "rar_named_zip.zip", b"Rar!\x1a\x07\x01\0" + HONEST)
    _put(folder / "py_named_zip.zip")


def _texts(folder: Path) -> None:
    """Make what is small, or becomes so in an archive, and large for whoever reads it."""
    made = {
        "carriage_returns": b"\r" * 40_000_000,
        "items_by_millions": b"x = [" + b"1," * 15_000_000 + b"]\n",
        "statements_by_millions": b"x=1;" * 6_000_000 + b"\n",
    }
    for student, text in made.items():
        path = folder / f"{student}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr("homework.py", HONEST + text)
    deep = b"(" * 400_000 + b"1" + b")" * 400_000
    _put(folder / "deep_parentheses.py", HONEST + b"x = " + deep + b"\n")
