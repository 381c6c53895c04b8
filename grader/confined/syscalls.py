"""The system calls of a worker: what Python and torch need, and nothing that leads outside.

A call is judged by whether it reaches anything that outlives the worker, or that it shares with
another worker or the grader. Calls that do several things are allowed depending on arguments.

Unlisted calls fail as if the kernel did not know them (ENOSYS), which libraries expect of a call
newer than the kernel. Calls that student code might try on purpose fail with EPERM, so that the
message is "Operation not permitted".
"""

import contextlib
import errno
import fcntl
import mmap
import os
import socket
import termios
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import seccompy
from seccompy import Action, ArgCmp, CmpOp, Filter

ALLOWED: Final = """
    # Files that are open, and a worker's own: it can open no others to write.
    read write readv writev pread64 pwrite64 preadv pwritev lseek sendfile copy_file_range
    close close_range dup dup2 dup3 fallocate ftruncate truncate
    # Files by path, which Landlock decides; how large one is, and how much room there is, is not
    # secret (see docs/confinement.md).
    open openat openat2 access faccessat faccessat2 stat lstat fstat newfstatat statx statfs fstatfs
    readlink readlinkat getdents getdents64 getcwd chdir fchdir
    # In the worker's own folder, which is gone with it.
    mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 symlink symlinkat link linkat
    umask
    # Waiting for descriptors of its own, and telling itself something by one.
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
    epoll_pwait2 pipe eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime
    # Its own memory.
    brk munmap mprotect mremap
    # Time, and its own timers: one of each kind, so that no quota of the user's is used up.
    nanosleep gettimeofday time times getitimer setitimer alarm
    # What it does with signals that it gets.
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
    pause restart_syscall
    # Its own threads, and their end.
    futex futex_waitv set_robust_list set_tid_address rseq exit exit_group wait4 waitid
    sched_yield getcpu
    # Who it is, and what it may use; of others, only whether a number is in use.
    gettid getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp
    getpgid getsid getrusage getrlimit setrlimit getpriority capget
    sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min
    # The machine: randomness, the kernel's name, memory in all.
    getrandom uname sysinfo
    # What the scorer sends.
    recvfrom
"""

REFUSED: Final = """
    # Sockets, and questions about the one there is: the process at its other end, for one.
    socket socketpair connect bind listen accept accept4 sendmsg recvmsg sendmmsg recvmmsg
    setsockopt getsockopt getsockname getpeername shutdown
    # Locks another process's use of a file that one may only read; record locks do not.
    flock
    # Processes, signals to them, and a look into them.
    fork vfork execve execveat
    kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_getfd pidfd_send_signal
    setsid setpgid setpriority sched_setaffinity sched_setscheduler sched_setparam sched_setattr
    ptrace process_vm_readv process_vm_writev process_madvise kcmp perf_event_open
    # Memory and messages that outlive a process.
    memfd_create memfd_secret shmget shmat shmctl semget semop msgget msgsnd msgrcv mq_open
    keyctl add_key request_key
    # Other ways into the kernel.
    io_uring_setup io_uring_enter io_uring_register bpf userfaultfd seccomp
    # Mounts, namespaces, and files by other means than a path.
    mount umount2 pivot_root chroot unshare setns fsopen fsmount move_mount open_tree
    mount_setattr open_by_handle_at name_to_handle_at
    # What outlives a worker at files that the user who grades owns.
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr mknod mknodat
    # Privileges.
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
    personality
    # News of what others do with files.
    inotify_init inotify_init1 fanotify_init
"""

INT: Final = 0xFFFF_FFFF  # the bits of an argument that the kernel reads as an int


def _is(index: int, value: int) -> ArgCmp:
    """The int at `index` equals `value`."""
    return ArgCmp(index, CmpOp.MASKED_EQ, value, INT)


def _has_only(index: int, bits: int) -> ArgCmp:
    """The int at `index` has no bits other than `bits`."""
    return ArgCmp(index, CmpOp.MASKED_EQ, 0, INT & ~bits)


# Excluded: leases and notices of a file (other workers wait for them, or are watched), owners and
# signals (they reach other processes), sizes of pipes (a quota of the user's), seals.
FCNTL: Final = (
    fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL,
    # Record locks, for SQLite. A lock that excludes others requires a file open for writing.
    fcntl.F_GETLK, fcntl.F_SETLK, fcntl.F_SETLKW,
)  # fmt: skip
# Allowed for F_SETFL: flags that can be changed and only concern the descriptor, and those given to
# open(), which F_GETFL returns. Excluded: O_ASYNC, which sends signals, and O_DIRECT.
with open(os.devnull, "rb") as _null:
    _OF_EVERY_FILE = fcntl.fcntl(_null, fcntl.F_GETFL)  # O_LARGEFILE, which is 0 in Python
