"""Honest: forward asks for gradients that nobody takes."""

# INCLUDE honest


def forward(x, params):
    w1 = params.w1.clone().requires_grad_()
    hs = torch.sigmoid(x @ w1 + params.b1)
    y_pred = hs @ params.w2 + params.b2
    return hs.detach(), y_pred.detach()
