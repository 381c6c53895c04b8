"""Nest folders deeper than a recursive clean-up can follow."""
# INCLUDE honest

import os

start = os.open(".", os.O_PATH)
for _ in range(3000):
    try:
        os.mkdir("deeper")
        os.chdir("deeper")
    except OSError:
        break
os.fchdir(start)
