"""Hidden numbers in warnings and on both streams."""

# INCLUDE honest

import sys
import warnings


# INCLUDE words


def tell(y, hs):
    warnings.warn(words(y), stacklevel=1)
    print(words(y))
    print(words(y), file=sys.stderr, flush=True)
    raise RuntimeError("no")


# INCLUDE told
