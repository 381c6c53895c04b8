"""A two-layer fully connected network, its gradients by hand, and its training.

The equation numbers are those of the handout (README.md). Two bias conventions occur throughout:

    a bias per sample   b1 (N, H), b2 (N, 1)
    one shared row      b1 (1, H), b2 (1, 1)   broadcast over the N samples

with x (N, 1), y (N, 1), w1 (1, H), w2 (H, 1) in both.
"""

# %% parameters
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Parameters(NamedTuple):
    """Weights and biases, equations (1.2) and (1.4)."""

    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor


# %% objective
def objective(y: Tensor, y_pred: Tensor) -> Tensor:
    """Squared Frobenius norm of the residual, equation (1.1): a sum of squares, not a mean."""
    return (y - y_pred).square().sum()


# %% forward
def forward(x: Tensor, params: Parameters) -> tuple[Tensor, Tensor]:
    """Return (hs, y_pred), equations (1.2) to (1.4): hs (N, H), y_pred (N, 1).

    Must work under both bias conventions, and stay finite where h is as large as 1000.
    """
    h = x @ params.w1 + params.b1
    hs = torch.sigmoid(h)
    y_pred = hs @ params.w2 + params.b2
    return hs, y_pred


# %% grad_w1
def grad_w1(x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor) -> Tensor:
    """Return df/dW1, equation (3.6), of the shape of params.w1.

    A closed form of the hs and y_pred you are given: no autograd, no second forward pass.
    """
    back = -2 * ((y - y_pred) @ params.w2.T) * hs * (1 - hs)
    return x.T @ back


# %% grad_b1
def grad_b1(x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor) -> Tensor:
    """Return df/db1, equation (3.5), of the shape of params.b1, under both bias conventions.

    A closed form of the hs and y_pred you are given: no autograd, no second forward pass.
    """
    back = -2 * ((y - y_pred) @ params.w2.T) * hs * (1 - hs)
    return back.sum_to_size(params.b1.shape)


# %% grad_w2
def grad_w2(x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor) -> Tensor:
    """Return df/dW2, equation (3.4), of the shape of params.w2.

    A closed form of the hs and y_pred you are given: no autograd, no second forward pass.
    """
    return -2 * hs.T @ (y - y_pred)


# %% grad_b2
def grad_b2(x: Tensor, y: Tensor, params: Parameters, hs: Tensor, y_pred: Tensor) -> Tensor:
    """Return df/db2, equation (3.3), of the shape of params.b2, under both bias conventions.

    A closed form of the hs and y_pred you are given: no autograd, no second forward pass.
    """
    return (-2 * (y - y_pred)).sum_to_size(params.b2.shape)


# %% net
class Net(nn.Module):
    """The same network as a module: nn.Linear layers `hidden` and `predict`, a shared bias row."""

    def __init__(self, n_feature: int, n_hidden: int, n_output: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_feature, n_hidden)
        self.predict = nn.Linear(n_hidden, n_output)

    def forward(self, x: Tensor) -> Tensor:
        """Return y_pred, (N, n_output)."""
        return self.predict(torch.sigmoid(self.hidden(x)))


# %% data
def make_data(seed: int) -> tuple[Tensor, Tensor]:
    """Return x (100, 1), evenly spaced in [-1, 1], and y = x**2 + 0.2 U(0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(-1, 1, 100).unsqueeze(1)
    y = x**2
    return x, y + 0.2 * torch.rand(y.shape, generator=generator)


def initial_parameters(seed: int, n_hidden: int = 20) -> Parameters:
    """Return standard normal parameters with shared bias rows."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((1, n_hidden), (1, n_hidden), (n_hidden, 1), (1, 1))
    return Parameters(*(torch.randn(shape, generator=generator) for shape in shapes))


# %% training
def descend(
    params: Parameters, x: Tensor, y: Tensor, steps: int = 2000, learning_rate: float = 0.2
) -> tuple[Parameters, list[float]]:
    """Descend with your four gradients; return the last parameters and the mean loss at each step.

    The gradients are of a sum of squares, the learning rate is for the mean: hence the division.
    """
    losses = []
    for _ in range(steps):
        hs, y_pred = forward(x, params)
        losses.append(float(objective(y, y_pred)) / y.numel())
        given = (x, y, params, hs, y_pred)
        gradients = (grad_w1(*given), grad_b1(*given), grad_w2(*given), grad_b2(*given))
        params = Parameters(
            *(p - learning_rate / y.numel() * g for p, g in zip(params, gradients, strict=True))
        )
    return params, losses


