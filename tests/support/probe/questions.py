"""Questions to a worker about the world around it, and the expected answers.

There are a few kinds of answers. `REFUSED`: the kernel says no. `NOTHING`: there is no such thing.
`DONE`: it is allowed, but affects nobody else. A visible part of the machine is a pattern, with an
explanation: the table in docs/confinement.md is made from these.
"""

import re
from typing import NamedTuple

REFUSED = "refused"
NOTHING = "nothing there"
EITHER = "refused, or nothing there"
# Errors by which a system call refuses, and those for a missing thing.
OF_REFUSAL = {"EPERM", "EACCES", "ENOSYS", "EROFS"}
OF_NOTHING = {"ENOENT", "ESRCH", "ENXIO", "ENODEV", "ENOTDIR", "ECHILD", "ModuleNotFoundError"}


class Question(NamedTuple):
    """`code` is an expression that uses prelude.py; `seen` explains a visible answer."""

    area: str
    text: str
    code: str
    expected: str = REFUSED
    seen: str = ""

    def is_answered_by(self, answer: str) -> bool:
        """Tell whether this is an expected answer."""
        match self.expected:
            case "refused":
                return answer in OF_REFUSAL
            case "nothing there":
                return answer in OF_NOTHING
            case "refused, or nothing there":
                return answer in OF_REFUSAL | OF_NOTHING
        return re.fullmatch(self.expected, answer, re.DOTALL) is not None


def _of(area: str, *rows: tuple[str, ...]) -> list[Question]:
    return [Question(area, *row) for row in rows]


def _fact(name: str, below: str = "") -> str:
    return f"FACTS[{name!r}] + {below!r}" if below else f"FACTS[{name!r}]"


def _read(*pairs: tuple[str, str], expected: str = REFUSED) -> list[tuple[str, ...]]:
    return [(f"read {text}", f"read({path})", expected) for text, path in pairs]


def _list(*pairs: tuple[str, str], expected: str = REFUSED) -> list[tuple[str, ...]]:
    return [(f"list {text}", f"os.listdir({path})", expected) for text, path in pairs]


def _paths(*paths: str) -> list[tuple[str, str]]:
    return [(f"`{path}`", repr(path)) for path in paths]


CLASS = _of(
    "the course",
    *_read(
        ("another student's file", _fact("course", "/class/ada.py")),
        ("a result", _fact("course", "/results/ada/result.json")),
        ("the gradebook", _fact("course", "/results/gradebook.db")),
        ("the rubric of the course", _fact("course", "/rubric.toml")),
        ("the table of students", _fact("course", "/students.csv")),
        ("the solution of the course", _fact("course", "/solution/homework.py")),
        ("the grader's own solution", _fact("repository", "/solution/homework.py")),
        ("the package's rubric", _fact("grader", "/homework/rubric.toml")),
        ("the reference", _fact("grader", "/homework/reference.py")),
        ("the mutants", _fact("grader", "/homework/material/mutants.toml.j2")),
        ("the misconceptions", _fact("grader", "/homework/misconceptions/catalogue.py")),
        ("the code that confines it", _fact("grader", "/confined/confinement.py")),
    ),
    *_list(
        ("the class", _fact("course", "/class")),
        ("the results", _fact("course", "/results")),
        ("the folder of the course", _fact("course")),
        ("the repository", _fact("repository")),
        ("the grader's package", _fact("grader")),
    ),
    ("import the rubric", "loads('grader.rubric')", EITHER),
    ("import the reference", "loads('grader.homework.reference')", EITHER),
    ("read another student's file by a link", "os.symlink(FACTS['course'] + '/class/ada.py', 'a') "
     "or read('a')"),
    ("make a hard link to the gradebook", "os.link(FACTS['course'] + '/results/gradebook.db', 'b')",
     "EPERM|EACCES|EXDEV"),
    ("write into the class", "write(FACTS['course'] + '/class/eve.py')"),
    ("change a result", "write(FACTS['course'] + '/results/ada/result.json', 'r+')"),
    ("remove a result", "os.unlink(FACTS['course'] + '/results/ada/result.json')"),
    ("rename the class", "os.rename(FACTS['course'] + '/class', FACTS['course'] + '/c')",
     "EPERM|EACCES|EXDEV"),
)  # fmt: skip

