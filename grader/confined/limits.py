"""The limits of a worker, as numbers."""

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
    threads: int
    file_bytes: int
    folder_bytes: int
    folder_files: int
    open_files: int
    frame_bytes: int
    source_bytes: int
