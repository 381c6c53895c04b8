"""Run commands, and tell their time and memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from leftovers import children

POLL_SECONDS = 0.02
TAIL = 2000  # characters of a failed command's output that are shown


class Failed(Exception):
    """A command did not end as it should."""


@dataclass(frozen=True)
class Run:
    """A class graded by one tool, in seconds and bytes.

    `seconds` is the whole run; `first` and `last` are from its start to the first and last result.
    `peak` is the largest process's resident memory, `cpu` what all processes computed.
    """

    size: int
    seconds: float
    first: float
    last: float
    peak: int
    cpu: float

    @property
    def each(self) -> float:
        """Seconds a submission, from the first result to the end of the run."""
        return (self.seconds - self.first) / (self.size - 1)

    @property
    def steady(self) -> float:
        """Seconds a submission, from the first result to the last."""
        return (self.last - self.first) / (self.size - 1)

    @property
    def cores(self) -> float:
        """Processors kept busy, on average over the whole run."""
        return self.cpu / self.seconds

    @property
    def overall(self) -> float:
        """Seconds a submission, start and all."""
        return self.seconds / self.size


@dataclass(frozen=True)
class Command:
    """A command line, the folder it runs in, and the exit codes that are right."""

    words: Sequence[object]
    cwd: Path | None = None
    right: Sequence[int] = (0,)


@dataclass(frozen=True)
class Usage:
    """What a command and all that it started took: see Run."""

    seconds: float
    peak: int
    cpu: float


def run(command: Command) -> Usage:
    """Run a command to its end and return what it took.

    Raises Failed, with the end of what it printed, where its exit code is not a right one.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = _start(command, output)
        _, status, usage = os.wait4(process.pid, 0)  # of it, and of all that was waited for
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        _demand_success(command, process, output)
    return Usage(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def run_batch(command: Command, results: Path, pattern: str) -> Run:
    """Run a command that grades a class: the files `pattern` in `results` are its results.

    The first result is known by its time on disk, so that nothing watches while the clock runs.
    """
    started = time.time()
    took = run(command)
    times = [path.stat().st_mtime - started for path in results.glob(pattern)]
    return Run(len(times), took.seconds, min(times), max(times), took.peak, took.cpu)


def run_each(commands: Iterable[Command]) -> Run:
    """Run a command a submission, one after the other."""
    took = [run(command) for command in commands]
    seconds = sum(each.seconds for each in took)
    peak, cpu = max(each.peak for each in took), sum(each.cpu for each in took)
    return Run(len(took), seconds, took[0].seconds, seconds, peak, cpu)


def _start(command: Command, output: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [str(word) for word in command.words]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=command.cwd,
    )


def _demand_success(command: Command, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
    if process.returncode not in command.right:
        output.seek(0)
        printed = output.read().decode(errors="replace")[-TAIL:]
        words = " ".join(map(str, command.words))
        raise Failed(f"{words}: exit code {process.returncode}\n{printed}")


class Busy:
    """Tells how busy other processes keep the machine, from when it is made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._busy, self._own = _busy_seconds(), _own_seconds()

    def others(self) -> float:
        """Return how many cores were kept busy, on average, by what this process did not start."""
        busy, own = _busy_seconds() - self._busy, _own_seconds() - self._own
        return max(0.0, busy - own) / (time.perf_counter() - self._started)


def _busy_seconds() -> float:
    """Return the seconds that all cores were busy since the machine started."""
    user, nice, system, _idle, _waiting, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass(frozen=True)
class Memory:
    """Peaks in bytes, at the moments of looking, fifty times a second.

    The zygote's resident memory, the pages that a worker shares with nobody, and all processes
    of the grader together, where a page that several have counts once.
    """

    zygote: int
    worker: int
    together: int


def watch(command: Command) -> Memory:
    """Run `grader grade` and look at its processes meanwhile.

    It starts one that grades, which forks a scorer a job, which forks a zygote, which forks the
    workers.
    """
    zygote = worker = together = 0
    with tempfile.TemporaryFile() as output:
        process = _start(command, output)
        while process.poll() is None:
            generations = [{process.pid}]
            while generations[-1]:
                generations.append({child for pid in generations[-1] for child in children(pid)})
            shares = [_kilobytes(pid, "smaps_rollup", "Pss:") for g in generations for pid in g]
            together = max(together, sum(shares))
            _, _, _, zygotes, workers, *_ = [*generations, set(), set(), set(), set()]
            for pid in zygotes:
                zygote = max(zygote, _kilobytes(pid, "status", "VmHWM:"))
            for pid in workers:
                private = _kilobytes(pid, "smaps_rollup", "Private_Clean:", "Private_Dirty:")
                worker = max(worker, private)
            time.sleep(POLL_SECONDS)
        _demand_success(command, process, output)
    return Memory(zygote * 1024, worker * 1024, together * 1024)


def _kilobytes(pid: int, file: str, *names: str) -> int:
    """Sum what a file of a process tells under these names; 0 where the process is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        rows = [line.split() for line in Path(f"/proc/{pid}/{file}").read_text().splitlines()]
        return sum(int(row[1]) for row in rows if row and row[0] in names)
    return 0