def fit(
    net: nn.Module, x: Tensor, y: Tensor, steps: int = 2000, learning_rate: float = 0.2
) -> list[float]:
    """Train a module by SGD on the mean squared error; return the loss at each step."""
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate)
    loss_of = nn.MSELoss()
    losses = []
    for _ in range(steps):
        loss = loss_of(net(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


# %% plotting
def plot_activation(axes: Any) -> None:
    """Draw the sigmoid in red and its derivative in blue."""
    x = torch.linspace(-8, 8, 401)
    values = torch.sigmoid(x)
    (slopes,) = torch.gradient(values, spacing=(x,))  # numerical: (2.3) has to agree with it
    axes.plot(x, values, color="red", label=r"$\sigma(x)$")
    axes.plot(x, slopes, color="blue", label=r"$\sigma'(x)$")
    axes.set_xlabel("$x$")
    axes.grid(alpha=0.3)
    axes.legend()


def plot_shapes(axes: Any, n: int, n_hidden: int, n_output: int, bias_rows: int) -> None:
    """Draw the matrices of (1.2) to (1.4) to scale: parameters red, data and results blue.

    Where bias_rows is 1, dashed lines enclose the rows that the bias row is broadcast to.
    """
    from matplotlib.patches import Rectangle  # here, so that grading needs only torch

    sizes = {"1": 1, "N": n, "H": n_hidden, "O": n_output}
    bias = "1" if bias_rows == 1 else "N"
    parts = (
        ("X", "N", "1", "tab:blue", ""),
        ("W_1", "1", "H", "tab:red", "+"),
        ("b_1", bias, "H", "tab:red", "="),
        ("h", "N", "H", "tab:blue", r"$\sigma$" "\n" r"$\rightarrow$"),
        ("h_s", "N", "H", "tab:blue", ""),
        ("W_2", "H", "O", "tab:red", "+"),
        ("b_2", bias, "O", "tab:red", "="),
        ("Y_{pred}", "N", "O", "tab:blue", ""),
    )
    gap = max(n, 4 * n_hidden) / 5
    height = max(n, n_hidden) / 2  # of the upper half, and of the lower
    left = 0.0
    for name, row, column, color, operator in parts:
        rows, columns = sizes[row], sizes[column]
        # A shared bias row stands on top of what it is broadcast to; all else is centred.
        is_shared = name.startswith("b") and rows < n
        bottom = n / 2 - rows if is_shared else -rows / 2
        axes.add_patch(Rectangle((left, bottom), columns, rows, color=color, alpha=0.6))
        if is_shared:
            broadcast = Rectangle((left, -n / 2), columns, n, fill=False, color=color, ls="--")
            axes.add_patch(broadcast)
        label = rf"${name}$" "\n" rf"${row} \times {column}$" "\n" rf"${rows} \times {columns}$"
        axes.text(left + columns / 2, -height - gap / 4, label, ha="center", va="top", fontsize=9)
        space = 1.5 * gap if name == "h" else gap  # where the activation's name stands
        left += columns + space
        axes.text(left - space / 2, 0, operator, ha="center", va="center", fontsize=12)
    axes.set(xlim=(-gap / 2, left - gap / 2), ylim=(-height - 1.4 * gap, height + gap / 4))
    axes.set_aspect("equal")
    axes.axis("off")


def plot_comparison(panels: Any, autograd: Parameters, by_hand: Parameters) -> None:
    """Draw each gradient's entries, by autograd along x and by hand along y, a panel each."""
    for axes, name, a, b in zip(panels, Parameters._fields, autograd, by_hand, strict=True):
        axes.axline((a.mean(), a.mean()), slope=1, color="gray", linewidth=0.8)
        axes.scatter(a.flatten(), b.flatten(), s=8, alpha=0.6)
        error = ((b - a).abs().max() / a.abs().max()).item()
        axes.set_title(f"{name}: error {error:.1e}", fontsize=10)
        axes.set_xlabel("by autograd")
    panels[0].set_ylabel("by hand")


def plot_step_errors(
    axes: Any, steps: list[float], errors: dict[str, list[float]], tolerance: float
) -> None:
    """Draw the error of central differences at each step, and the tolerance for full marks."""
    for label, values in errors.items():
        axes.loglog(steps, values, marker=".", label=label)
    axes.axhline(tolerance, color="gray", linestyle="--", label="asked for full marks")
    axes.set(xlabel="step", ylabel="relative error")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(errors) + 1, fontsize=8)


def plot_fit(axes: Any, x: Tensor, y: Tensor, y_pred: Tensor, title: str) -> None:
    """Draw the data as points and the prediction as a red line, an output after the other."""
    for column in y.T:
        axes.scatter(x, column, s=6)
    axes.plot(x, y_pred.detach(), color="red", linewidth=2)
    axes.set_title(title, fontsize=9)


def plot_losses(axes: Any, losses: list[float], pass_mark: float) -> None:
    """Draw the loss at each step and the pass mark."""
    axes.semilogy(losses, label="mean squared error")
    axes.axhline(pass_mark, color="gray", linestyle="--", label="pass mark")
    axes.set_xlabel("step")
    axes.legend()
