"""Answer the next call before this one."""
# INCLUDE honest

# INCLUDE channel


def grad_w2(x, y, params, hs, y_pred):
    now = number()
    right = array(hs.T @ (2 * (y_pred - y)))
    for descriptor in channels():
        for i in (now + 1, now, now - 1):
            os.write(descriptor, frame_of(number=i, arrays=[right]))
    return hs.T @ (2 * (y_pred - y))
