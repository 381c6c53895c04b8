"""Print without end; 200 MB at most."""
# INCLUDE honest

import os

for _ in range(100):
    print("x" * (1 << 20), flush=True)
    os.write(1, bytes(1 << 20))
