"""A call that takes too much is lost with a true reason, and the next one is answered."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from leftovers import children
from times import PATIENCE

from grader.scoring.limited_process import MEGABYTE, Allowance, LimitedProcess, Lost
from grader.source.read import Unreadable

SECONDS = 1
ALLOWANCE = Allowance(SECONDS, 256 * MEGABYTE)


@pytest.fixture
def process() -> Iterator[LimitedProcess]:
    with closing(LimitedProcess(ALLOWANCE)) as opened:
        yield opened


def computes() -> None:
    while True:
        pass


def searches() -> bool:
    """Compute where no handler of Python's runs."""
    import re

    return bool(re.search("(a+)+b", "a" * 100))


def allocates() -> int:
    return len([bytes(MEGABYTE) for _ in range(1000)])


def ends_by(number: int) -> None:
    os.kill(os.getpid(), number)


def exits() -> None:
    os._exit(3)


def refuses() -> None:
    raise Unreadable("homework.py is empty")


def fails() -> None:
    raise KeyError("cells")


TOO_LONG = f"took more than {SECONDS} seconds of a processor"
# A function, what it is given, what is said of it, what may be the machine's fault, and whether it
# would be lost another time, too.
LOST = {
    "computes": (computes, (), TOO_LONG, None, True),
    "computes in C": (searches, (), TOO_LONG, None, True),
    "allocates": (allocates, (), "took more than 256 MB of memory", None, True),
    "killed": (
        ends_by, (signal.SIGKILL,), "ended the process that does so (SIGKILL)", "crash", False,
    ),
    "crashes": (
        ends_by, (signal.SIGSEGV,), "ended the process that does so (SIGSEGV)", "crash", False,
    ),
    "exits": (exits, (), "ended the process that does so (exit status 3)", "crash", False),
    "a fault of ours": (
        fails, (), "met a fault of the grader's own (KeyError: 'cells')", None, False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LOST)
def test_a_lost_call_says_why_and_costs_the_next_one_nothing(process, case):
    function, given, why, smell, certain = LOST[case]
    assert process.call(len, "abc") == 3
    with pytest.raises(Lost) as raised:
        process.call(function, *given)
    assert (str(raised.value), raised.value.smell, raised.value.certain) == (why, smell, certain)
    assert process.call(len, "abc") == 3


def test_what_a_user_can_mend_is_raised_as_it_is(process):
    with pytest.raises(Unreadable, match="is empty"):
        process.call(refuses)


def test_one_process_answers_many_calls_each_within_limits_of_its_own(process):
    first = process.call(os.getpid)
    for _ in range(3):  # together more than one may take
        process.call(sum, range(10**7))
        assert process.call(bytes, 150 * MEGABYTE) == bytes(150 * MEGABYTE)
    assert process.call(os.getpid) == first
    assert first != os.getpid()


def test_sleeping_takes_no_processor_time(process):
    process.call(time.sleep, SECONDS + 1.5)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def test_it_inherits_no_open_file(process, tmp_path):
    descriptors = [os.open(tmp_path / str(n), os.O_CREAT | os.O_RDWR) for n in range(20)]
    try:
        # One number may be its own channel's, none is a file's.
        assert sum(process.call(is_open, each) for each in descriptors) <= 1
    finally:
        for each in descriptors:
            os.close(each)


def test_closed_it_leaves_no_process():
    before = children(os.getpid())
    with closing(LimitedProcess(ALLOWANCE)) as process:
        process.call(len, "")
        assert len(children(os.getpid()) - before) == 1
    assert children(os.getpid()) == before


def test_it_dies_with_its_parent():
    program = (
        "import os, time\nfrom grader.scoring.limited_process import *\n"
        "process = LimitedProcess(Allowance(100, 2**28))\n"
        "print(process.call(os.getpid), flush=True)\n"
        "process.call(time.sleep, 1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + PATIENCE
    while _runs(child):
        assert time.monotonic() < deadline


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False
