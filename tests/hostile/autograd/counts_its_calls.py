"""Honest: forward counts its calls, and keeps a mean of some."""

# INCLUDE honest


calls = {"forward": 0, "grad_w1": 0}
history = []


def forward(x, params):
    calls["forward"] += 1
    hs = torch.sigmoid(x @ params.w1 + params.b1)
    y_pred = hs @ params.w2 + params.b2
    if calls["forward"] % 500 == 0:
        history.append(float(y_pred.mean()))
    return hs, y_pred