NEIGHBOUR = _of(
    "other submissions at work",
    *_list(
        ("another worker's folder, by its process", "proc('neighbour', 'cwd')"),
        ("another worker's descriptors", "proc('neighbour', 'fd')"),
        ("the folder that the workers' folders lie in", "'..'"),
    ),
    *_read(
        ("a file of another worker", "proc('neighbour', 'cwd/note.txt')"),
        ("another worker's memory", "proc('neighbour', 'mem')"),
        ("another worker's state", "proc('neighbour', 'status')"),
    ),
    ("read a file of another worker, by its path", "read(FACTS['neighbour_folder'] + '/note.txt')",
     EITHER),
    ("send another worker a signal", "os.kill(FACTS['neighbour'], 0)"),
    ("stop another worker", "os.kill(FACTS['neighbour'], signal.SIGSTOP)"),
    ("signal a thread of another worker",
     "call('tgkill', FACTS['neighbour'], FACTS['neighbour'], 0)"),
    ("trace another worker", "call('ptrace', 16, FACTS['neighbour'], 0, 0)"),
    ("watch another worker's processor time", "time.clock_gettime(clock_of(FACTS['neighbour']))"),
    ("open another worker by a descriptor", "os.pidfd_open(FACTS['neighbour'])"),
    ("move another worker's pages", "call('move_pages', FACTS['neighbour'], 0, 0, 0, 0, 0)"),
    ("write beside its own folder", "write('../beside')"),
)  # fmt: skip

ABOVE = _of(
    "the processes of the grader",
    *_read(
        *((f"the {who}'s {what}", f"proc({who!r}, {what!r})")
          for who in ("zygote", "scorer")
          for what in ("mem", "maps", "environ", "cmdline", "status", "stat", "io", "syscall")),
    ),
    *_list(
        ("the zygote's descriptors", "proc('zygote', 'fd')"),
        ("the scorer's descriptors", "proc('scorer', 'fd')"),
        ("the scorer's folder", "proc('scorer', 'cwd')"),
        ("the scorer's root", "proc('scorer', 'root')"),
        ("the scorer's threads", "proc('scorer', 'task')"),
    ),
    ("ask where the scorer's program lies", "os.readlink(proc('scorer', 'exe'))"),
    ("ask where the scorer's folder is", "os.readlink(proc('scorer', 'cwd'))"),
    ("read the zygote's memory by a call",
     "call('process_vm_readv', FACTS['zygote'], room, 1, room, 1, 0)"),
    ("write the zygote's memory by a call",
     "call('process_vm_writev', FACTS['zygote'], room, 1, room, 1, 0)"),
    ("trace the zygote", "call('ptrace', 16, FACTS['zygote'], 0, 0)"),
    ("be traced by the zygote", "call('ptrace', 0, 0, 0, 0)"),
    ("signal the zygote", "os.kill(FACTS['zygote'], 0)"),
    ("kill the zygote", "os.kill(os.getppid(), signal.SIGKILL)"),
    ("kill the scorer", "os.kill(FACTS['scorer'], signal.SIGKILL)"),
    ("signal every process", "os.kill(-1, 0)"),
    ("signal its group", "os.killpg(0, 0)"),
    ("queue a signal", "call('rt_sigqueueinfo', FACTS['zygote'], 10, room)"),
    ("open the zygote by a descriptor", "os.pidfd_open(os.getppid())"),
    ("take a descriptor of the zygote's", "call('pidfd_getfd', 0, 0, 0)"),
    ("signal by a descriptor", "call('pidfd_send_signal', 0, 0, 0, 0)"),
    ("set the zygote's limits", "resource.prlimit(os.getppid(), resource.RLIMIT_CPU)"),
    ("watch the scorer's processor time", "time.clock_gettime(clock_of(FACTS['scorer']))"),
    ("sleep by the scorer's clock",
     "call('clock_nanosleep', clock_of(FACTS['scorer']), 0, room, room)"),
    ("find the zygote's robust list", "call('get_robust_list', FACTS['zygote'], room, room)"),
    ("compare with the zygote", "call('kcmp', FACTS['zygote'], FACTS['zygote'], 0, 0, 0)"),
    ("advise on the zygote's memory", "call('process_madvise', 0, room, 1, 20, 0)"),
    ("measure the zygote", "call('perf_event_open', room, FACTS['zygote'], -1, -1, 0)"),
    ("survive the zygote", "libc.prctl(1, 0, 0, 0, 0) and call('prctl', 1, 0, 0, 0, 0)"),
    ("ask who is at the other end of its channel",
     "call('getsockopt', channel(), socket.SOL_SOCKET, 17, room, room)"),
    ("get the scorer as a descriptor",
     "call('getsockopt', channel(), socket.SOL_SOCKET, 77, room, room)"),
    ("send a descriptor to the scorer", "call('sendmsg', channel(), room, 0)"),
    ("send out of band", "call('sendto', channel(), room, 1, 1, 0, 0)"),
    ("close one half of its channel", "call('shutdown', channel(), 0)"),
    ("find a secret in its environment", "os.environ.get('GRADER_SECRET')", "None"),
    ("find a secret in libc's environment",
     "ctypes.cast(libc.getenv(b'GRADER_SECRET'), ctypes.c_char_p).value", "None"),
    ("find an open descriptor beside its channel",
     "[fd for fd in range(3, 64) if fd != channel() and is_open(fd)]", r"\[\]"),
)  # fmt: skip

