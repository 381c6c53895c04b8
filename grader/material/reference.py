"""The reference solution as a submission, with which the grader checks itself before it grades."""

from grader.material import rendered
from grader.material.module import full
from grader.rubric import Rubric

NAME = "reference.py"

# Appended to the reference solution, which needs only torch. Students' code also needs memory, and
# modules that no worker has imported yet. Each import is a kind of file to find: a Python module of
# the standard library, a compiled one, and the same of the packages that students may count on.
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
    """Return the module of a rubric's reference solution, with the probe."""
    return full(rendered("homework.py.j2", rubric)) + PROBE
