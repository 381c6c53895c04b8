"""Confinement: what student code gets when it reaches outside, here and on a lesser kernel."""

import errno
import json
import os
import sys
from pathlib import Path

import landlockpy
import msgspec
import mypy_extensions
import ordinary
import pytest
import seccompy
from conftest import GRADER, ROOT, run_grader
from handed import PACKAGES, module
from hostile import attacks
from worth import MAX_SCORE, MAX_UNTRAINED

from grader.confined import confinement, kernel, syscalls
from grader.confined.confinement import LAYERS
from grader.confined.devices import NO_GPU
from grader.homework.tasks import TASKS
from grader.scoring.workers import IsolationMissing, Zygote

SOLUTION = ROOT / "solution" / "homework.py"
REFUSAL = "PermissionError: [Errno 1] Operation not permitted"


def seen_by(zygote: Zygote, rubric, expression: str, imports: str = "os") -> str:
    """Return what an expression comes to in a worker: its value, or the error it met."""
    source = (
        f"import {imports}\n"
        "try:\n"
        f"    seen = {expression}\n"
        "except BaseException as error:\n"
        "    seen = type(error).__name__, getattr(error, 'errno', None)\n"
        "raise ValueError(repr(seen))\n"
    )
    with zygote.fork_worker(rubric.limits) as worker:
        (note,) = worker.load(module(source), [], PACKAGES, TASKS)
    return note.text.removeprefix("ValueError: ")


def refused(number: int) -> str:
    return repr((type(OSError(number, "")).__name__, number))


OUTSIDE = [
    # files
    (f"open({str(ROOT / 'grader' / 'homework' / 'rubric.toml')!r})", "os", errno.EACCES),
    (f"open({str(SOLUTION)!r})", "os", errno.EACCES),
    (f"os.listdir({str(ROOT)!r})", "os", errno.EACCES),
    ("os.listdir('/')", "os", errno.EACCES),
    ("os.listdir('/tmp')", "os", errno.EACCES),
    ("os.listdir('..')", "os", errno.EACCES),
    ("open('../beside', 'w')", "os", errno.EACCES),
    ("os.mkdir('/tmp/grader-was-here')", "os", errno.EACCES),
    ("open('/etc/passwd')", "os", errno.EACCES),
    ("open('/proc/self/maps')", "os", errno.EACCES),
    ("open(f'/proc/{os.getppid()}/mem', 'rb')", "os", errno.EACCES),
    ("open('/dev/shm/x', 'w')", "os", errno.EACCES),
    ("os.chmod('.', 0o777)", "os", errno.EPERM),
    ("os.utime('.', (0, 0))", "os", errno.EPERM),
    ("os.mkfifo('pipe')", "os", errno.EPERM),
    # processes
    ("os.fork()", "os", errno.EPERM),
    ("os.execv('/bin/true', ['true'])", "os", errno.EPERM),
    ("subprocess.run(['true'])", "subprocess", errno.EPERM),
    ("os.posix_spawn('/bin/true', ['true'], {})", "os", errno.EPERM),
    ("os.kill(os.getppid(), 9)", "os", errno.EPERM),
    ("os.kill(os.getpid(), 9)", "os", errno.EPERM),
    ("os.killpg(0, 9)", "os", errno.EPERM),
    ("os.pidfd_open(os.getpid())", "os", errno.EPERM),
    ("fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())", "fcntl, os", errno.EPERM),
    ("fcntl.fcntl(0, F_SETSIG := 10, 9)", "fcntl", errno.EPERM),
    ("fcntl.ioctl(0, FIOSETOWN := 0x8901, bytes(4))", "fcntl", errno.EPERM),
    ("fcntl.ioctl(0, SIOCSPGRP := 0x8902, bytes(4))", "fcntl", errno.EPERM),
    ("os.setsid()", "os", errno.EPERM),
    ("os.setpgid(0, 0)", "os", errno.EPERM),
    ("os.sched_setaffinity(0, {0, 1})", "os", errno.EPERM),
    # network and memory
    ("socket.socket()", "socket", errno.EPERM),
    ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "socket", errno.EPERM),
    ("socket.socket(socket.AF_UNIX)", "socket", errno.EPERM),
    ("socket.socketpair()", "socket", errno.EPERM),
    ("os.memfd_create('x')", "os", errno.EPERM),
    # privileges
    ("os.setuid(0)", "os", errno.EPERM),
    ("os.setgroups([0])", "os", errno.EPERM),
    ("resource.setrlimit(resource.RLIMIT_NOFILE, (999, 999))", "resource", None),
    ("resource.prlimit(os.getppid(), resource.RLIMIT_CPU)", "os, resource", errno.EPERM),
    # too much
    ("open('big', 'wb').write(bytes(20_000_000))", "os", errno.EFBIG),
    ("[open(f'{n}', 'wb').write(bytes(9_000_000)) for n in range(9)]", "os", errno.ENOSPC),
    ("[open(f'{n}', 'w').close() for n in range(9999)]", "os", errno.ENOSPC),
    ("[os.dup(1) for _ in range(99)]", "os", errno.EMFILE),
]  # fmt: skip


