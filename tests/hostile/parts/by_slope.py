def grad_w1(x, y, params, hs, y_pred):
    return x.T @ slope(hs, 2 * (y_pred - y) @ params.w2.T)


def grad_b1(x, y, params, hs, y_pred):
    return slope(hs, 2 * (y_pred - y) @ params.w2.T).sum_to_size(params.b1.shape)
