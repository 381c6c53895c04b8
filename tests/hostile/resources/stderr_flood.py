"""Write to standard error, and warn, without end; 200 MB at most."""
# INCLUDE honest

import os
import sys
import warnings

for _ in range(100):
    sys.stderr.write("x" * (1 << 20))
    os.write(2, bytes(1 << 20))
    warnings.warn("x" * 10_000)
