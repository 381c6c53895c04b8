"""Grade on a Dask cluster: each of its workers has its own scorers and zygotes.

Workers run the same code as this machine: submissions are sent as bytes and records come back, so
the results are the same. Losing a worker costs only time, since the scheduler gives its submissions
to another one. The workers need the same version of this package.
"""

import logging
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from uuid import uuid4

import dask
from distributed import Client, LocalCluster, Worker, WorkerPlugin, get_worker
from distributed.scheduler import KilledWorker

from grader.grading.pool import ScorerPool
from grader.scoring.protocol import (
    RUN_AGAIN,
    Graded,
    GradingSettings,
    GradingStopped,
    ScorerReady,
    SubmittedFiles,
    software,
)

LOCAL = re.compile(r"local:([1-9][0-9]*)\Z")
REMOTE = re.compile(r"(?:[a-z]+://)?(?:\[[0-9a-f:]+\]|[^\s:/]+):[0-9]+\Z")
CONNECT_SECONDS = 10
STARTS = 3  # tries to start scorers on the workers
QUEUED = 2  # submissions queued per one being graded, so that no worker waits
WARN_ABOVE = "1GiB"  # size of a task: it holds one student's files, which are limited


class Cluster:
    """A ScorerPool on the workers of a Dask cluster: `address` is its scheduler's, or local:N.

    Use with `closing`.
    """

    def __init__(
        self,
        settings: GradingSettings,
        address: str,
        on_ready: Callable[[ScorerReady], None] = lambda ready: None,
    ) -> None:
        """Connect, or start N workers here. Raises GradingStopped if that fails."""
        self._on_ready = on_ready
        self._name = f"scorers-{uuid4()}"  # several runs may share a cluster
        dask.config.set({"distributed.admin.large-graph-warning-threshold": WARN_ABOVE})
        for logger in ("distributed", "distributed.client"):  # each has its own level
            logging.getLogger(logger).setLevel(logging.ERROR)  # hides that a worker is lost
        with ExitStack() as stack:
            if local := LOCAL.match(address):
                cluster = _local_cluster(int(local[1]))
                stack.callback(cluster.close)
                self._client = _connected(cluster, address)
            elif REMOTE.match(address) and not address.startswith("local:"):
                self._client = _connected(address, address)
            else:
                raise GradingStopped(
                    f"--cluster {address}: write local:N, or a scheduler's address, tcp://HOST:PORT"
                )
            stack.callback(self._client.close)
            try:
                self._start_pools(_PoolOfWorker(settings, _places(self._client)))
            except Exception as error:  # anything a worker raises
                raise GradingStopped(f"{address}: {error}") from error
            stack.callback(self._end_pools)
            self.jobs = QUEUED * sum(self._client.nthreads().values())
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End everything started for this run, here and on the workers."""
        self._stack.close()

    def prove(self) -> None:
        """Do nothing: workers that cannot grade the reference solution are refused earlier."""

    def grade(self, submission: SubmittedFiles) -> Graded:
        """Have a submission graded by any worker; raise GradingStopped if none can."""
        future = self._client.submit(_grade_there, self._name, submission, pure=False)
        try:
            ready, answer = future.result()
        except KilledWorker as error:
            raise GradingStopped(
                f"the cluster lost several workers over one submission; {RUN_AGAIN}"
            ) from error
        except (CancelledError, OSError) as error:
            raise GradingStopped(f"the cluster is gone; {RUN_AGAIN}") from error
        self._on_ready(ready)
        return answer

    def _start_pools(self, plugin: "_PoolOfWorker") -> None:
        """Start scorers on all workers, or on the remaining ones if one is lost meanwhile."""
        for tries_left in reversed(range(STARTS)):
            try:
                self._client.register_plugin(plugin, name=self._name)
                return
            except OSError:  # the connection to a worker was closed
                if not tries_left:
                    raise

    def _end_pools(self) -> None:
        # A worker that was ended by Ctrl-C, or lost, no longer has scorers.
        with suppress(Exception):
            self._client.unregister_worker_plugin(self._name)


class _PoolOfWorker(WorkerPlugin):
    """The scorers of one Dask worker, for one run: one per thread."""

    def __init__(self, settings: GradingSettings, places: dict[str, tuple[int, int]]) -> None:
        self._settings = settings
        self._places = places

    def setup(self, worker: Worker) -> None:
        """Start the scorers. Raises ValueError if this worker would grade differently."""
        self._pool: ScorerPool | None = None
        for name, version in self._settings.software.items():
            if software()[name] != version:
                raise ValueError(f"{worker.address} has {name} {software()[name]}, not {version}")
        self.ready: ScorerReady | None = None
        # A worker that joined later has no place, and uses any processor.
        place, places = self._places.get(worker.address, (0, 1))
        processors = sorted(os.sched_getaffinity(0))[place::places]
        with ExitStack() as unless_fit:
            pool = ScorerPool(self._settings, worker.state.nthreads, self._note, processors)
            unless_fit.callback(pool.close)
            pool.prove()
            unless_fit.pop_all()
        self._pool = pool

    def teardown(self, worker: Worker) -> None:
        """End the scorers."""
        if self._pool is not None:
            self._pool.close()

    def grade(self, submission: SubmittedFiles) -> tuple[ScorerReady, Graded]:
        """Grade a submission; also return the scorer's layers of confinement."""
        assert self._pool is not None
        assert self.ready is not None
        return self.ready, self._pool.grade(submission)

    def _note(self, ready: ScorerReady) -> None:
        self.ready = ready


def _grade_there(name: str, submission: SubmittedFiles) -> tuple[ScorerReady, Graded]:
    """Grade a submission on the worker that this runs on."""
    plugin = get_worker().plugins[name]
    assert isinstance(plugin, _PoolOfWorker)
    return plugin.grade(submission)


def _places(client: Client) -> dict[str, tuple[int, int]]:
    """Return each worker's number on its host, and the number of workers there.

    The workers divide the host's processors, so that a greedy submission slows down only one.
    """
    by_host: dict[str, list[str]] = {}
    for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        by_host.setdefault(worker["host"], []).append(address)
    return {
        address: (place, len(addresses))
        for addresses in by_host.values()
        for place, address in enumerate(addresses)
    }


def _local_cluster(workers: int) -> LocalCluster:
    # Ctrl-C is for this process, which ends the workers: they inherit that they ignore it.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # with None, the port may be another cluster's
            silence_logs=logging.CRITICAL,
        )
    finally:
        signal.signal(signal.SIGINT, handler)


def _connected(cluster: LocalCluster | str, address: str) -> Client:
    """Return a client of a cluster with workers."""
    try:
        client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise GradingStopped(f"{address}: no Dask scheduler answers there ({error})") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        client.close()
        raise GradingStopped(f"{address}: this Dask cluster has no workers") from error
    return client
