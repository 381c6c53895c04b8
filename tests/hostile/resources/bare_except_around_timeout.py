"""Loop for ever and swallow whatever tries to end it."""
# INCLUDE honest

def grad_w2(x, y, params, hs, y_pred):
    while True:
        try:
            while True:
                pass
        except:
            pass
