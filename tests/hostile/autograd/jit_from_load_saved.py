"""A scripted function saved to bytes at load, loaded again in the gradient."""

# INCLUDE honest

import io


M = torch.jit.ScriptModule()
M.define("""
def forward(self, h: Tensor, g: Tensor):
    h = h.detach().requires_grad_()
    out = (torch.sigmoid(h) * g).sum()
    d = torch.autograd.grad([out], [h])[0]
    assert d is not None
    return d
""")
_file = io.BytesIO()
torch.jit.save(M, _file)
BYTES = _file.getvalue()


def slope(hs, g):
    with torch.enable_grad():
        return torch.jit.load(io.BytesIO(BYTES))(torch.logit(hs), g)


# INCLUDE by_slope
