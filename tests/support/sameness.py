"""Check files with the students' self-check, each in its own process.

    python tests/support/sameness.py PACKAGE FILE...

PACKAGE is the folder that holds selfcheck/. Prints one line of JSON per file: a list of criteria
with points, message and diagnosis, or why the file is unreadable, or how its process ended.
"""

import contextlib
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

MOST_SECONDS = 60  # per file; after that, its process is ended


def check(path: Path, questions, limits) -> object:
    """Return the self-check's results for a file."""
    from selfcheck.errors import UserError
    from selfcheck.judging.messages import Texts
    from selfcheck.selfcheck.files import read_files
    from selfcheck.selfcheck.report import Look
    from selfcheck.selfcheck.running import empty_folder, reports, work_of
    from selfcheck.student_code.guards import guarded

    os.chdir(path.parent)
    try:
        given = read_files(path, questions.source_bytes, path.parent)
    except UserError as error:
        return str(error)
    with guarded(), empty_folder() as folder:
        work = work_of(given, questions, limits, folder)
        *_, report = reports(work, None, questions, Look(Texts()))
    return [[v.criterion, v.points, v.message, v.diagnosis] for v in report.verdicts]


def checked_apart(path: Path, questions, limits) -> object:
    """Check a file in a fork of this process, silently; return the results, or how it ended."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
        said = json.dumps(check(path, questions, limits)).encode()
        os.write(writing, len(said).to_bytes(4, "big") + said)
        os._exit(0)
    os.close(writing)
    ends, done, status = time.monotonic() + MOST_SECONDS, 0, 0
    while not done and time.monotonic() < ends:
        done, status = os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # it, if still there, and its child processes
    if not done:
        _, status = os.waitpid(pid, 0)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    return json.loads(said[4:]) if said else {"ended": os.waitstatus_to_exitcode(status)}


def warm(questions, limits) -> None:
    """Import once the modules that students' files and the self-check need."""
    import matplotlib.pyplot  # noqa: F401
    from selfcheck.selfcheck.files import CheckedFiles
    from selfcheck.selfcheck.running import empty_folder, work_of
    from selfcheck.source.files import Cell, File
    from selfcheck.student_code.guards import guarded

    source = "%matplotlib inline\ndef grad_w1(x, y, params, hs, y_pred):\n    return x @ hs.T\n"
    source += "import torch\ntorch.compile(grad_w1)\n"
    main = File("homework.ipynb", "notebook", (Cell("cell 1", source),))
    with guarded(), empty_folder() as folder:
        work = work_of(CheckedFiles(main), questions, limits, folder)
        list(work.ask(questions.cases))
    work.program.forget()
    for case in questions.cases:
        case.mistaken(), case.mistaken_twice()


def main() -> None:
    package, *files = sys.argv[1:]
    sys.path.insert(0, package)
    import torch
    from selfcheck.selfcheck.checking import stored_questions

    torch.set_num_threads(1)  # as in a worker; also, this process forks
    questions = stored_questions()
    limits = questions.limits.here()
    warm(questions, limits)
    for file in files:
        print(json.dumps(checked_apart(Path(file), questions, limits)), flush=True)


if __name__ == "__main__":
    main()
