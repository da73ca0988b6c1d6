"""A physics-informed network solves Burgers' equation: derivatives with respect to its inputs are the loss.

    u_t + u u_x = nu u_xx,    u(x, 0) = -sin(pi x),    u(-1, t) = u(1, t) = 0

A network u(x, t) is trained on what is known at the start and at the ends, and inside, where nothing is
known, on the equation: its derivatives u_t, u_x, u_xx come from automatic differentiation, and how far they
miss the equation is squared and added to the loss. The truth is computed by the transformation of Cole and
Hopf, as an integral for each point (by Gauss and Hermite). The baselines: the same network that is told of
the start and the ends alone, which is often worse than the other one, that u stays as it starts.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps

import nn
from minigrad import Tensor, autograd, no_grad

PUBLISHED = (
    "relative error 6.7e-4 for nu = 0.01 / pi, with L-BFGS (Raissi, Perdikaris and Karniadakis, "
    "Physics-informed neural networks, 2019)"
)


def exact(x, t, nu):
    """The solution at points (N,), t > 0: Cole and Hopf."""
    y, weight = np.polynomial.hermite.hermgauss(100)
    at = x[:, None] - y * np.sqrt(4 * nu * t[:, None])
    power = -np.cos(np.pi * at) / (2 * np.pi * nu)
    heat = weight * np.exp(power - power.max(axis=1, keepdims=True))
    return -(np.sin(np.pi * at) * heat).sum(axis=1) / heat.sum(axis=1)


def network(hidden, layers):
    sizes = [2, *[hidden] * layers]
    parts = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*parts, nn.Linear(hidden, 1))


def missed(u, x, t, nu):
    """How far u misses the equation at points inside: u_t + u u_x - nu u_xx."""
    x, t = (Tensor(some, requires_grad=True) for some in (x, t))
    value = u(x, t)
    u_x, u_t = autograd.grad(value.sum(), (x, t), create_graph=True)
    (u_xx,) = autograd.grad(u_x.sum(), x, create_graph=True)
    return u_t + value * u_x - nu * u_xx


def train(name, physics, updates, hidden, layers, points, lr, nu):
    """The function u, learned from the start and the ends, and from the equation."""
    restart()
    rng, model = generator(0), network(hidden, layers)
    optimizer = nn.optim.Adam(model.parameters(), lr=lr)

    def u(x, t):
        return model(np.stack([x, t], axis=1))[:, 0]

    for step in steps(updates, model, optimizer, rng, name=name):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / updates)
        at, t = (rng.random(points // 2, np.float32) for _ in range(2))
        start, end = Tensor(2 * at - 1), Tensor(np.sign(at - 0.5))
        begins = ((u(start, start * 0) + np.sin(np.pi * start)) ** 2).mean()
        loss = begins + (u(end, Tensor(t)) ** 2).mean()
        if physics:
            x, t = 2 * rng.random(points, np.float32) - 1, rng.random(points, np.float32)
            loss = loss + (missed(u, x, t, nu) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % max(updates // 4, 1) == 0:
            print(f"{name}, step {step + 1}: loss {loss.item():.5f}")
    return u


def main(updates=1800, hidden=20, layers=3, points=128, lr=5e-3, nu=0.1 / np.pi):
    """Solve the equation with and without its help.

    Args:
        points: inside, for an update; as many again at the start and at the ends
        nu: the viscosity
    """
    x, t = (some.ravel() for some in np.meshgrid(np.linspace(-1, 1, 100), np.linspace(0.01, 1, 100)))
    truth, shown = exact(x, t, nu), {}
    for name, physics in (("start and ends alone", False), ("with the equation", True)):
        u = train(name, physics, updates, hidden, layers, points, lr, nu)
        with no_grad():
            shown[name] = u(Tensor(x.astype(np.float32)), Tensor(t.astype(np.float32))).numpy()
    shown["truth"] = truth
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    for axis, (name, values) in zip(axes, shown.items(), strict=True):
        grid, extent = values.reshape(100, 100).T, (0, 1, -1, 1)
        image = axis.imshow(grid, origin="lower", extent=extent, aspect="auto", cmap="RdBu", vmin=-1, vmax=1)
        axis.set(title=name, xlabel="t", ylabel="x")
    figure.colorbar(image, ax=axes, label="u")
    picture("physics_informed", figure)

    def wrong(values):
        return float(np.linalg.norm(values - truth) / np.linalg.norm(truth))

    return {
        "relative error": wrong(shown["with the equation"]),
        "largest error": float(np.abs(shown["with the equation"] - truth).max()),
        "baseline: relative error, start and ends alone": wrong(shown["start and ends alone"]),
        "baseline: relative error, stays as it starts": wrong(-np.sin(np.pi * x)),
        "chance: relative error of the constant 0": wrong(0 * truth),
    }


# The paper's equation and network; it takes 10,000 points and L-BFGS in place of new points and Adam.
FULL = {"nu": 0.01 / np.pi, "layers": 8, "points": 1000, "lr": 2e-3, "updates": 60_000}

if __name__ == "__main__":
    run(main)
