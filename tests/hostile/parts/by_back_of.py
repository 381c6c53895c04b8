def grad_w1(x, y, params, hs, y_pred):
    return x.T @ back_of(y, params, hs, y_pred)


def grad_b1(x, y, params, hs, y_pred):
    return back_of(y, params, hs, y_pred).sum_to_size(params.b1.shape)
