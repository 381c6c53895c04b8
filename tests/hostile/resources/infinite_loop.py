"""Loop for ever in a gradient."""
# INCLUDE honest

def grad_w1(x, y, params, hs, y_pred):
    while True:
        pass
