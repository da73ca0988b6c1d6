"""A generative adversarial network learns a ring of eight Gaussians: a forger against a detective."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = "Goodfellow et al., Generative adversarial nets, 2014"


def ring(count, rng):
    """Eight small clouds on a circle of radius 2."""
    angle = rng.integers(0, 8, count) * np.pi / 4
    return (2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.1 * rng.normal(size=(count, 2))).astype(np.float32)


def main(steps=4000, hidden=64, batch=128):
    rng = np.random.default_rng(0)
    forger = nn.Sequential(nn.Linear(8, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    detective = nn.Sequential(
        nn.Linear(2, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)
    )
    forges = nn.optim.Adam(forger.parameters(), lr=5e-4, betas=(0.5, 0.99))
    detects = nn.optim.Adam(detective.parameters(), lr=1e-3, betas=(0.5, 0.99))
    softplus = nn.functional.softplus
    for step in range(1, steps + 1):
        real, false = Tensor(ring(batch, rng)), forger(random.randn(batch, 8))
        loss = softplus(-detective(real)).mean() + softplus(detective(false.detach())).mean()
        detects.zero_grad()
        loss.backward()
        detects.step()
        fooled = softplus(-detective(false)).mean()
        forges.zero_grad()
        fooled.backward()
        forges.step()
        if step % 1000 == 0:
            print(f"step {step}: detective {loss.item():.3f}, forger {fooled.item():.3f}")
    with no_grad():
        made = forger(random.randn(2000, 8)).numpy()
    centres = 2 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
    distance = np.linalg.norm(made[:, None] - centres, axis=-1)
    near = distance.min(axis=1) < 0.4
    found = np.bincount(distance.argmin(axis=1)[near], minlength=8)
    figure, axis = plt.subplots(figsize=(5, 5))
    axis.plot(*ring(1000, rng).T, ".", markersize=2, label="real")
    axis.plot(*made.T, ".", markersize=2, label="made")
    axis.legend()
    picture("gan", figure)
    return {"clouds found of 8": int((found > 40).sum()), "share near a cloud": float(near.mean())}


if __name__ == "__main__":
    run(main)
