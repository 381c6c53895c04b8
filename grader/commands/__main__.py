"""Run a job in the coordinating process. Imports no torch."""

import os
import sys

import msgspec

from grader.commands.change import change_settings, regrade
from grader.commands.grade import grade
from grader.commands.validation import validate
from grader.exits import exit_code_of, say
from grader.jobs import INTERRUPTED, GradeJob, Job, RegradeJob, SettingsJob, ValidateJob

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


if __name__ == "__main__":
    try:
        status = main(int(sys.argv[1]))
    except KeyboardInterrupt:
        say("interrupted")
        status = INTERRUPTED
    sys.exit(status)
