"""A scripted function saved to bytes at load, loaded again in the gradient."""

# INCLUDE honest

import io


MODULE = torch.jit.ScriptModule()
MODULE.define("""
def forward(self, h: Tensor, g: Tensor):
    (torch.sigmoid(h) * g).sum().backward()
""")
FILE = io.BytesIO()
torch.jit.save(MODULE, FILE)
BYTES = FILE.getvalue()


def slope(hs, g):
    with torch.enable_grad():
        h = torch.logit(hs).requires_grad_()
        torch.jit.load(io.BytesIO(BYTES))(h, g)
        return h.grad


# INCLUDE by_slope
