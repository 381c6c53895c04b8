"""The command line in this process, with grading processes kept between runs.

A separate run spends three seconds of processor time on torch. Here one process with torch forks
all scorers, and those for the last few settings are kept. Tests about processes (what they inherit,
what ends them, what they leave) run a separate grader: conftest.run_grader.
"""

import contextlib
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import msgspec

# `change`: imported only while new_seed is another one, it would keep that.
from grader.commands import change, cli, shared  # noqa: F401
from grader.gradebook import SeedSetting, options
from grader.grading import launch, pool
from grader.grading.pool import ScorerPool
from grader.reports.feedback import render
from grader.reports.feedback.pages import Pages
from grader.reports.feedback.render import Form, Order
from grader.scoring.protocol import Graded, GradingSettings, ScorerReady, SubmittedFiles

MOST = 8  # settings whose scorers are kept
# Of all new gradebooks, so that scorers are lent again.
SEED = SeedSetting(str(2**127 + 1), "secret")


class Grading:
    """A process that grades, started with the first scorer; it forks another one per settings."""

    def __init__(self) -> None:
        self._control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        self._scorers = 0

    def start(self, is_for_many: bool, descriptors: Sequence[int]) -> "Grading":
        """Stand in for launch.start_grading; a scorer that dies is not replaced."""
        _, channel = descriptors
        if self._process is None:
            with self._theirs as theirs:
                self._process = launch.start_grading(True, [theirs.fileno(), channel])
        else:
            self._scorers += 1
            socket.send_fds(self._control, [str(self._scorers).encode()], [channel])
        return self

    def wait(self) -> None:
        """Stand in for waiting for the end: a scorer ends with its channel, this process stays."""

    def close(self) -> None:
        self._control.close()
        self._theirs.close()  # already closed if the process was started
        if self._process is not None:
            self._process.wait()


class Kept:
    """One proved scorer for one settings, and its messages when it was ready."""

    def __init__(self, settings: GradingSettings, grading: Grading) -> None:
        self.told: list[ScorerReady] = []
        with mock.patch.object(pool, "start_grading", grading.start):
            self.pool = ScorerPool(settings, 1, self.told.append)
        self.pool.prove()


@dataclass
class Lent:
    """A kept scorer, lent to one run as its own; closing it does not end it."""

    kept: Kept
    on_ready: Callable[[ScorerReady], None]
    jobs: int = 1

    def prove(self) -> None:
        for ready in self.kept.told:
            self.on_ready(ready)

    def grade(self, submission: SubmittedFiles) -> Graded:
        return self.kept.pool.grade(submission)

    def close(self) -> None:
        pass


class WarmGrader:
    """Runs the command line; `close` ends the processes it keeps."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Kept] = {}
        self._grading = Grading()

    def run(
        self,
        *arguments: object,
        cwd: Path | None = None,
        pages_apart: bool = False,
        own_seed: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command like conftest.run_grader, but without new processes.

        Pages are rendered here, too, unless `pages_apart`: their processes start slowly, and are
        for harmful sources. A new gradebook has the common SEED, unless it draws its `own_seed`.
        """
        words = ["grader", *map(str, arguments)]
        out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with (
            mock.patch.dict(os.environ),  # a command may change it
            mock.patch.object(sys, "argv", words),
            mock.patch.object(cli, "interrupt_at_signals"),
            contextlib.nullcontext()
            if own_seed
            else mock.patch.object(options, "new_seed", return_value=SEED),
            mock.patch.object(shared, "ScorerPool", self._lend),
            contextlib.nullcontext() if pages_apart else mock.patch.object(Pages, "_start", _page),
            contextlib.chdir(cwd or Path.cwd()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(errors),
        ):
            try:
                cli.main()
            except SystemExit as end:
                status = int(end.code or 0)
        return subprocess.CompletedProcess(words, status, _text(out), _text(errors))

    def close(self) -> None:
        while self._kept:
            self._end_the_oldest()
        self._grading.close()

    def _lend(
        self,
        settings: GradingSettings,
        jobs: int,
        on_ready: Callable[[ScorerReady], None] = lambda ready: None,
        processors: Collection[int] = (),
        submissions: int = 0,
    ) -> Lent:
        key = msgspec.msgpack.encode(settings)
        kept = self._kept.pop(key, None) or Kept(settings, self._grading)
        self._kept[key] = kept  # the last one used comes last
        if len(self._kept) > MOST:
            self._end_the_oldest()
        return Lent(kept, on_ready)

    def _end_the_oldest(self) -> None:
        self._kept.pop(next(iter(self._kept))).pool.close()


def _page(self: Pages, form: Form, order: Order) -> Future[str]:
    """Stand in for Pages._start, which would render it in another process."""
    future: Future[str] = Future()
    try:
        future.set_result(render.page(order, form))
    except Exception as error:
        future.set_exception(error)
    return future


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
