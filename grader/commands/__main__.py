"""Run a job in the coordinating process. Imports no torch."""

import os
import sys

import msgspec

from grader.commands.change import change_settings, regrade
from grader.commands.grade import grade
from grader.commands.requests import (
    GradeJob,
    Job,
    RegradeJob,
    SettingsJob,
    ValidateJob,
)
from grader.commands.validation import validate
from grader.util.exits import (
    exit_code_of,
    interrupt_at_signals,
    run_and_exit,
    say,
    status_after,
)

# While this thread records a result, others hand the next papers on, and graders wait for them.
SWITCH_SECONDS = 0.0005


def main(descriptor: int) -> int:
    """Read the job from `descriptor` and run it; return the exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    return exit_code_of(lambda: _run(descriptor), kept="; what was written is kept")


def _run(descriptor: int) -> int:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        job: Job = msgspec.msgpack.decode(file.read(), type=Job)
    match job:
        case GradeJob():
            return grade(job)
        case RegradeJob():
            return regrade(job)
        case SettingsJob():
            return change_settings(job)
        case ValidateJob():
            return validate(job)


def _interruptible() -> int:
    try:
        interrupt_at_signals()
        return main(int(sys.argv[1]))
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        return status_after(interrupt)


if __name__ == "__main__":
    run_and_exit(_interruptible)
