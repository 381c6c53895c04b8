"""The system calls of a worker: what Python and torch need, and nothing that leads outside.

Whatever is not listed fails as if the kernel had never heard of it (ENOSYS), which is what a
library expects of a call that is newer than the kernel. What student code might try on purpose is
refused with EPERM, so that it reads "Operation not permitted".
"""

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

import seccompy
from seccompy import Action, ArgCmp, CmpOp, Filter

ALLOWED: Final = """
    read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek
    open openat openat2 close close_range access faccessat faccessat2
    stat lstat fstat newfstatat statx statfs fstatfs readlink readlinkat getdents getdents64
    getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2
    symlink symlinkat link linkat truncate ftruncate fallocate fsync fdatasync sync_file_range
    flock dup dup2 dup3 pipe pipe2 umask copy_file_range sendfile fadvise64
    poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
    epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime
    brk mmap munmap mprotect mremap madvise mincore msync membarrier mlock munlock
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times
    getitimer setitimer alarm timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
    pause restart_syscall
    futex futex_waitv set_robust_list get_robust_list set_tid_address rseq arch_prctl
    exit exit_group wait4 waitid gettid getpid getppid getuid geteuid getgid getegid getresuid
    getresgid getgroups getpgrp getpgid getsid getrusage getrlimit setrlimit getpriority capget
    sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max
    sched_get_priority_min getcpu getrandom uname sysinfo
    sendto recvfrom getsockopt getsockname getpeername shutdown
"""

REFUSED: Final = """
    socket socketpair connect bind listen accept accept4 sendmsg recvmsg sendmmsg recvmmsg
    setsockopt
    fork vfork execve execveat
    kill tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_getfd pidfd_send_signal
    setsid setpgid setpriority sched_setaffinity sched_setscheduler sched_setparam sched_setattr
    ptrace process_vm_readv process_vm_writev process_madvise kcmp perf_event_open
    memfd_create memfd_secret shmget shmat shmctl semget semop msgget msgsnd msgrcv mq_open
    io_uring_setup io_uring_enter io_uring_register bpf userfaultfd seccomp
    keyctl add_key request_key
    mount umount2 pivot_root chroot unshare setns fsopen fsmount move_mount open_tree
    mount_setattr open_by_handle_at name_to_handle_at
    chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr mknod mknodat
    setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset
    personality inotify_init inotify_init1 fanotify_init
"""

CLONE_THREAD: Final = 0x00010000
# Of prctl, naming: threads (PR_SET_NAME, PR_GET_NAME) and memory (PR_SET_VMA). Not, for one, the
# signal that a worker gets when its zygote dies.
PRCTL_ALLOWED: Final = (15, 16, 0x53564D41)
# Commands that let a file's input or output signal another process: F_SETOWN, F_SETSIG and
# F_SETOWN_EX of fcntl, FIOSETOWN and SIOCSPGRP of ioctl.
SIGNALLING: Final = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}
INT: Final = 0xFFFF_FFFF  # the bits of an argument that the kernel reads as an int


def build_filter() -> Filter:
    """Compile the filter, to be loaded by a worker; OSError where the machine has no seccomp."""
    if not seccompy.supported():
        raise OSError(errno.ENOSYS, "this kernel has no seccomp")
    built = Filter(default=Action.ERRNO | errno.ENOSYS)
    for name in _known(ALLOWED):
        built.allow(name)
    for option in PRCTL_ALLOWED:
        built.allow("prctl", args={0: option})
    for name, commands in SIGNALLING.items():
        for command in commands:
            built.errno(name, errno.EPERM, args=[ArgCmp(1, CmpOp.MASKED_EQ, command, INT)])
        built.allow(name)
    built.allow("tgkill")  # of its own threads: see build_own_signals
    # Its own limits only; a limit once lowered cannot be raised again.
    built.allow("prlimit64", args={0: 0})
    built.allow("clone", args=[ArgCmp(0, CmpOp.MASKED_EQ, CLONE_THREAD, CLONE_THREAD)])
    # The flags of clone3 lie in memory, where a filter cannot look: libc falls back to clone.
    built.errno("clone3", errno.ENOSYS)
    for name in (*_known(REFUSED), "clone", "prctl", "prlimit64"):
        built.errno(name, errno.EPERM)
    built.program  # noqa: B018  # compiled here, once, and not in every worker
    return built


def build_own_signals(pid: int) -> Filter:
    """Compile a filter for the worker `pid`, by which it signals nobody but itself.

    abort() and raise() are tgkill. Landlock stops signals to others too, but only since Linux 6.12.
    """
    built = Filter(default=Action.ALLOW)
    built.allow("tgkill", args=[ArgCmp(0, CmpOp.MASKED_EQ, pid, INT)])
    built.errno("tgkill", errno.EPERM)
    return built


def _known(names: str) -> Iterator[str]:
    """Yield the calls, but for those that this processor does not have (open, on ARM)."""
    for name in names.split():
        with contextlib.suppress(ValueError):
            seccompy.syscall_nr(name)
            yield name
