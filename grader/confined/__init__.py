"""The worker processes that run student code: zygote, confinement, limits and wire format."""
