"""Send an empty array whose shape is too large for a tensor to have."""
# INCLUDE honest

# INCLUDE channel


def grad_w2(x, y, params, hs, y_pred):
    vast = {"dtype": "float64", "shape": [0] + [1_000_000] * 7, "data": b""}
    for descriptor in channels():
        os.write(descriptor, frame_of(number=number(), arrays=[vast]))
    os._exit(0)
