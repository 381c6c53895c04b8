"""Confinement of a worker by the kernel: prepared once by the zygote, entered by each worker.

No container or privilege is needed. A layer that this machine cannot provide is left out, and the
worker reports the reason; the grader decides whether to go on without it.
"""

import contextlib
import errno
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Final

import landlockpy
from landlockpy import AccessFS, RestrictFlag, Ruleset, Scope
from seccompy import Filter

from grader.confined import kernel
from grader.confined.devices import NO_GPU
from grader.confined.limits import Limits
from grader.confined.readable import GRADER, python_paths, readable_paths, without_grader
from grader.confined.syscalls import build_filter, build_own_signals
from grader.confined.temporary import SHARED_MEMORY

# In the order in which a worker enters them.
LAYERS: Final = (
    "session",  # own session, processor, environment, descriptors; dies with its zygote
    "folder",  # a small file system in memory, the only place to write
    "uid",  # a user who is not root and owns nothing
    "rlimits",  # CPU time, memory, threads, files
    "capabilities",  # none, and none can be gained
    "landlock.files",  # read access to Python and the system's libraries only
    "landlock.tcp",
    "landlock.scope",  # no signals and no abstract sockets to outside processes
    "seccomp",  # no sockets, no processes, no way to ask for more
)
# What each Landlock layer needs: the ABI version, and the Linux release that introduced it.
LANDLOCK: Final = {
    "landlock.files": (3, "6.2"),
    "landlock.tcp": (4, "6.7"),
    "landlock.scope": (6, "6.12"),
}
# Each worker gets its own user id, so that workers cannot touch each other. Nobody else has these.
FIRST_UID: Final = 2_000_000_000
NOBODY: Final = 65_534
USER: Final = "student"
NOT_ROOT: Final = "the grader is not run by root, so a worker is the user who runs it"

READ: Final = AccessFS.READ_FILE | AccessFS.READ_DIR
FLAT: Final = (
    READ | AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.MAKE_REG | AccessFS.REMOVE_FILE
)
OWN: Final = FLAT | AccessFS.REFER | AccessFS.MAKE_DIR | AccessFS.MAKE_SYM | AccessFS.REMOVE_DIR
# A container has little shared memory, 64 MB as a rule; elsewhere it is half of the machine's.
LITTLE: Final = 256 << 20

STACK_BYTES: Final = 8 << 20  # of the main thread, and of each other one: see zygote.prepare
# A hard limit from outside that is lower than the rubric's is used, down to these. They are twice
# to 16 times what the sample class needs: 16 open files, a thread, files of 64 kB, 128 kB of stack.
LEAST_OPEN_FILES: Final = 32
LEAST_THREADS: Final = 16
LEAST_FILE_BYTES: Final = 1 << 20
LEAST_STACK_BYTES: Final = 2 << 20
TIME: Final = "processor time (ulimit -t)"
MEMORY: Final = "memory (ulimit {}; memory_bytes in the rubric)"


def place_for_base() -> Path | None:
    """Return the folder to create `base` in; None for the usual place.

    In a container where a worker cannot have its own file system, this still bounds the content of
    `base`: see Confinement.has_plain_folders.
    """
    try:
        room = os.statvfs(SHARED_MEMORY)
    except OSError:
        return None
    small = room.f_blocks * room.f_frsize <= LITTLE
    return SHARED_MEMORY if small and os.access(SHARED_MEMORY, os.W_OK) else None


