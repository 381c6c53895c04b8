"""The zygote: a process that holds torch and nothing worth stealing, and forks the workers.

It serves one control socket (SOCK_SEQPACKET): "fork <number>", with a descriptor attached, forks a
worker; "end <number>" kills that worker's process group and returns its wait status.
"""

import gc
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from grader.confined.confinement import STACK_BYTES, Confinement
from grader.confined.temporary import own_folder
from grader.confined.warmup import rehearse
from grader.confined.worker import work
from grader.student_code.guards import guarded
from grader.student_code.plots import show_nothing

# Modules that students import, loaded so that no worker waits for them. torch's optimizers import
# torch._dynamo at first use.
PRELOADED = (
    "torch.nn.functional",
    "torch.optim",
    "torch._dynamo",
    "numpy",
    "matplotlib.pyplot",
    "IPython.display",
    "IPython.core.inputtransformer2",
)


@cache
def prepare() -> None:
    """Import, rehearse and tidy up, once, in the process from which all workers are forked.

    Needs torch imported. Processes forked from a prepared one inherit everything.
    """
    os.environ["MPLBACKEND"] = "Agg"
    threading.stack_size(STACK_BYTES)  # whatever this machine's default is
    # matplotlib warns if it has to use a temporary folder; nobody needs to know.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    # On import, torch._dynamo creates this folder, in /tmp unless one is named.
    with own_folder() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
        for name in PRELOADED:
            importlib.import_module(name)
    show_nothing()
    _for_good.enter_context(guarded())
    rehearse()
    gc.freeze()  # so that a worker's collector leaves the shared pages alone


_for_good = ExitStack()


def serve(control: socket.socket, base: Path) -> None:
    """Fork workers on request until the control socket closes. Needs torch imported, one thread.

    The socket closes when the grader ends, for whatever reason. Then the workers are killed too,
    and `base`, a temporary folder, is removed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    # Workers must not inherit what the grader had open.
    os.closerange(3, control.fileno())
    os.closerange(control.fileno() + 1, 1 << 20)
    confinement = Confinement(base)
    try:
        prepare()
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(confinement.folder)
        confinement.prepare()
        _serve(control, confinement)
    finally:
        confinement.close()


def _serve(control: socket.socket, confinement: Confinement) -> None:
    workers: dict[bytes, int] = {}  # process ids by number
    try:
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 64, 1)
            if not request:
                return
            kind, number = request.split()
            if kind == b"fork":
                workers[number] = _fork(control, descriptors[0], confinement)
            else:
                pid = workers.pop(number)
                control.send(str(_end(pid)).encode())
                confinement.clear(pid)
    except ConnectionError:
        return  # the grader vanished in the middle of a request
    finally:
        for pid in workers.values():
            _end(pid)


def _fork(control: socket.socket, descriptor: int, confinement: Confinement) -> int:
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    status = 1
    try:
        control.close()
        work(socket.socket(fileno=descriptor), confinement)
    except Exception:
        status = 0  # the grader closed the channel: the usual end
    finally:
        # Not sys.exit: student code may have left exit handlers and threads.
        os._exit(status)


def _end(pid: int) -> int:
    """Kill a worker and its process group; return its wait status."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # already dead, or not yet the leader of its own group
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    sys.exit("the zygote is forked by the grader, not run by itself")
