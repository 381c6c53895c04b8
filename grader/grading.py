"""The grading process: torch, then the zygote, then the job, in this order (see launch.py)."""

import os
import sys

from grader.jobs import INTERRUPTED


def main(descriptor: int) -> int:
    """Fork the zygote, read the job from `descriptor` and run it; return the exit code."""
    # Imported here and not above, so that Ctrl-C is one line while torch loads, too.
    import torch

    from grader.workers import Zygote

    # A zygote that ever ran a two-thread OpenMP region has children that hang in autograd.
    torch.set_num_threads(1)
    zygote = Zygote.fork()
    try:
        # Only now: what these modules hold, and the job, must not be in a worker's memory.
        from grader.commands import run

        with os.fdopen(descriptor, "rb") as file:
            file.seek(0)
            job = file.read()
        return run(job, zygote)
    finally:
        zygote.close()


if __name__ == "__main__":
    try:
        status = main(int(sys.argv[1]))
    except KeyboardInterrupt:
        print("grader: interrupted", file=sys.stderr)
        status = INTERRUPTED
    sys.exit(status)
