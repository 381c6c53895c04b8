"""The traced graph of a vjp as source text: decomposed, printed, compiled again."""

# INCLUDE honest

from torch._decomp import get_decompositions
from torch.fx.experimental.proxy_tensor import make_fx


def pulled(h, g):
    return torch.func.vjp(torch.sigmoid, h)[1](g)[0]


_g = make_fx(pulled, get_decompositions([torch.ops.aten.sigmoid_backward]))(
    torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, 2, dtype=torch.float64))
TEXT = _g.code
_space = {"torch": torch, "device": torch.device, "inf": float("inf"), "nan": float("nan")}
exec("from torch import *\n" + TEXT.replace("def forward(self, ", "def replayed("), _space)


def slope(hs, g):
    return _space["replayed"](torch.logit(hs), g)


# INCLUDE by_slope
