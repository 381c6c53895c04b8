"""Loop for ever in a gradient."""
# HONEST

def grad_w1(x, y, params, hs, y_pred):
    while True:
        pass
