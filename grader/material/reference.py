"""The reference solution as a submission, by which the grader proves itself before it grades."""

from grader.material import rendered
from grader.material.module import full
from grader.rubric import Rubric

NAME = "reference.py"

# Appended to the reference solution, which needs nothing but torch: students' own code also needs
# to import what no worker has imported yet, and some memory. Each line is a kind of file to find: a
# module of Python's own, one compiled, and the same of the packages that students may count on.
PROBE = """
import sched
import _codecs_jp
import numpy.polynomial
import numpy.linalg.lapack_lite
import matplotlib.sankey
import torch.nn.utils.prune
import IPython.lib.demo
_room = torch.empty(256 * 2**20, dtype=torch.uint8)
del _room
"""


def reference_module(rubric: Rubric) -> str:
    """Return the module of the reference solution of a rubric, with the probe."""
    return full(rendered("homework.py.j2", rubric)) + PROBE