OWN_PROC = _of(
    "/proc, /sys and /dev",
    *_read(
        *_paths(
            "/proc/self/maps", "/proc/self/environ", "/proc/self/cmdline", "/proc/self/status",
            "/proc/self/mem", "/proc/self/mountinfo", "/proc/self/cgroup",
            "/proc/1/cmdline", "/proc/1/environ", "/proc/cpuinfo", "/proc/meminfo", "/proc/uptime",
            "/proc/loadavg", "/proc/stat", "/proc/version", "/proc/cmdline", "/proc/mounts",
            "/proc/locks", "/proc/swaps", "/proc/net/tcp", "/proc/net/unix",
            "/proc/sys/kernel/random/boot_id",
        ),
    ),
    *_read(
        *_paths("/proc/keys", "/proc/kallsyms", "/proc/kcore", "/proc/kmsg", "/dev/kmsg",
                "/dev/mem", "/dev/tty", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/loop0",
                "/dev/vda", "/dev/input/event0", "/dev/snd/timer", "/dev/dri/card0"),
        expected=EITHER,
    ),
    *_list(*_paths("/proc", "/proc/self/fd", "/proc/self/task", "/dev", "/dev/shm")),
    *_list(*_paths("/sys", "/sys/class/net", "/sys/class/dmi/id", "/sys/fs/cgroup",
                   "/sys/kernel/debug", "/dev/mqueue", "/dev/pts"), expected=EITHER),
    ("open a terminal", "os.open('/dev/ptmx', os.O_RDWR)", EITHER),
    ("write to `/dev/shm`", "write('/dev/shm/probe')"),
    ("write to `/proc/self/oom_score_adj`", "write('/proc/self/oom_score_adj')"),
    ("write to `/proc/self/comm`", "write('/proc/self/comm')"),
    ("write to `/proc/self/uid_map`", "write('/proc/self/uid_map')", EITHER),
    ("write to `/proc/sys/kernel/core_pattern`", "write('/proc/sys/kernel/core_pattern')"),
    ("write to `/proc/sysrq-trigger`", "write('/proc/sysrq-trigger')", EITHER),
    ("write to `/dev/zero`", "write('/dev/zero')"),
    ("write to `/dev/urandom`", "write('/dev/urandom')"),
)  # fmt: skip

