"""What a course would check, written once and put into the form of each peer (see peers.py).

Each check takes, by name, what it needs of the homework, and raises where that is wrong.
"""

import torch

SIZES = ((7, 3), (12, 20))
STEPS, LEARNING_RATE, PASS_FRACTION = 2000, 0.2, 0.1


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def problems(Parameters):  # noqa: N803  # it is the homework's name for a class
    """Yield x, y and parameters that require gradients, under both bias conventions."""
    torch.manual_seed(0)
    for n, n_hidden in SIZES:
        for rows in (n, 1):
            shapes = ((1, n_hidden), (rows, n_hidden), (n_hidden, 1), (rows, 1))
            params = Parameters(*(draw(*shape).requires_grad_() for shape in shapes))
            yield draw(n, 1), draw(n, 1), params


def reference(x, params):
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    return hs, hs @ params.w2 + params.b2


def assert_close(value, expected):
    assert value.shape == expected.shape, (value.shape, expected.shape)
    assert torch.allclose(value, expected)


def assert_gradient(function, name, Parameters):  # noqa: N803
    """Compare a gradient with autograd's."""
    for x, y, params in problems(Parameters):
        hs, y_pred = reference(x, params)
        (y - y_pred).square().sum().backward()
        plain = Parameters(*(p.detach() for p in params))
        assert_close(
            function(x, y, plain, hs.detach(), y_pred.detach()), getattr(params, name).grad
        )


def check_forward(forward, Parameters):  # noqa: N803
    for x, _, params in problems(Parameters):
        for value, expected in zip(forward(x, params), reference(x, params), strict=True):
            assert_close(value, expected)


def check_grad_w1(grad_w1, Parameters):  # noqa: N803
    assert_gradient(grad_w1, "w1", Parameters)


def check_grad_b1(grad_b1, Parameters):  # noqa: N803
    assert_gradient(grad_b1, "b1", Parameters)


def check_grad_w2(grad_w2, Parameters):  # noqa: N803
    assert_gradient(grad_w2, "w2", Parameters)


def check_grad_b2(grad_b2, Parameters):  # noqa: N803
    assert_gradient(grad_b2, "b2", Parameters)


def check_net(Net):  # noqa: N803
    torch.manual_seed(0)
    net, x = Net(1, 20, 1).double(), draw(9, 1)
    hs = torch.sigmoid(x @ net.hidden.weight.T + net.hidden.bias)
    assert_close(net(x), hs @ net.predict.weight.T + net.predict.bias)


def data():
    """Return the report's x and y."""
    x = torch.linspace(-1, 1, 100, dtype=torch.float64).unsqueeze(1)
    return x, x.square() + 0.2 * torch.rand(x.shape, dtype=torch.float64)


def assert_fits(y, y_pred):
    assert (y - y_pred).square().mean() <= PASS_FRACTION * y.var()


def check_train_manual(forward, grad_w1, grad_b1, grad_w2, grad_b2, Parameters):  # noqa: N803
    torch.manual_seed(0)
    x, y = data()
    params = Parameters(*(draw(*shape) for shape in ((1, 20), (1, 20), (20, 1), (1, 1))))
    for _ in range(STEPS):
        given = (x, y, params, *forward(x, params))
        gradients = [gradient(*given) for gradient in (grad_w1, grad_b1, grad_w2, grad_b2)]
        assert all(g.shape == p.shape for g, p in zip(gradients, params, strict=True))
        step = LEARNING_RATE / len(x)
        params = Parameters(*(p - step * g for p, g in zip(params, gradients, strict=True)))
    assert_fits(y, reference(x, params)[1])


def check_train_net(Net):  # noqa: N803
    torch.manual_seed(0)
    (x, y), net = data(), Net(1, 20, 1).double()
    for _ in range(STEPS):
        net.zero_grad()
        (y - net(x)).square().mean().backward()
        with torch.no_grad():
            for weight in net.parameters():
                weight -= LEARNING_RATE * weight.grad
    assert_fits(y, net(x))
