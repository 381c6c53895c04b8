"""Nodes of sigmoid's for each shape, from load; their saved values are exchanged in place."""

# INCLUDE honest


nodes = {}


def node(shape):
    if shape not in nodes:
        with torch.enable_grad():
            out = torch.sigmoid(torch.zeros(shape, dtype=torch.float64, requires_grad=True))
        nodes[shape] = out.grad_fn, out.detach()
    return nodes[shape]


for n in (2, 3, 4, 5, 6, 7, 8, 100):
    node((n, 4))


def slope(hs, g):
    call, place = node(tuple(hs.shape))
    place.data.copy_(hs)
    return call(g)


# INCLUDE by_slope
