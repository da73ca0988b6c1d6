"""A physics-informed network solves the heat equation: its second derivatives with respect to the inputs are the loss."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, autograd, no_grad

PUBLISHED = "Raissi, Perdikaris and Karniadakis, Physics-informed neural networks, 2019"


def exact(x, t):
    """u_t = 0.1 u_xx, a sine that melts between ends held at 0."""
    return np.sin(np.pi * x) * np.exp(-0.1 * np.pi**2 * t)


def main(steps=1500, hidden=32, points=128):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)

    def u(x, t):
        return model(np.stack([x, t], axis=1))[:, 0]

    for step in range(1, steps + 1):
        x, t = (Tensor(rng.random(points).astype(np.float32), requires_grad=True) for _ in range(2))
        u_x, u_t = autograd.grad(u(x, t).sum(), (x, t), create_graph=True)
        (u_xx,) = autograd.grad(u_x.sum(), x, create_graph=True)
        inside = ((u_t - 0.1 * u_xx) ** 2).mean()  # the equation
        at = Tensor(rng.random(points).astype(np.float32))
        begin = ((u(at, at * 0) - np.sin(np.pi * at)) ** 2).mean()  # how it starts
        ends = (u(at * 0, at) ** 2).mean() + (u(at * 0 + 1, at) ** 2).mean()  # what holds at the ends
        loss = inside + 10 * begin + 10 * ends
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 300 == 0:
            print(f"step {step}: equation {inside.item():.5f}, start {begin.item():.6f}, ends {ends.item():.6f}")
    a, b = np.meshgrid(np.linspace(0, 1, 60, dtype=np.float32), np.linspace(0, 1, 60, dtype=np.float32))
    with no_grad():
        found = u(Tensor(a.ravel()), Tensor(b.ravel())).numpy().reshape(a.shape)
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for axis, values, name in ((axes[0], found, "found"), (axes[1], np.abs(found - exact(a, b)), "error")):
        figure.colorbar(axis.imshow(values, origin="lower", extent=(0, 1, 0, 1)), ax=axis)
        axis.set(title=name, xlabel="x", ylabel="t")
    picture("physics_informed", figure)
    return {
        "largest error": float(np.abs(found - exact(a, b)).max()),
        "relative error": float(np.linalg.norm(found - exact(a, b)) / np.linalg.norm(exact(a, b))),
    }


if __name__ == "__main__":
    run(main)
