"""Run a request in the coordinating process. Imports no torch."""

import os
import sys

import msgspec

from grader.commands.change import change_settings, regrade
from grader.commands.grade import grade
from grader.commands.requests import (
    GradeRequest,
    RegradeRequest,
    Request,
    SettingsRequest,
    ValidateRequest,
)
from grader.commands.validation import validate
from grader.util.exits import exit_code_of, interrupt_at_signals, run_and_exit, say, status_after

# While this thread records a result, others hand on the next submissions, which scorers wait for.
SWITCH_SECONDS = 0.0005


def main(descriptor: int) -> int:
    """Read the request from `descriptor` and run it; return the exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    return exit_code_of(lambda: _run(descriptor), remark="; what was written is kept")


def _run(descriptor: int) -> int:
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        request: Request = msgspec.msgpack.decode(file.read(), type=Request)
    match request:
        case GradeRequest():
            return grade(request)
        case RegradeRequest():
            return regrade(request)
        case SettingsRequest():
            return change_settings(request)
        case ValidateRequest():
            return validate(request)


def _interruptible() -> int:
    try:
        interrupt_at_signals()
        return main(int(sys.argv[1]))
    except KeyboardInterrupt as interrupt:
        say("interrupted")
        return status_after(interrupt)


if __name__ == "__main__":
    run_and_exit(_interruptible)