FILE_FLAGS: Final = (
    os.O_APPEND | os.O_NONBLOCK | os.O_ACCMODE | os.O_SYNC | os.O_DIRECTORY | os.O_NOFOLLOW
    | os.O_CLOEXEC | os.O_TMPFILE | _OF_EVERY_FILE
)  # fmt: skip
TCGETS2: Final = 0x802C542A  # used by newer C libraries to ask whether something is a terminal
# Questions about a descriptor: is it a terminal and how wide, how much is there to read, does it
# block, is it inherited. Excluded: file attributes, other file-system requests, owners.
IOCTL: Final = (
    termios.TCGETS, TCGETS2, termios.TIOCGWINSZ,
    termios.FIONREAD, termios.FIONBIO, termios.FIOCLEX, termios.FIONCLEX,
)  # fmt: skip
PR_SET_NAME, PR_GET_NAME, PR_SET_VMA, PR_SET_VMA_ANON_NAME = 15, 16, 0x53564D41, 0
# Exactly the flags of pthread_create: CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS,
# PARENT_SETTID and CHILD_CLEARTID.
PTHREAD: Final = 0x003D_0F00
MADV_GUARD_INSTALL, MADV_GUARD_REMOVE = 102, 103  # newer C libraries guard stacks with these
# Advice about its own pages. Excluded: shared pages of files, and merging with others' pages.
MADVISE: Final = (
    mmap.MADV_NORMAL, mmap.MADV_RANDOM, mmap.MADV_SEQUENTIAL, mmap.MADV_WILLNEED,
    mmap.MADV_DONTNEED, mmap.MADV_FREE, mmap.MADV_HUGEPAGE, mmap.MADV_NOHUGEPAGE,
    MADV_GUARD_INSTALL, MADV_GUARD_REMOVE,
)  # fmt: skip
MAP_HUGETLB: Final = 0x40000  # takes pages from a pool that the whole machine shares
# Parts of the processor's state that a process may use: oneDNN and MKL ask for AMX.
ARCH_XCOMP: Final = (0x1021, 0x1022, 0x1023)
LAST_CLOCK: Final = 11  # CLOCK_TAI; a higher number is another process's clock
MS_ASYNC, MS_INVALIDATE = 1, 2

_OWN_CLOCK: Final = [[ArgCmp(0, CmpOp.LE, LAST_CLOCK)]]
# For each call, alternative lists of conditions; it is allowed if all conditions of one list hold.
PARTLY: Final[Mapping[str, Sequence[Sequence[ArgCmp]]]] = {
    "fcntl": [
        *([_is(1, command)] for command in FCNTL),
        [_is(1, fcntl.F_SETFL), _has_only(2, FILE_FLAGS)],
    ],
    "ioctl": [[_is(1, command)] for command in IOCTL],
    # Names of threads and of memory. Excluded, for one, is the signal when the zygote dies.
    "prctl": [
        [_is(0, PR_SET_NAME)],
        [_is(0, PR_GET_NAME)],
        [_is(0, PR_SET_VMA), _is(1, PR_SET_VMA_ANON_NAME)],
    ],
    "arch_prctl": [[_is(0, command)] for command in ARCH_XCOMP],
    "clone": [[ArgCmp(0, CmpOp.EQ, PTHREAD)]],
    "madvise": [[_is(2, advice)] for advice in MADVISE],
    "mmap": [[ArgCmp(3, CmpOp.MASKED_EQ, 0, MAP_HUGETLB)]],
    # Asks whether memory is resident. Writing it to disk is answered without effect: see ANSWERED.
    "msync": [[_has_only(2, MS_ASYNC | MS_INVALIDATE)]],
    # Its own limits only; a lowered limit cannot be raised again.
    "prlimit64": [[_is(0, 0)]],
    "clock_gettime": _OWN_CLOCK,
    "clock_getres": _OWN_CLOCK,
    "clock_nanosleep": _OWN_CLOCK,
    # Excludes O_NOTIFICATION_PIPE, through which the kernel sends notifications.
    "pipe2": [[_has_only(1, os.O_CLOEXEC | os.O_NONBLOCK)]],
    # To the scorer, in the way it expects: no out-of-band message.
    "sendto": [[_has_only(3, socket.MSG_NOSIGNAL), ArgCmp(4, CmpOp.EQ, 0)]],
}
# These succeed without effect. A worker writes to memory only, so they would only reach what others
# share: the disk, and cached file content.
ANSWERED: Final = ("fsync", "fdatasync", "msync", "fadvise64")


def build_filter() -> Filter:
    """Compile the filter for workers to load; OSError if the machine has no seccomp."""
    if not seccompy.supported():
        raise OSError(errno.ENOSYS, "this kernel has no seccomp")
    filter_ = Filter(default=Action.ERRNO | errno.ENOSYS)
    for name in names_in(ALLOWED):
        filter_.allow(name)
    for name in names_in(" ".join(PARTLY)):
        for conditions in PARTLY[name]:
            filter_.allow(name, args=conditions)
        filter_.errno(name, 0 if name in ANSWERED else errno.EPERM)
    for name in names_in(" ".join({*ANSWERED} - PARTLY.keys())):
        filter_.errno(name, 0)
    filter_.allow("tgkill")  # to its own threads only: see build_own_signals
    # The flags of clone3 lie in memory, where a filter cannot look; libc falls back to clone.
    filter_.errno("clone3", errno.ENOSYS)
    for name in names_in(REFUSED):
        filter_.errno(name, errno.EPERM)
    filter_.program  # noqa: B018  # compiled here, once, and not in every worker
    return filter_


def build_own_signals(pid: int) -> Filter:
    """Compile a filter that lets the worker `pid` signal only itself.

    abort() and raise() use tgkill. Landlock stops signals to others too, but only since Linux 6.12.
    """
    filter_ = Filter(default=Action.ALLOW)
    filter_.allow("tgkill", args=[_is(0, pid)])
    filter_.errno("tgkill", errno.EPERM)
    return filter_


def names_in(table: str) -> Iterator[str]:
    """Yield the calls, except those that this processor does not have (open, on ARM)."""
    for line in table.splitlines():
        for name in line.partition("#")[0].split():
            with contextlib.suppress(ValueError):
                seccompy.syscall_nr(name)
                yield name