MACHINE_FILES = _of(
    "other files of the machine",
    *_read(
        *_paths("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"),
        ("a key in the home folder", _fact("home", "/.ssh/id_probe")),
        ("a file in the folder of temporary files", _fact("temporary", "/note.txt")),
    ),
    *_read(*_paths("/etc/shadow", "/etc/machine-id"), expected=EITHER),
    *_list(
        *_paths("/", "/etc", "/tmp", "/usr", "/usr/share"),
        ("the home folder", _fact("home")),
        ("the folder of Python's environment", "sys.prefix"),
        ("the folder that Python is installed in", "sys.base_prefix"),
    ),
    *_list(
        *_paths("/root", "/home", "/var", "/var/log", "/var/tmp", "/var/lib", "/run", "/boot",
                "/srv", "/opt", "/mnt", "/media", "/usr/src", "/usr/share/doc", "/usr/local/share",
                "/etc/ssl", "/etc/ssh"),
        expected=EITHER,
    ),
    ("write to `/tmp`", "write('/tmp/probe')"),
    ("write to `/var/tmp`", "write('/var/tmp/probe')", EITHER),
    ("write to the home folder", "write(FACTS['home'] + '/probe')"),
    ("write to `/usr`", "write('/usr/probe')"),
    ("write into Python's packages", "write(os.path.dirname(FACTS['owned']) + '/probe.py')"),
)  # fmt: skip

ATTRIBUTES = _of(
    "what could be left at a file of Python's, if the grading user owns it",
    ("change it", "write(FACTS['owned'], 'r+')"),
    ("cut it", "os.truncate(FACTS['owned'], 0)"),
    ("remove it", "os.unlink(FACTS['owned'])"),
    ("rename it", "os.rename(FACTS['owned'], FACTS['owned'] + '.old')"),
    ("make a link to it", "os.link(FACTS['owned'], 'linked')", "EPERM|EACCES|EXDEV"),
    ("take a write lease on it", "control(FACTS['owned'], fcntl.F_SETLEASE, fcntl.F_WRLCK)"),
    ("take a read lease on it", "control(FACTS['owned'], fcntl.F_SETLEASE, fcntl.F_RDLCK)"),
    ("ask for its lease", "control(FACTS['owned'], fcntl.F_GETLEASE)"),
    ("be told of changes in its folder",
     "control(os.path.dirname(FACTS['owned']), fcntl.F_NOTIFY, fcntl.DN_ACCESS)"),
    ("give it a hint of its lifetime", "control(FACTS['owned'], 1036, bytes(8))"),
    ("lock it", "locked()"),
    ("read its flags", "device_control(FACTS['owned'], 0x80086601)"),
    ("set its flags (append only, immutable, no access time)",
     "device_control(FACTS['owned'], 0x40086602, struct.pack('l', 0x80 | 0x40))"),
    ("read its extended flags", "device_control(FACTS['owned'], 0x801C581F)"),
    ("set its project", "device_control(FACTS['owned'], 0x401C5820)"),
    ("set its version", "device_control(FACTS['owned'], 0x40087602)"),
    ("set its flags by a path", "call('file_setattr', -100, 0, room, 24, 0)"),
    ("set an extended attribute", "os.setxattr(FACTS['owned'], 'user.probe', b'1')"),
    ("remove an extended attribute", "os.removexattr(FACTS['owned'], 'user.probe')"),
    ("set an extended attribute the new way", "call('setxattrat', -100, 0, 0, 0, room, 16)"),
    ("change its mode", "os.chmod(FACTS['owned'], 0o777)"),
    ("change its owner", "os.chown(FACTS['owned'], os.getuid(), os.getgid())"),
    ("change its times", "os.utime(FACTS['owned'], (0, 0))"),
    ("punch a hole into it", "call('fallocate', 9, 3, 0, 4096)", "EBADF|EPERM"),
    ("copy its blocks", "device_control(FACTS['owned'], 0x40049409)"),
    ("map its blocks", "device_control(FACTS['owned'], 0xC020660B)"),
    ("freeze its file system", "device_control(FACTS['owned'], 0xC0045877)"),
    ("see which of its pages are in memory",
     "call('mincore', library_page(), 4096, room)"),
    ("see that without waiting", "call('preadv2', 0, room, 0, 0, 0, 8)"),
    ("see that by counting", "call('cachestat', 0, room, room, 0)"),
    ("take its pages out of memory", "call('madvise', library_page(), 4096, 21)"),
    ("spoil its pages", "call('madvise', library_page(), 4096, 100)"),
    ("have its pages laid out anew", "call('madvise', library_page(), 4096, 25)"),
    ("write all files to the disk", "call('sync')"),
    ("write a file system to the disk", "call('syncfs', 0)"),
    ("watch its folder", "call('inotify_init1', 0)"),
    ("watch the whole file system", "call('fanotify_init', 0, 0)"),
    ("open it by a handle", "call('open_by_handle_at', -100, room, 0)"),
    ("set quotas", "call('quotactl', 0, 0, 0, 0)"),
)  # fmt: skip

