"""Write a class's feedback pages, rendered outside the coordinating process.

Sources may be hostile, and parsing them may hang or use up all memory, so it happens in separate
processes with limited processor time per page. Nothing slow or unsafe is imported here.
"""

import hashlib
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context, resource_tracker
from pathlib import Path

import msgspec
from pebble import ProcessPool

from grader.judging.messages import LOCALE, Language, add_mistakes
from grader.reports.feedback import render
from grader.reports.feedback.render import Form, Order
from grader.results.record import Final
from grader.rubric import Rubric
from grader.scoring.limited_process import SLEEP_SECONDS, Allowance, within, write_nothing
from grader.util.atomic import EVERYBODY, write_atomically
from grader.util.exits import ENDING

FEEDBACK = "feedback.html"
AHEAD = 8  # pages begun per process, so that the class is never all in memory
HEAD_BYTES = 4096  # a page's digest is within these
SIMPLER: tuple[Form, ...] = ("plain",)  # tried if the full form fails


class Pages:
    """Writes results/<student>/feedback.html. Use with `closing`, which ends the processes.

    Processes are started for the first page that is not up to date.
    """

    def __init__(self, jobs: int, results: Path, language: Language, rubric: Rubric) -> None:
        self._results = results
        self._language = language
        self._limits = rubric.pages
        self._attempts = rubric.attempts
        self._mistakes = dict(rubric.package.MISTAKES)
        self._tasks = rubric.tasks
        self._jobs = jobs
        self._pool: ProcessPool | None = None
        self._queue: deque[tuple[Path, Order, Future[str]]] = deque()
        self.page_count = 0

    def add(self, final: Final, source: Callable[[], bytes | None]) -> None:
        """Have a student's page written, unless it is up to date.

        `source` returns the file that counts, None if none can be read; `final.record` is whole. An
        OSError may concern this page or an earlier one.
        """
        path = self._results / final.student / FEEDBACK
        digest = self._digest_of(final)
        if _is_of(path, digest):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        order = Order(
            final=final,
            source=source(),
            counts=self._attempts.counts,
            language=self._language,
            digest=digest,
            limits=self._limits,
            tasks=self._tasks,
        )
        self._queue.append((path, order, self._start("full", order)))
        while self._queue and (self._queue[0][2].done() or len(self._queue) > AHEAD * self._jobs):
            self._write_next()

    @property
    def waiting(self) -> int:
        """The number of pages begun and not yet written."""
        return len(self._queue)

    def finish(self) -> None:
        """Wait for the pages already begun, and write them."""
        while self._queue:
            self._write_next()

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        self._queue.clear()
        if self._pool:
            self._pool.stop()
            self._pool.join()

    def _digest_of(self, final: Final) -> str:
        """Return a digest of all that determines a page, including the source's sha256."""
        digest = hashlib.sha256(_digest_of_code(self._language))
        settings = (self._attempts, self._language, self._limits, self._tasks.stored())
        digest.update(msgspec.msgpack.encode((final, *settings)))
        return digest.hexdigest()

    def _write_next(self) -> None:
        path, order, future = self._queue.popleft()
        page = self._rendered(order, future)
        if path.parent.is_dir():  # otherwise somebody has removed this student
            write_atomically(path, page, EVERYBODY)
            self.page_count += 1

    def _rendered(self, order: Order, future: Future[str]) -> str:
        """Return a page, in a simpler form if rendering took too long or killed its process."""
        for simpler in (*SIMPLER, None):
            try:
                return future.result()
            except Exception:  # anything a hostile source did to its process
                if simpler:
                    future = self._start(simpler, order)
        return render.page(order, "words")  # here, as no student's source is parsed or drawn

    def _start(self, form: Form, order: Order) -> Future[str]:
        if self._pool is None:
            self._pool = ProcessPool(
                self._jobs,
                initializer=_prepare,
                initargs=(self._mistakes,),
                context=get_context("spawn"),
            )
        allowance = Allowance(self._limits.seconds, self._limits.memory_bytes)
        future: Future[str] = Future()
        with interrupts_wait():
            try:
                future = self._pool.schedule(
                    within, args=(allowance, render.page, order, form), timeout=SLEEP_SECONDS
                )
            except OSError as error:  # a container's shared memory is full; retried later
                future.set_exception(error)
        return future


def _prepare(mistakes: Mapping[str, str]) -> None:
    """Prepare a process for rendering: restrict it, and add the homework's mistakes."""
    write_nothing()
    add_mistakes(mistakes)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold back signals that end the program while processes start.

    The processes inherit that they ignore Ctrl-C and a closed terminal, of which every process in
    it is notified: this process handles them, and ends the others.

    A mask alone is not enough: another thread would still receive the signal, and Python would then
    interrupt the main thread, leaving a process with only half of its orders.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    resource_tracker.ensure_running()  # if started later, it would unblock Ctrl-C
    arrivals: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}
    handled = [number for number, handler in handlers.items() if callable(handler)]
    for number in handled:
        signal.signal(number, lambda number, _: arrivals.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in handled:
            signal.signal(number, handlers[number])
    if arrivals:
        signal.raise_signal(arrivals[0])


@cache
def _digest_of_code(language: Language) -> bytes:
    """Return a digest of all that makes pages: code, templates, and the language's catalogue."""
    digest = hashlib.sha256()
    reports = Path(__file__).parent.parent
    files = [path for path in sorted(reports.rglob("*")) if path.is_file()]
    catalogue = sorted((LOCALE / language).rglob("*.mo"))
    for path in files + catalogue:
        if "__pycache__" not in path.parts:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _is_of(path: Path, digest: str) -> bool:
    """Tell whether the page with this digest exists."""
    try:
        with path.open("rb") as file:
            return digest.encode() in file.read(HEAD_BYTES)
    except FileNotFoundError:
        return False
