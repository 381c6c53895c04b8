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

sys.path.insert(0, str(Path(__file__).parent.parent))
from leftovers import children

POLL_SECONDS = 0.005
TAIL = 2000  # characters of a failed command's output that are shown


class Failed(Exception):
    """A command did not end as it should."""


@dataclass(frozen=True)
class Run:
    """A class graded by one tool, in seconds and bytes.

    `first` is from the start of the command to the first result; `peak` is the largest process's
    resident memory.
    """

    size: int
    seconds: float
    first: float
    peak: int

    @property
    def each(self) -> float:
        """Seconds a submission, from the first result on: what one more submission costs."""
        return (self.seconds - self.first) / (self.size - 1)

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


def run(command: Command) -> tuple[float, int]:
    """Run a command to its end; return its seconds and the largest peak memory of its processes.

    Raises Failed, with the end of what it printed, where its exit code is not a right one.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = _start(command, output)
        _, status, usage = os.wait4(process.pid, 0)  # of it, and of all that was waited for
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        _demand_success(command, process, output)
    return seconds, usage.ru_maxrss * 1024


def run_batch(command: Command, results: Path, pattern: str) -> Run:
    """Run a command that grades a class: the files `pattern` in `results` are its results.

    The first result is known by its time on disk, so that nothing watches while the clock runs.
    """
    started = time.time()
    seconds, peak = run(command)
    times = [path.stat().st_mtime for path in results.glob(pattern)]
    return Run(len(times), seconds, min(times) - started, peak)


def run_each(commands: Iterable[Command]) -> Run:
    """Run a command a submission, one after the other."""
    seconds, peaks = zip(*map(run, commands), strict=True)
    return Run(len(seconds), sum(seconds), seconds[0], max(peaks))


def _start(command: Command, output: IO[bytes]) -> subprocess.Popen[bytes]:
    words = [str(word) for word in command.words]
    return subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=command.cwd,
    )


def _demand_success(
    command: Command, process: subprocess.Popen[bytes], output: IO[bytes]
) -> None:
    if process.returncode not in command.right:
        output.seek(0)
        printed = output.read().decode(errors="replace")[-TAIL:]
        words = " ".join(map(str, command.words))
        raise Failed(f"{words}: exit code {process.returncode}\n{printed}")


@dataclass(frozen=True)
class Memory:
    """Peaks in bytes: the zygote's resident memory, and what a worker has for itself alone."""

    zygote: int
    worker: int


def watch(command: Command) -> Memory:
    """Run `grader grade` and look at its processes meanwhile: it forks one, which forks workers.

    A worker's own pages are counted at the moments of looking, every few milliseconds.
    """
    zygote = worker = 0
    with tempfile.TemporaryFile() as output:
        process = _start(command, output)
        while process.poll() is None:
            for parent in children(process.pid):
                zygote = max(zygote, _peak_resident(parent))
                worker = max(worker, *map(_private, children(parent)), 0)
            time.sleep(POLL_SECONDS)
        _demand_success(command, process, output)
    return Memory(zygote, worker)


def _peak_resident(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def _private(pid: int) -> int:
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Private_Clean:", "Private_Dirty:")


def _kilobytes(path: Path, *names: str) -> int:
    """Sum what a file of /proc tells under these names, in bytes; 0 where the process is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        rows = [line.split() for line in path.read_text().splitlines()]
        return 1024 * sum(int(row[1]) for row in rows if row and row[0] in names)
    return 0