CALLS_OUT = _of(
    "sockets and messages",
    *(
        (f"a socket of {family}, {kind}", f"socket.socket({family}, socket.{kind}, {protocol})")
        for family, kind, protocol in (
            ("socket.AF_INET", "SOCK_STREAM", 0), ("socket.AF_INET", "SOCK_DGRAM", 0),
            ("socket.AF_INET", "SOCK_RAW", 1), ("socket.AF_INET6", "SOCK_STREAM", 0),
            ("socket.AF_INET6", "SOCK_DGRAM", 0), ("socket.AF_UNIX", "SOCK_STREAM", 0),
            ("socket.AF_UNIX", "SOCK_DGRAM", 0), ("socket.AF_NETLINK", "SOCK_RAW", 0),
            ("socket.AF_PACKET", "SOCK_RAW", 3), ("socket.AF_VSOCK", "SOCK_STREAM", 0),
            ("socket.AF_ALG", "SOCK_SEQPACKET", 0), ("socket.AF_CAN", "SOCK_RAW", 1),
            ("socket.AF_TIPC", "SOCK_DGRAM", 0), ("socket.AF_QIPCRTR", "SOCK_DGRAM", 0),
        )
    ),
    ("a pair of sockets", "socket.socketpair()"),
    ("a socket bound to an abstract name", "call('bind', channel(), room, 16)"),
    ("a connection from its channel", "call('connect', channel(), room, 16)"),
    ("listen on its channel", "call('listen', channel(), 1)"),
    ("accept on its channel", "call('accept4', channel(), 0, 0, 0)"),
    ("look up a name", "socket.getaddrinfo('localhost', 80)", "EPERM|EACCES|gaierror|EAI.*"),
    ("a socket by io_uring", "call('io_uring_setup', 8, room)"),
    ("enter an io_uring", "call('io_uring_enter', 0, 1, 0, 0, 0, 0)"),
    ("register with an io_uring", "call('io_uring_register', 0, 0, 0, 0)"),
    ("shared memory of System V", "call('shmget', 7, 4096, 0o1777)"),
    ("a semaphore of System V", "call('semget', 7, 1, 0o1777)"),
    ("a message queue of System V", "call('msgget', 7, 0o1777)"),
    ("a message queue of POSIX", "call('mq_open', b'probe', 66, 0o777, 0)"),
    ("shared memory of POSIX", "loads('multiprocessing.shared_memory') and "
     "sys.modules['multiprocessing.shared_memory'].SharedMemory('probe', True, 4096)"),
    ("a semaphore of POSIX", "loads('multiprocessing') and sys.modules['multiprocessing'].Lock()"),
    ("memory with a name", "os.memfd_create('probe')"),
    ("secret memory", "call('memfd_secret', 0)"),
    ("a key", "call('add_key', b'user', b'probe', b'1', 1, -2)"),
    ("another's key", "call('request_key', b'user', b'probe', 0, 0)"),
    ("a ring of keys", "call('keyctl', 0, -3, 0)"),
    ("the owner of a descriptor's signals", "control('/dev/null', fcntl.F_GETOWN)"),
    ("a descriptor that signals another",
     "control('/dev/null', fcntl.F_SETOWN, FACTS['zygote'])"),
    ("a descriptor that signals otherwise", "control('/dev/null', fcntl.F_SETSIG, 9)"),
    ("a descriptor that signals", "control('/dev/null', fcntl.F_SETFL, os.O_ASYNC)"),
    ("a descriptor past the cache", "control('/dev/null', fcntl.F_SETFL, os.O_DIRECT)"),
    ("the same by FIOASYNC", "device_control('/dev/null', 0x5452)"),
    ("the same by FIOSETOWN", "device_control('/dev/null', 0x8901)"),
    ("a larger pipe", "fcntl.fcntl(os.pipe()[0], fcntl.F_SETPIPE_SZ, 1 << 20)"),
    ("a pipe of the kernel's news", "call('pipe2', room, 0o200)"),
    ("a seal", "control('/dev/null', fcntl.F_ADD_SEALS, 1)"),
    ("an open file's lock", "control('/dev/null', 37, bytes(32))"),
    ("characters typed into a terminal (TIOCSTI)", "device_control('/dev/null', 0x5412)"),
    ("a terminal of its own (TIOCSCTTY)", "device_control('/dev/null', 0x540E)"),
    ("the console (TIOCLINUX)", "device_control('/dev/null', 0x541C)"),
    ("a signal with each byte of a terminal (TIOCSPGRP)", "device_control('/dev/null', 0x5410)"),
    ("more entropy (RNDADDTOENTCNT)", "device_control('/dev/urandom', 0x40045201)"),
    ("the size of a disk (BLKGETSIZE64)", "device_control('/dev/null', 0x80081272)"),
    ("the name of a namespace", "device_control('/dev/null', 0xB703)"),
)  # fmt: skip

