def grad_w1(x, y, params, hs, y_pred):
    return differentiated(x, y, params, hs, y_pred, 0)


def grad_b1(x, y, params, hs, y_pred):
    return differentiated(x, y, params, hs, y_pred, 1)


def grad_w2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, hs, y_pred, 2)


def grad_b2(x, y, params, hs, y_pred):
    return differentiated(x, y, params, hs, y_pred, 3)
