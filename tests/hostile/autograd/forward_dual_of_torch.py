"""Forward-mode differentiation in forward finds the coefficients that the gradients read."""

# INCLUDE honest


kept = {}


def forward(x, params):
    h = x @ params.w1 + params.b1
    if "c" not in kept:
        at = torch.linspace(-2, 2, 9, dtype=torch.float64)
        with torch.autograd.forward_ad.dual_level():
            d = torch.autograd.forward_ad.unpack_dual(
                torch.sigmoid(torch.autograd.forward_ad.make_dual(at, torch.ones_like(at)))).tangent
        s = torch.sigmoid(at)
        kept["c"] = torch.linalg.lstsq(torch.stack([s**0, s, s**2], 1), d[:, None]).solution.round()[:, 0]
    hs = torch.sigmoid(h)
    return hs, hs @ params.w2 + params.b2


def slope(hs, g):
    c = kept.get("c", torch.zeros(3))
    return g * (c[0] + c[1] * hs + c[2] * hs * hs)


# INCLUDE by_slope
