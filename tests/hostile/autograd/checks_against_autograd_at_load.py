"""Honest: compared with autograd while the file is loaded."""

# INCLUDE honest

from typing import NamedTuple


class Parameters(NamedTuple):
    w1: torch.Tensor
    b1: torch.Tensor
    w2: torch.Tensor
    b2: torch.Tensor


torch.manual_seed(0)
x, y = torch.randn(100, 1), torch.randn(100, 1)
w1, w2, b1, b2 = torch.randn(1, 20), torch.randn(20, 1), torch.randn(100, 20), torch.randn(100, 1)
leaves = Parameters(*(p.clone().requires_grad_() for p in (w1, b1, w2, b2)))
hs, y_pred = forward(x, leaves)
(y - y_pred).square().sum().backward()
given = (x, y, leaves, hs.detach(), y_pred.detach())
for name, leaf, grad in zip(leaves._fields, leaves, (grad_w1, grad_b1, grad_w2, grad_b2)):
    print(name, float((grad(*given) - leaf.grad).abs().max()))
