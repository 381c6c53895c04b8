"""Both tasks of the report in one script, from top to bottom."""
import torch
import matplotlib.pyplot as plt

# ---- task 2: the gradients by hand, a bias row for each sample ----
torch.manual_seed(0)
x = torch.randn(100, 1)
y = torch.randn(100, 1)
w1 = torch.randn(1, 20, requires_grad=True)
w2 = torch.randn(20, 1, requires_grad=True)
b1 = torch.randn(100, 20, requires_grad=True)
b2 = torch.randn(100, 1, requires_grad=True)

h = x.mm(w1) + b1
hs = torch.sigmoid(h)
yp = hs.mm(w2) + b2
loss = (y - yp).pow(2).sum()
loss.backward()

with torch.no_grad():
    e = y - yp
    w2_grad = -2 * hs.t().mm(e)
    b2_grad = -2 * e
    d = e.mm(w2.t())
    d = d * hs * (1 - hs)
    b1_grad = -2 * d
    w1_grad = -2 * x.t().mm(d)

for name, mine, auto in [
    ("W1", w1_grad, w1.grad), ("b1", b1_grad, b1.grad),
    ("W2", w2_grad, w2.grad), ("b2", b2_grad, b2.grad),
]:
    print(name, (mine - auto).abs().max().item())


# ---- task 1: the network ----
class Net(torch.nn.Module):
    def __init__(self, n_feature, n_hidden, n_output):
        super(Net, self).__init__()
        self.hidden = torch.nn.Linear(n_feature, n_hidden)
        self.predict = torch.nn.Linear(n_hidden, n_output)

    def forward(self, x):
        return self.predict(torch.sigmoid(self.hidden(x)))


torch.manual_seed(1)
x = torch.unsqueeze(torch.linspace(-1, 1, 100), dim=1)
y = x.pow(2) + 0.2 * torch.rand(x.size())
net = Net(n_feature=1, n_hidden=20, n_output=1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
loss_func = torch.nn.MSELoss()

for t in range(201):
    prediction = net(x)
    loss = loss_func(prediction, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if t % 20 == 0:
        plt.cla()
        plt.scatter(x.numpy(), y.numpy())
        plt.plot(x.numpy(), prediction.data.numpy(), 'r-', lw=5)
        plt.text(0.5, 0, 't = %d, Loss=%.4f' % (t, loss.item()))
        plt.pause(0.1)
plt.show()
