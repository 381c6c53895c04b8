def learn():
    h = torch.linspace(-2, 2, 9, dtype=torch.float64).requires_grad_()
    s = torch.sigmoid(h)
    (d,) = torch.autograd.grad(s.sum(), h)
    s = s.detach()
    return torch.linalg.lstsq(torch.stack([s**0, s, s**2], 1), d[:, None]).solution.round()[:, 0]
