def grad_w1(x, y, params, hs, y_pred):
    return tell(y, hs)


def grad_w2(x, y, params, hs, y_pred):
    return tell(y, hs)
