"""Return h as well from the forward pass."""
# INCLUDE honest

def forward(x, params):
    h = x @ params.w1 + params.b1
    hs = torch.sigmoid(h)
    return h, hs, hs @ params.w2 + params.b2
