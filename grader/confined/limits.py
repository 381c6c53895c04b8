"""The limits of a worker, and the place where it is confined."""

import os
import resource

import msgspec


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one submission; rubric.toml says what each is for."""

    statement_seconds: float
    import_seconds: float
    load_seconds: float
    slice_seconds: float
    call_seconds: float
    training_seconds: float
    grace_seconds: float
    total_seconds: float
    cpu_seconds: int
    memory_bytes: int
    file_bytes: int
    open_files: int
    frame_bytes: int
    source_bytes: int


def confine(limits: Limits, folder: str) -> list[str]:
    """Confine this process for the rest of its life; return the layers now in force.

    `folder` becomes its working folder, and the one for its temporary files and caches.
    Called once in a freshly forked worker, before any student code is there.
    """
    os.setsid()
    # At the soft limit SIGXCPU, which tells the grader why; at the hard one SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    for name, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(name, (value, value))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(HOME=folder, TMPDIR=folder)
    return ["session", "rlimits", "environment", "folder"]