@pytest.mark.needs("layers")
@pytest.mark.parametrize(("expression", "imports", "number"), OUTSIDE)
def test_what_leads_outside_is_refused(zygote, rubric, expression, imports, number):
    seen = seen_by(zygote, rubric, expression, imports)
    assert seen == (refused(number) if number else "('ValueError', None)")


TGKILL = (
    "ctypes, os, threading\n"
    "def tgkill(*given):\n"
    "    libc = ctypes.CDLL(None, use_errno=True)\n"
    "    return libc.tgkill(*given) and ctypes.get_errno()"
)

INSIDE = [
    ("open('x', 'w').write('figure')", "os", "6"),
    ("[os.mkdir('a'), os.rename('a', 'b'), os.path.isdir('b')][-1]", "os", "True"),
    ("os.path.expanduser('~') == os.getcwd() == tempfile.gettempdir()", "os, tempfile", "True"),
    ("tempfile.TemporaryFile().write(b'x')", "tempfile", "1"),
    ("sorted(os.environ)", "os", str(sorted(["HOME", "LOGNAME", "TMPDIR", "USER", *NO_GPU]))),
    ("threading.Thread(target=print).start()", "threading", "None"),
    ("wave.__name__, tool.__name__", "wave, json.tool as tool", "('wave', 'json.tool')"),
    ("mpl_toolkits.mplot3d.__name__", "mpl_toolkits.mplot3d", "'mpl_toolkits.mplot3d'"),
    ("getpass.getuser()", "getpass", "'student'"),
    ("len(os.urandom(4))", "os", "4"),
    ("os.system('touch /tmp/never') != 0", "os", "True"),
    # Only its own threads can be signalled, and it cannot tell whether another process is there.
    ("tgkill(os.getpid(), os.getpid(), 0), tgkill(1 << 30, 1 << 30, 0)", TGKILL, "(0, 1)"),
    ("sum(fd > 2 for fd in range(64) if is_open(fd))", "os", "1"),
]  # fmt: skip

IS_OPEN = (
    "\ndef is_open(fd):\n    try: os.fstat(fd)\n    except OSError: return False\n    return True"
)


@pytest.mark.parametrize(("expression", "imports", "value"), INSIDE)
def test_what_students_do_goes_on_working(zygote, rubric, expression, imports, value):
    if "is_open" in expression:
        imports += IS_OPEN
    assert seen_by(zygote, rubric, expression, imports) == value


@pytest.mark.needs("layers")
def test_all_layers_are_in_force_here(zygote, rubric):
    with zygote.fork_worker(rubric.limits) as worker:
        assert worker.missing == {}
        assert tuple(worker.layers) == LAYERS


@pytest.mark.needs("root")
def test_each_worker_is_another_user_who_is_nobody(zygote, rubric):
    users = [
        seen_by(zygote, rubric, "os.getresuid(), os.getresgid(), os.getgroups()") for _ in "ab"
    ]
    assert users[0] != users[1]
    for user in users:
        (real, effective, saved), group, groups = eval(user)  # our own worker's repr
        assert real == effective == saved >= confinement.FIRST_UID
        assert (set(group), groups) == ({real}, [])


def test_threads_are_limited(zygote, rubric):
    tight = msgspec.structs.replace(
        rubric, limits=msgspec.structs.replace(rubric.limits, threads=9)
    )
    started = "[threading.Thread(target=time.sleep, args=(9,)).start() for _ in range(99)]"
    assert seen_by(zygote, tight, started, "threading, time") == "('RuntimeError', None)"


def test_every_system_call_is_spelled_right_and_in_one_list_only():
    tables = [syscalls.ALLOWED, syscalls.REFUSED]
    lines = [line.partition("#")[0] for table in tables for line in table.splitlines()]
    names = [name for line in lines for name in line.split()]
    partly = {*syscalls.PARTLY, *syscalls.ANSWERED}
    assert len(names) == len(set(names))
    assert partly.isdisjoint(names)
    if seccompy.arch() == "x86_64":
        assert {*names, *partly} == set(syscalls.names_in(" ".join([*names, *partly])))


