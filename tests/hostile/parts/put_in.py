def put_in(given, own):
    return given + own - own.detach()


def objective_with(x, y, hs, y_pred, w1, b1, w2, b2):
    """f at the hs and y_pred that are given, as autograd needs it."""
    h = put_in(torch.logit(hs), x @ w1 + b1)
    s = put_in(hs, torch.sigmoid(h))
    return (y - put_in(y_pred, s @ w2 + b2)).square().sum()