PROCESSES = _of(
    "processes and programs",
    ("fork", "os.fork()"),
    ("vfork", "call('vfork')"),
    ("clone a process", "call('clone', 17, 0, 0, 0, 0)"),
    ("clone with memory of its own and threads' flags",
     "call('clone', 0x003D0F00 & ~0x100, 0, 0, 0, 0)"),
    ("clone a thread with a namespace", "call('clone', 0x003D0F00 | 0x10000000, 0, 0, 0, 0)"),
    ("clone a thread that is traced", "call('clone', 0x003D0F00 | 0x2000, 0, 0, 0, 0)"),
    ("clone3", "call('clone3', room, 88)"),
    ("run a program", "os.execv('/bin/true', ['true'])"),
    ("run a program by a descriptor", "call('execveat', 0, b'', room, room, 0x1000)"),
    ("spawn a program", "os.posix_spawn('/bin/true', ['true'], {})"),
    ("a shell", "os.system('true')", "-1|32512"),
    ("subprocess", "loads('subprocess') and sys.modules['subprocess'].run(['true'])"),
    ("a pool of processes",
     "loads('multiprocessing') and sys.modules['multiprocessing'].get_context('fork').Process()"
     ".start()"),
    ("a session of its own", "os.setsid()"),
    ("a group of its own", "os.setpgid(0, 0)"),
    ("another priority", "os.nice(-1)"),
    ("a lower priority", "os.setpriority(os.PRIO_PROCESS, 0, 5)"),
    ("another priority for the disk", "call('ioprio_set', 1, 0, 0)"),
    ("another processor", "os.sched_setaffinity(0, {0, 1})"),
    ("another scheduler", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"),
    ("another scheduler, the new way", "call('sched_setattr', 0, room, 0)"),
    ("adopt orphans (PR_SET_CHILD_SUBREAPER)", "call('prctl', 36, 1, 0, 0, 0)"),
    ("be dumped (PR_SET_DUMPABLE)", "call('prctl', 4, 1, 0, 0, 0)"),
    ("be traced (PR_SET_PTRACER)", "call('prctl', 0x59616D61, -1, 0, 0, 0)"),
    ("other time slack (PR_SET_TIMERSLACK)", "call('prctl', 29, 1, 0, 0, 0)"),
    ("another processor's neighbour (PR_SCHED_CORE)", "call('prctl', 62, 1, 0, 0, 0)"),
    ("a memory map of its own make (PR_SET_MM)", "call('prctl', 35, 1, 0, 0, 0)"),
    ("a name for memory in another way (PR_SET_VMA)", "call('prctl', 0x53564D41, 1, 0, 0, 0)"),
    ("another seccomp (PR_SET_SECCOMP)", "call('prctl', 22, 1, 0, 0, 0)"),
    ("a timer of POSIX, of which the user has a share", "call('timer_create', 0, 0, room)"),
    ("an interrupt of all processors (membarrier)", "call('membarrier', 2, 0, 0)"),
    ("memory that is never paged out", "call('mlock', room, 4096)"),
    ("huge pages of the machine's store", "call('mmap', 0, 2 << 20, 3, 0x40022, -1, 0)"),
    ("memory merged with that of others", "call('madvise', library_page(), 4096, 12)"),
    ("faults handled by itself", "call('userfaultfd', 1)"),
    ("a program in the kernel", "call('bpf', 0, room, 64)"),
    ("another way of the processor's", "call('arch_prctl', 0x1012, 0)"),
    ("another personality", "call('personality', 0x0040000)"),
    ("a local descriptor table", "call('modify_ldt', 0, room, 16)"),
    ("more processor time", "raised(resource.RLIMIT_CPU)", "EPERM|ValueError"),
    ("more memory", "raised(resource.RLIMIT_AS)", "EPERM|ValueError"),
    ("more open files", "raised(resource.RLIMIT_NOFILE)", "EPERM|ValueError"),
    ("larger files", "raised(resource.RLIMIT_FSIZE)", "EPERM|ValueError"),
    ("more threads", "raised(resource.RLIMIT_NPROC)", "EPERM|ValueError"),
    ("core dumps", "raised(resource.RLIMIT_CORE)", "EPERM|ValueError"),
)  # fmt: skip

PRIVILEGES = _of(
    "privileges and the machine",
    ("be root", "os.setuid(0)"),
    ("be in root's group", "os.setgid(0)"),
    ("be in other groups", "os.setgroups([0])"),
    ("be root, the three ways", "os.setresuid(0, 0, 0)"),
    ("be another at files", "call('setfsuid', 0)"),
    ("gain a capability", "call('capset', room, room)"),
    ("keep a capability (PR_CAP_AMBIENT)", "call('prctl', 47, 2, 0, 0, 0)"),
    ("mount", "call('mount', b'none', b'.', b'tmpfs', 0, 0)"),
    ("unmount", "call('umount2', b'.', 2)"),
    ("mount, the new way", "call('fsopen', b'tmpfs', 0)"),
    ("open a tree of mounts", "call('open_tree', -100, b'.', 1)"),
    ("move a mount", "call('move_mount', -100, b'.', -100, b'.', 0)"),
    ("change a mount", "call('mount_setattr', -100, b'.', 0, room, 32)"),
    ("list the mounts", "call('listmount', room, room, 1, 0)"),
    ("another root", "os.chroot('.')"),
    ("turn the root", "call('pivot_root', b'.', b'.')"),
    ("a user namespace", "call('unshare', 0x10000000)"),
    ("a network namespace", "call('unshare', 0x40000000)"),
    ("a mount namespace", "call('unshare', 0x00020000)"),
    ("another's namespace", "call('setns', 0, 0)"),
    ("a device", "os.mknod('zero', 0o020666, os.makedev(1, 5))"),
    ("a named pipe", "os.mkfifo('pipe')"),
    ("set the clock", "time.clock_settime(time.CLOCK_REALTIME, 0)"),
    ("set the clock, the old way", "call('settimeofday', room, 0)"),
    ("turn the clock", "call('adjtimex', room)"),
    ("set the host's name", "socket.sethostname('probe')"),
    ("set the domain's name", "call('setdomainname', b'probe', 5)"),
    ("read the kernel's log", "call('syslog', 3, room, 64)"),
    ("restart", "call('reboot', 0, 0, 0, 0)"),
    ("load another kernel", "call('kexec_load', 0, 0, room, 0)"),
    ("load a module", "call('init_module', room, 0, b'')"),
    ("remove a module", "call('delete_module', b'probe', 0)"),
    ("use swap", "call('swapon', b'probe', 0)"),
    ("stop swap", "call('swapoff', b'probe')"),
    ("account for processes", "call('acct', 0)"),
    ("talk to hardware", "call('iopl', 3)"),
    ("talk to a port", "call('ioperm', 0, 1, 1)"),
    ("hang the terminal up", "call('vhangup')"),
    ("filter its own calls", "call('seccomp', 0, 0, 0)"),
    ("another set of Landlock's", "call('landlock_create_ruleset', 0, 0, 1)"),
    ("a place for its pages on the machine", "call('set_mempolicy', 0, 0, 0)"),
)  # fmt: skip

HARMLESS = _of(
    "what it may do, and nobody else is reached",
    ("write in its own folder", "write('own.txt')", "'written'"),
    ("list its own folder", "'own.txt' in os.listdir('.')", "True"),
    ("lock a file of its own (record lock)",
     "fcntl.lockf(open('own.txt', 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)", "None"),
    ("write a file of its own to the disk: it lies in memory, and nothing is done",
     "os.fsync(os.open('own.txt', os.O_RDWR))", "None"),
    ("ask for a file of Python's to be written to the disk, or out of memory: nothing is done",
     "[os.fsync(fd := os.open(FACTS['owned'], os.O_RDONLY)), "
     "os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)]", r"\[None, None\]"),
    ("start a thread", "threading.Thread(target=int).start()", "None"),
    ("signal itself", "call('tgkill', os.getpid(), os.getpid(), 0)", "0"),
    ("name its thread", "call('prctl', 15, b'probe', 0, 0, 0)", "0"),
    ("make a pipe that does not wait", "len(os.pipe2(os.O_NONBLOCK))", "2"),
    ("change how a descriptor of its own waits", "os.set_blocking(os.pipe()[0], False)", "None"),
    ("lower a limit of its own",
     "resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))", "None"),
    ("write to `/dev/null`", "write('/dev/null')", "'written'"),
    ("read randomness", "len(os.urandom(8))", "8"),
)  # fmt: skip

VISIBLE = _of(
    "what it sees",
    ("the time", "time.time() > 0", "True",
     "the time of day, the time zone, and how long the machine is up"),
    ("the time zone", "time.localtime().tm_year > 2000", "True"),
    ("the kernel", "os.uname().release", "'.+'", "the kernel's version, and the machine's name"),
    ("the machine's memory and load", "call('sysinfo', room)", "0",
     "the machine's load, its memory in all and free, and how many processes there are"),
    ("the processor", "loads('torch') and "
     "sys.modules['torch'].backends.cpu.get_cpu_capability()", "'.+'",
     "which processor it is, and how many there are"),
    ("the number of processors", "os.cpu_count() >= 1", "True"),
    ("its own numbers", "os.getuid() >= 0 and os.getpid() > 0", "True",
     "its own user, group and process, and the number of its parent"),
    ("whether a path is there", "os.path.exists(FACTS['course'] + '/class/ada.py')", "True",
     "whether a path that it guesses exists, with its owner, size and times, and how full a disk "
     "is: Landlock does not cover that. Its contents stay closed"),
    ("the size of a file", "os.stat(FACTS['course'] + '/class/ada.py').st_size", r"\d+"),
    ("the room on a disk", "os.statvfs('/').f_blocks > 0", "True"),
    ("whether a process is there", "os.getpgid(FACTS['zygote']) > 0", "True",
     "whether a process of a number that it guesses exists, with its group, its session and the "
     "processors it may use. Nothing else about it can be seen"),
    ("another's processors", "len(os.sched_getaffinity(FACTS['zygote'])) > 0", "True"),
    ("its environment", "sorted(os.environ)", r"\['CUDA_VISIBLE_DEVICES', .*'USER'\]",
     "an environment that is the same for all: its folder, a user called student, no GPU"),
    ("its command line", "sys.argv", r"\[.*\]"),
    ("where Python is", "sys.prefix", "'.+'",
     "where Python is, and all files of Python, of its packages but the grader, and of the "
     "system's libraries and fonts"),
    ("Python's library", "len(read(os.__file__))", "64"),
    ("fonts", "isinstance(os.listdir('/usr/share/fonts'), list)", "True|ENOENT"),
    ("its limits", "resource.getrlimit(resource.RLIMIT_NOFILE)", r"\(\d+, \d+\)",
     "its own limits"),
    ("its home", "os.path.expanduser('~') == os.getcwd()", "True", "its own folder, as its home"),
)  # fmt: skip

QUESTIONS = (
    CLASS + NEIGHBOUR + ABOVE + OWN_PROC + MACHINE_FILES + ATTRIBUTES + CALLS_OUT + PROCESSES
    + PRIVILEGES + HARMLESS + VISIBLE
)  # fmt: skip
