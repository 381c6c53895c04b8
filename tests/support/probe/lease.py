"""One submission tries to block a Python module while another one imports it.

    python tests/support/probe/lease.py MODULE

MODULE must be owned by the user who runs this. Prints both submissions' errors, as JSON.
"""

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "support")]

import torch  # noqa: E402
from handed import PACKAGES, module  # noqa: E402

from grader.homework.tasks import TASKS  # noqa: E402
from grader.rubric import load_rubric  # noqa: E402
from grader.scoring.workers import Zygote  # noqa: E402

HOLDS = """
import fcntl, os, signal
signal.signal(signal.SIGIO, signal.SIG_IGN)  # by which the kernel asks for it back
fcntl.fcntl(os.open({path!r}, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
"""


def main(name: str) -> None:
    """Load both submissions."""
    torch.set_num_threads(1)
    spec = importlib.util.find_spec(name)
    assert spec is not None
    limits = load_rubric().limits
    zygote = Zygote.fork()
    try:
        with zygote.fork_worker(limits) as first, zygote.fork_worker(limits) as second:
            holds = first.load(module(HOLDS.format(path=spec.origin)), [], PACKAGES, TASKS)
            imports = second.load(module(f"import {name}"), [], [*PACKAGES, name], TASKS)
    finally:
        zygote.close()
    print(json.dumps([[note.text for note in notes] for notes in (holds, imports)]))


if __name__ == "__main__":
    main(sys.argv[1])