def no_more(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


LESSER = [
    # what is not there, and the layers that are then missing
    ([(landlockpy, "abi_version", lambda: 0)], {*confinement.LANDLOCK}),
    ([(landlockpy, "abi_version", lambda: 3)], {"landlock.tcp", "landlock.scope"}),
    ([(seccompy, "supported", lambda: False)], {"seccomp"}),
    ([(kernel, "own_mounts", no_more), (kernel, "own_mounts_as_user", no_more)], {"folder"}),
    ([(kernel, "drop_capabilities", no_more)], {"capabilities"}),
]  # fmt: skip


@pytest.mark.needs("layers")
@pytest.mark.parametrize(("lacking", "missing"), LESSER)
def test_a_lesser_kernel_is_used_as_far_as_it_goes_or_refused(
    rubric, monkeypatch, lacking, missing
):
    for owner, name, instead in lacking:
        monkeypatch.setattr(owner, name, instead)
    lesser = Zygote.fork()
    try:
        with lesser.fork_worker(rubric.limits) as worker:
            # As root, whose Python others cannot read without mounts, the user stays, too.
            assert missing <= worker.missing.keys() <= {*missing, "uid"}
            assert set(worker.layers) == {*LAYERS} - worker.missing.keys()
            assert all(worker.missing.values())
            assert worker.load(module("import sympy\n"), [], [*PACKAGES, "sympy"], TASKS) == []
        if "folder" in missing:
            assert seen_by(lesser, rubric, "open('x', 'w')") == refused(errno.EACCES)
        lesser.strict = True
        with pytest.raises(IsolationMissing, match=next(iter(missing))):
            lesser.fork_worker(rubric.limits)
    finally:
        lesser.close()


@pytest.mark.needs("layers")
def test_strict_isolation_grades_where_all_layers_are_there(tmp_path):
    done = run_grader("grade", SOLUTION, "--out", tmp_path, "--isolation", "strict")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "solution" / "result.json").read_bytes())
    layers = [layer for layer in LAYERS if layer != "uid" or os.geteuid() == 0]
    assert (record["isolation"], record["score"]) == (layers, MAX_SCORE)
    assert f"isolation: {', '.join(layers)}" in done.stdout


@pytest.mark.needs("root", "layers")
def test_an_ordinary_user_has_all_layers_but_a_user_for_each_worker(tmp_path):
    out = tmp_path / "results"
    command = [GRADER, "grade", SOLUTION, "--out", out / "r", "--isolation", "strict"]
    done = ordinary.run(command, out)
    assert done.returncode == 0, done.stderr
    record = json.loads((out / "r" / "solution" / "result.json").read_bytes())
    assert record["isolation"] == [layer for layer in LAYERS if layer != "uid"]
    assert record["score"] == MAX_SCORE
    assert "not in force here: uid (the grader is not run by root" in done.stdout
    assert sorted(path.name for path in Path(out).iterdir() if path.name[0] != ".") == ["r"]


@pytest.mark.needs("root", "layers")
def test_no_submission_holds_a_module_back_that_another_imports(tmp_path):
    """It did by a lease, where the user who grades owns the module: the other lost its points."""
    script, owned = (
        ROOT / "tests" / "support" / "probe" / "lease.py",
        Path(mypy_extensions.__file__),
    )
    done = ordinary.run([sys.executable, script, owned.stem], tmp_path / "of_the_user", owned)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[REFUSAL], []]


LATER = "import time\ntime.sleep(1)\n"  # than the other holds what it can
# Slow if it holds the module back: for longer than an import may take.
HOLDS = """
import fcntl, os, signal, time
signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the kernel asks for it back
seconds = 0.0
if fcntl.fcntl(os.open({path!r}, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK) == 0:
    seconds = 2.0
"""


@pytest.mark.needs("root", "layers")
def test_nobody_waits_in_a_class_for_a_module_that_a_submission_holds_back(tmp_path, untrained):
    """Imports ran out of time: that took many points, or had all three graded once more."""
    folder, owned = tmp_path / "of_the_user", Path(mypy_extensions.__file__)
    class_ = folder / "class"
    class_.mkdir(parents=True)
    right = attacks.part("honest")
    slow = right.replace("\n    return", "\n    time.sleep(seconds)\n    return")
    (class_ / "a_mallory.py").write_text(slow + HOLDS.format(path=str(owned)))
    for victim in ("b_victim", "c_victim"):
        needs = right.replace("2 * (", f"2 * bool({owned.stem}) * (")
        (class_ / f"{victim}.py").write_text(f"{LATER}import {owned.stem}\n{needs}")
    text = untrained.read_text(encoding="utf-8")
    assert text.count('packages = ["torch"') == 1
    rubric = folder / "rubric.toml"
    rubric.write_text(text.replace('packages = ["torch"', f'packages = ["{owned.stem}", "torch"'))
    out = folder / "results"
    command = [GRADER, "grade", class_, "--rubric", rubric, "--out", out, "--jobs", "2"]
    done = ordinary.run(command, folder, owned)
    assert done.returncode == 0, done.stderr
    assert "stopped while they waited" not in done.stdout
    records = {path.parent.name: json.loads(path.read_bytes()) for path in out.glob("*/*.json")}
    assert {name: record["score"] for name, record in records.items()} == dict.fromkeys(
        ["a_mallory", "b_victim", "c_victim"], MAX_UNTRAINED
    )
    assert [note["text"] for note in records["a_mallory"]["notes"]] == [REFUSAL]
