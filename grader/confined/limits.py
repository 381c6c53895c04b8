"""The limits of a worker, as numbers."""

from typing import Annotated

import msgspec
from msgspec.structs import asdict, replace

from grader.source.tasks import Question

SHORTEST = 1e-5  # a timer treats less as zero
Seconds = Annotated[float, msgspec.Meta(ge=SHORTEST, le=1e6)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
# Less than this leaves too little room for Python or the reference solution itself.
Bytes = Annotated[int, msgspec.Meta(ge=2**16, le=2**44)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one submission; rubric.toml says what each is for.

    Seconds are processor time on a machine on which the reference solution takes
    `reference_seconds` for a training run; `on_machine` converts them to another machine.
    """

    reference_seconds: Annotated[float, msgspec.Meta(ge=0.001, le=60)]
    statement_seconds: Seconds
    import_seconds: Seconds
    load_seconds: Seconds
    slice_seconds: Seconds
    call_seconds: Seconds
    training_seconds: Seconds
    total_seconds: Seconds
    grace_seconds: Seconds
    memory_bytes: Bytes
    threads: Count
    file_bytes: Bytes
    folder_bytes: Bytes
    folder_files: Count
    open_files: Annotated[int, msgspec.Meta(ge=16, le=1_000_000)]
    frame_bytes: Bytes
    source_bytes: Bytes
    graded_files: Count = 5  # a default, for rubrics stored by older graders

    def on_machine(self, reference_seconds: float) -> "Limits":
        """Return the limits for a machine on which the reference takes `reference_seconds`."""
        factor = reference_seconds / self.reference_seconds
        seconds = {
            name: max(value * factor, SHORTEST)
            for name, value in asdict(self).items()
            if name in _PROCESSOR_TIME
        }
        return replace(self, **seconds)


_PROCESSOR_TIME = {
    name
    for name in Limits.__struct_fields__
    if name.endswith("_seconds") and name != "grace_seconds"
}


def seconds_for(question: Question, limits: Limits) -> float:
    """Return the processor time that one call may take."""
    return limits.training_seconds if question.is_training else limits.call_seconds
