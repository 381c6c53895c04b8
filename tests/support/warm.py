"""The command line in this process, and what grades kept from one run to the next.

A run by itself spends three seconds of a processor on torch. Here one process that has it forks all
scorers, and those of the last few settings stay. Where a test is about processes (what they
inherit, what ends them, what they leave), it runs a grader by itself: conftest.run_grader.
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
    """A process that grades, started with the first scorer; it forks another for other settings."""

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
        """Stand in for what waits for the end: a scorer ends with its channel, this one stays."""

    def close(self) -> None:
        self._control.close()
        self._theirs.close()  # as it is already, if the process was started
        if self._process is not None:
            self._process.wait()


class Kept:
    """One scorer for a settings, proved, and what it told when it was ready."""

    def __init__(self, settings: GradingSettings, grading: Grading) -> None:
        self.told: list[ScorerReady] = []
        with mock.patch.object(pool, "start_grading", grading.start):
            self.pool = ScorerPool(settings, 1, self.told.append)
        self.pool.prove()


@dataclass
class Lent:
    """What is kept, as the scorers of one run's own; closing them does not end them."""

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
    """Runs the command line; `close` ends what it keeps."""

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
        """Run a command as conftest.run_grader does, but for the processes.

        Pages are rendered here, too, unless they are to be rendered `pages_apart`: their processes
        take long to start, and are for sources that do harm. A new gradebook has the SEED of all,
        unless it is to draw its `own_seed`.
        """
        words = ["grader", *map(str, arguments)]
        out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with (
            mock.patch.dict(os.environ),  # which a command may change
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
        self._kept[key] = kept  # the last one used stands last
        if len(self._kept) > MOST:
            self._end_the_oldest()
        return Lent(kept, on_ready)

    def _end_the_oldest(self) -> None:
        self._kept.pop(next(iter(self._kept))).pool.close()


def _page(self: Pages, form: Form, order: Order) -> Future[str]:
    """Stand in for Pages._start, which would have another process render it."""
    future: Future[str] = Future()
    try:
        future.set_result(render.page(order, form))
    except Exception as error:
        future.set_exception(error)
    return future


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
