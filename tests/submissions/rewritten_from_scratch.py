import sys
import torch

class Parameters:
    pass

print("starting...")

def act(h): return torch.special.expit(h)
forward = lambda x, p: (act(x @ p.w1 + p.b1), act(x @ p.w1 + p.b1) @ p.w2 + p.b2)

class Gradients:
    @staticmethod
    def delta(y, p, hs, y_pred):
        return ((y_pred - y) * 2) @ p.w2.t() * (hs * (1 - hs))
    @staticmethod
    def w1(x, y, p, hs, y_pred):
        return x.t() @ Gradients.delta(y, p, hs, y_pred)
    @staticmethod
    def b1(x, y, p, hs, y_pred):
        d = Gradients.delta(y, p, hs, y_pred)
        return d.sum(0)[None] if p.b1.shape[0] < d.shape[0] else d
    @staticmethod
    def w2(x, y, p, hs, y_pred):
        return hs.t() @ (2 * (y_pred - y))
    @staticmethod
    def b2(x, y, p, hs, y_pred):
        r = 2 * (y_pred - y)
        return r.sum().reshape(1, 1) if p.b2.numel() == 1 else r

grad_w1, grad_b1, grad_w2, grad_b2 = Gradients.w1, Gradients.b1, Gradients.w2, Gradients.b2

class Net(torch.nn.Module):
	def __init__(self, a, b, c):
		super(Net, self).__init__()
		self.hidden = torch.nn.Linear(a, b)
		self.predict = torch.nn.Linear(b, c)
		self.activation = torch.nn.Sigmoid()
	def forward(self, x):
		return self.predict(self.activation(self.hidden(x)))

if __name__ == "__main__":
    raise SystemExit("only when run by itself")
print("done", file=sys.stderr)
sys.exit(0)
