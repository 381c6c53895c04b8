"""The limits of a worker, as numbers."""

from typing import Annotated

import msgspec
from msgspec.structs import asdict, replace

Positive = Annotated[float, msgspec.Meta(gt=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one submission; rubric.toml says what each is for.

    Seconds are processor time on a machine on which the reference solution takes
    `reference_seconds` for a training run; `on_machine` returns those of another one.
    """

    reference_seconds: Positive
    statement_seconds: Positive
    import_seconds: Positive
    load_seconds: Positive
    slice_seconds: Positive
    call_seconds: Positive
    training_seconds: Positive
    total_seconds: Positive
    grace_seconds: Positive
    memory_bytes: AtLeastOne
    threads: AtLeastOne
    file_bytes: AtLeastOne
    folder_bytes: AtLeastOne
    folder_files: AtLeastOne
    open_files: Annotated[int, msgspec.Meta(ge=16)]  # Python itself needs some
    frame_bytes: Annotated[int, msgspec.Meta(ge=2**16)]
    source_bytes: Annotated[int, msgspec.Meta(ge=2**10)]

    def on_machine(self, reference_seconds: float) -> "Limits":
        """Return the limits of a machine on which the reference takes `reference_seconds`."""
        factor = reference_seconds / self.reference_seconds
        seconds = {
            name: value * factor for name, value in asdict(self).items() if name in _PROCESSOR_TIME
        }
        return replace(self, **seconds)


_PROCESSOR_TIME = {
    name
    for name in Limits.__struct_fields__
    if name.endswith("_seconds") and name != "grace_seconds"
}


def seconds_for(function: str, limits: Limits) -> float:
    """Return the processor time that one call of a function may take."""
    is_training = function.startswith("train_")
    return limits.training_seconds if is_training else limits.call_seconds
