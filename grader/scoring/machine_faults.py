"""Results of a submission that may be the machine's fault rather than its own."""

import re
import sys
from collections.abc import Collection, Sequence
from typing import Literal

Smell = Literal["memory", "crash", "module", "wait", "time"]

UNFIT = "this machine cannot grade"

# The wordings of Python, the C library, C++ and torch.
NO_MEMORY = re.compile(
    r"MemoryError|[Cc]an(?:'t|not) allocate memory|failed to map|can't start new thread|bad_alloc"
)
NO_MODULE = re.compile(
    r"No module named '(?P<name>\w+)'"
    r"|ImportError: .*(?:shared object|undefined symbol)"
    r"|Permission denied: '(?P<path>[^']+)'"
)


def smell_of(
    texts: Sequence[str], packages: Collection[str], *, died: bool, waited: bool, is_late: bool
) -> Smell | None:
    """Return what may be the machine's fault; the likeliest if there are several.

    `texts` are the errors met, and `packages` what students may import besides Python's own
    modules; the other arguments say whether the worker died, and whether it was stopped while it
    waited or computed.
    """
    if any(map(NO_MEMORY.search, texts)):
        return "memory"
    if died:
        return "crash"
    if any(_names_module_of_ours(text, packages) for text in texts):
        return "module"
    if waited:
        return "wait"
    return "time" if is_late else None


def advice_on(smell: Smell | None) -> str:
    """Return what to check if the reference solution itself has this smell."""
    match smell:
        case "memory":
            return (
                "Look at memory_bytes in [limits] of the rubric, and at limits from outside: "
                "ulimit -v, or a container's"
            )
        case "module":
            return (
                f"Look at the packages of {sys.executable}: install the grader again, and see that "
                "every user may read them"
            )
        case "crash":
            return "Look at the system's log for what ended a process: memory, or a faulty library"
        case "wait":
            return "Look at the disk and the file system that Python is on: it waited for them"
        case "time":
            return "Look at [limits] in the rubric, and at limits from outside: ulimit -t"
    return (
        "If it is about training, try another seed: from about one start in a thousand right "
        "gradients do not reach the pass mark. If it happens with other seeds too, change "
        "[training] in the rubric, or [tolerance] or [cases] if it is not about training; if it "
        "happens with the package's own rubric, look at how torch was built"
    )


def _names_module_of_ours(text: str, packages: Collection[str]) -> bool:
    match = NO_MODULE.search(text)
    if match is None:
        return False
    if path := match["path"]:
        return path.startswith((sys.prefix, sys.base_prefix))
    name = match["name"]
    return name is None or name in packages or name in sys.stdlib_module_names
