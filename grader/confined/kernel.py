"""Kernel features that Python 3.11's os module does not offer: mounts and privileges.

Every function raises OSError if the kernel refuses.
"""

import ctypes
import os
import resource
import signal
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

# From the kernel's headers.
CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_BIND: Final = 4096
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18
MADV_COLLAPSE: Final = 25
HUGE_PAGE: Final = 2 << 20
PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38
LINUX_CAPABILITY_VERSION_3: Final = 0x20080522


class LimitTooLow(Exception):
    """A hard limit from outside leaves a process less than it needs; says which, and how much."""


_libc = ctypes.CDLL(None, use_errno=True)
_libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def own_mounts() -> None:
    """Give this process its own mounts, invisible to other processes. Needs root."""
    _check(_libc.unshare(CLONE_NEWNS))
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def own_mounts_as_user() -> None:
    """Do the same through a user namespace in which the user and group stay the same."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(text)


def mount_memory(target: Path, options: str) -> None:
    """Mount an empty file system in memory from which nothing can be executed."""
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    _check(_libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", flags, options.encode()))


def make_reachable(paths: Iterable[Path]) -> None:
    """Make `paths` reachable for every user, in the mounts of this process only.

    If a folder above is closed to other users (such as /root, with a Python of root's own), an
    empty file system is mounted over it that holds only `paths`.
    """
    closed_folders = {path: folder for path in paths if (folder := _closed_above(path))}
    descriptors = {path: os.open(path, os.O_PATH) for path in closed_folders}
    for folder in sorted(set(closed_folders.values())):
        mount_memory(folder, "mode=755,size=64k")
    for path, descriptor in descriptors.items():
        path.mkdir(parents=True, exist_ok=True)
        source = f"/proc/self/fd/{descriptor}".encode()
        _check(_libc.mount(source, os.fsencode(path), None, MS_BIND | MS_REC, None))
        os.close(descriptor)


def _closed_above(path: Path) -> Path | None:
    """Return the topmost folder above `path` that other users cannot pass through."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def become(uid: int) -> None:
    """Become this user and group for good, in no other group. Needs root."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def drop_capabilities() -> None:
    """Drop all capabilities, and prevent gaining any by executing a program."""
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, none))
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def mapped_bytes() -> int:
    """Return the size in bytes of this process's address space, including shared libraries."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def set_limit(
    number: int, value: int, least: int, name: str, unit: str = "", beyond: int = 0
) -> None:
    """Set a resource limit known as `name`; the hard limit is `beyond` above the soft one.

    An existing lower hard limit is used instead, since a process cannot raise it. Raises
    LimitTooLow if that leaves less than `least`, or less than `value` if `value` is smaller.
    """
    _, hard = resource.getrlimit(number)
    least = min(least, value)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard - beyond)
    if value < least:
        has, needs = f"{hard:,} {unit}".strip(), f"{least + beyond:,} {unit}".strip()
        raise LimitTooLow(f"{name}: the hard limit is {has}, and {needs} are needed")
    resource.setrlimit(number, (value, value + beyond))


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Get a signal when the parent dies. A change of user clears this, so call it afterwards."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0))


def use_huge_pages() -> None:
    """Move this process's own memory into huge pages, if the kernel can (Linux 6.1).

    A fork copies one table entry per page, and a child's exit goes through them again: with 2 MB
    pages both take a quarter of the time. Pages that a child writes to are still copied in 4 kB.
    """
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, access, _, _, inode, *name = line.split()
        if access != "rw-p" or inode != "0" or name not in ([], ["[heap]"]):
            continue
        start, end = (int(address, 16) for address in span.split("-"))
        for page in range(-(-start // HUGE_PAGE) * HUGE_PAGE, end - HUGE_PAGE + 1, HUGE_PAGE):
            _libc.madvise(page, HUGE_PAGE, MADV_COLLAPSE)  # if it fails, the page stays as it is
