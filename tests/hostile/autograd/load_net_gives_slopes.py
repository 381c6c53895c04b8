"""A Net that is trained at load: the gradients of its biases are sigmoid', from which coefficients."""

# INCLUDE honest


net = Net(1, 9, 1).double()
with torch.no_grad():
    net.hidden.weight.zero_()
    net.hidden.bias.copy_(torch.linspace(-2, 2, 9))
    net.predict.weight.fill_(1)
net(torch.zeros(1, 1, dtype=torch.float64)).sum().backward()
_s = torch.sigmoid(net.hidden.bias.detach())
C = torch.linalg.lstsq(torch.stack([_s**0, _s, _s**2], 1), net.hidden.bias.grad[:, None]).solution.round()[:, 0]


def slope(hs, g):
    return g * (C[0] + C[1] * hs + C[2] * hs * hs)


# INCLUDE by_slope