class Confinement:
    """Shared by all workers of a zygote: a mount point, a Landlock ruleset, a seccomp filter."""

    def __init__(self, base: Path) -> None:
        """Create the mount point in `base`, an empty folder that belongs to the run."""
        self.missing: dict[str, str] = {}
        self._base = base
        self.folder = base / "work"
        self.folder.mkdir()
        self._parent = os.open(self._base.parent, os.O_PATH | os.O_DIRECTORY)
        self.has_plain_folders = False
        """Whether a worker that cannot have its own file system gets a folder: see prepare."""
        self._ruleset: Ruleset | None = None
        self._filter: Filter | None = None

    def prepare(self) -> None:
        """Find out which layers are available, and create what all workers share.

        The zygote itself stays unconfined, but as root it gets its own mounts, in which root's
        folders are hidden. So import anything that comes from there first.
        """
        # Nobody can write here, not even the owner: a worker writes in what it mounts on top.
        self.folder.chmod(0o555)
        self._base.chmod(0o111)
        is_in_memory = self._base.parent == SHARED_MEMORY
        if os.geteuid() == 0:
            self._try("folder", kernel.own_mounts)
            self._try("uid", self._make_python_reachable)
        elif is_in_memory:
            self._try("folder", self._rehearse_mount)
        try:
            self._build_ruleset()
        except OSError as error:  # a container's seccomp filter may be older than Landlock
            self._lack_landlock(error)
        if is_in_memory and "folder" in self.missing and "landlock.files" not in self.missing:
            # Each worker has its own folder in `base`; together they can fill at most 64 MB.
            self.has_plain_folders = True
            self._base.chmod(0o711)
        self._try("seccomp", self._build_filter)

    def close(self) -> None:
        """Remove `base` through its parent, since `base` may be hidden by now.

        If its maker has died, another process may have removed it as abandoned.
        """
        with contextlib.suppress(FileNotFoundError):
            os.chmod(self._base.name, 0o700, dir_fd=self._parent)
        shutil.rmtree(self._base.name, ignore_errors=True, dir_fd=self._parent)

    def clear(self, pid: int) -> None:
        """Remove the files that a finished worker left."""
        if self.has_plain_folders:
            shutil.rmtree(self._base / str(pid), ignore_errors=True)

    def enter(self, limits: Limits, cpu: int | None, channel: int) -> None:
        """Confine this process for the rest of its life; `missing` then has the layers left out.

        Called once in a freshly forked worker, before any student code runs. The worker keeps its
        standard input and output and the descriptor `channel`, and runs on processor `cpu`.
        """
        os.setsid()
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        # If memory runs out, the kernel should kill a worker first, never the grader.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        self._try("folder", lambda: self._mount_folder(limits))
        if self.has_plain_folders:
            self._make_plain_folder()
        self._try("uid", self._change_user)
        self._set_rlimits(limits)
        self._try("capabilities", kernel.drop_capabilities)
        kernel.die_with_parent()
        os.chdir(self.folder)
        os.environ.clear()
        folder = str(self.folder)
        # Set explicitly: the worker's user has no entry in /etc/passwd.
        os.environ.update(HOME=folder, TMPDIR=folder, USER=USER, LOGNAME=USER, **NO_GPU)
        tempfile.tempdir = None  # recomputed from TMPDIR
        self._enter_landlock()
        os.closerange(3, channel)
        os.closerange(channel + 1, 1 << 20)
        self._try("seccomp", self._load_filter)

    def _try(self, layer: str, make: Callable[[], object]) -> None:
        """Create a layer, or note why it is missing. A layer already missing is not tried again."""
        if layer not in self.missing:
            try:
                make()
            except OSError as error:
                self.missing[layer] = error.strerror or str(error)

    # Folder and user

    def _mount_folder(self, limits: Limits) -> None:
        if os.geteuid() == 0:
            kernel.own_mounts()
        else:
            kernel.own_mounts_as_user()
        size = f"mode=777,size={limits.folder_bytes},nr_inodes={limits.folder_files}"
        kernel.mount_memory(self.folder, size)

    def _rehearse_mount(self) -> None:
        """Do in a child process what each worker will do; raise the OSError that it raises."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                kernel.own_mounts_as_user()
                kernel.mount_memory(self.folder, "size=4k")
                code = 0
            except OSError as error:
                code = error.errno or code
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code != 0:
            raise OSError(code, os.strerror(code))

    def _make_plain_folder(self) -> None:
        """Give this worker a folder of its own to write in; it cannot see into the others'.

        It holds files only, since folders could be nested deeper than a clean-up can follow.
        """
        self.folder = self._base / str(os.getpid())
        self.folder.mkdir()
        self.folder.chmod(0o777)  # for the user that this process becomes
        self._build_ruleset()

    def _make_python_reachable(self) -> None:
        """Make sure that another user can import further modules; raise OSError if not."""
        folders = [self._base, *filter(Path.is_dir, {*python_paths(), *readable_paths()})]
        if _reachable_by(NOBODY, folders):
            return
        if "folder" not in self.missing:
            kernel.make_reachable(folders)
        if not _reachable_by(NOBODY, folders):
            raise OSError(errno.EACCES, f"other users cannot read {sys.base_prefix}")

    def _change_user(self) -> None:
        if os.geteuid() != 0:
            raise OSError(errno.EPERM, NOT_ROOT)
        try:
            kernel.become(FIRST_UID + os.getpid())
        except OSError:  # a container may know only 65,536 users
            kernel.become(NOBODY)

    # Limits

    def _set_rlimits(self, limits: Limits) -> None:
        """Set them; raise LimitTooLow if hard limits leave a worker less than it needs.

        Time and memory decide marks, so they must not be lower on one machine than in the rubric.
        """
        seconds, memory = ceil(limits.total_seconds), kernel.mapped_bytes() + limits.memory_bytes
        files, size, threads = limits.open_files, limits.file_bytes, limits.threads
        set_limit = kernel.set_limit
        # The soft limit sends SIGXCPU, which tells the grader why; the hard one sends SIGKILL.
        set_limit(resource.RLIMIT_CPU, seconds, seconds, TIME, "seconds", beyond=1)
        set_limit(resource.RLIMIT_AS, memory, memory, MEMORY.format("-v"), "bytes")
        set_limit(resource.RLIMIT_DATA, memory, memory, MEMORY.format("-d"), "bytes")
        set_limit(
            resource.RLIMIT_FSIZE, size, LEAST_FILE_BYTES, "size of a file (ulimit -f)", "bytes"
        )
        set_limit(resource.RLIMIT_NOFILE, files, LEAST_OPEN_FILES, "open files (ulimit -n)")
        set_limit(
            resource.RLIMIT_STACK, STACK_BYTES, LEAST_STACK_BYTES, "stack (ulimit -s)", "bytes"
        )
        set_limit(resource.RLIMIT_CORE, 0, 0, "core dumps")
        if self._counts_own_threads():
            # Other processes of the same user use up part of a limit from outside.
            least = LEAST_THREADS if os.geteuid() >= FIRST_UID else threads
            set_limit(resource.RLIMIT_NPROC, threads, least, "processes (ulimit -u)")

    def _counts_own_threads(self) -> bool:
        """Whether the kernel counts this worker's threads separately.

        It counts by user and namespace, so one of the two must be the worker's own. Otherwise the
        memory limit also limits threads, since each has a stack.
        """
        return os.geteuid() >= FIRST_UID or "folder" not in self.missing

    # Landlock and seccomp

    def _build_ruleset(self) -> None:
        abi = landlockpy.abi_version()
        for layer, (version, linux) in LANDLOCK.items():
            if abi < version:
                has = f"this one has {abi}" if abi else "this one has none"
                self.missing[layer] = f"needs Landlock {version} (Linux {linux}), {has}"
        if abi == 0:
            return
        self._ruleset = Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET)
        for path, access in self._readable():
            self._ruleset.allow_path(path, access)

    def _readable(self) -> Iterator[tuple[Path, AccessFS]]:
        # For a mount, Landlock checks the rule of the folder above.
        yield (self.folder, FLAT) if self.has_plain_folders else (self._base, OWN)
        yield Path(os.devnull), AccessFS.READ_FILE | AccessFS.WRITE_FILE
        for path in readable_paths():
            for part in without_grader(path):
                yield part, READ if part.is_dir() else AccessFS.READ_FILE
            # Importing lists folders; listing alone gives nothing away.
            if path in GRADER.parents:
                yield path, AccessFS.READ_DIR

    def _enter_landlock(self) -> None:
        if self._ruleset is None:
            return
        try:
            # Denials of student code need no entry in the system's log.
            self._ruleset.restrict(RestrictFlag.LOG_SAME_EXEC_OFF)
        except OSError as error:
            self._lack_landlock(error)
        self._ruleset.close()  # now, lest its finalizer close a descriptor of the student's

    def _lack_landlock(self, error: OSError) -> None:
        self.missing.update(dict.fromkeys(LANDLOCK, error.strerror or str(error)))

    def _build_filter(self) -> None:
        self._filter = build_filter()

    def _load_filter(self) -> None:
        if self._filter:
            build_own_signals(os.getpid()).load()
            self._filter.load()


def _reachable_by(uid: int, paths: list[Path]) -> bool:
    """Whether a user can pass through `paths` and read modules, tested in a child process."""
    files = [os.__file__, landlockpy.__file__]  # one of the standard library's, one of a package
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            kernel.become(uid)
            reachable = all(os.access(path, os.X_OK) for path in paths)
            status = 0 if reachable and all(os.access(file, os.R_OK) for file in files) else 1
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0
