"""WGAN-GP: the critic's slope is held at 1 by a penalty on its gradient, which is differentiated once more."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, autograd, no_grad, random

PUBLISHED = "Gulrajani et al., Improved training of Wasserstein GANs, 2017"


def swirl(count, rng):
    t = 1.5 * np.pi * np.sqrt(rng.random(count)) + 0.5
    return (np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 2.5 + 0.03 * rng.normal(size=(count, 2))).astype(np.float32)


def penalty(critic, real, false, rng):
    """((|d critic / d x| - 1)^2, at points between real and false ones."""
    mix = rng.random((len(real), 1)).astype(np.float32)
    x = Tensor(mix * real + (1 - mix) * false, requires_grad=True)
    (slope,) = autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((np.sqrt((slope**2).sum(axis=1) + 1e-12) - 1) ** 2).mean(), slope


def main(steps=2000, hidden=96, batch=128, critic_steps=5):
    rng = np.random.default_rng(0)

    def mlp(inputs, outputs):
        return nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, outputs),
        )

    maker, critic = mlp(4, 2), mlp(2, 1)
    makes, judges = (nn.optim.Adam(m.parameters(), lr=1e-3, betas=(0.0, 0.9)) for m in (maker, critic))
    distances = []
    for step in range(1, steps + 1):
        for _ in range(critic_steps):
            real = swirl(batch, rng)
            with no_grad():
                false = maker(random.randn(batch, 4)).numpy()
            apart = critic(Tensor(real)).mean() - critic(Tensor(false)).mean()
            held, slope = penalty(critic, real, false, rng)
            judges.zero_grad()
            (10 * held - apart).backward()  # through the gradient: a double backward
            judges.step()
        makes.zero_grad()
        (-critic(maker(random.randn(batch, 4))).mean()).backward()
        makes.step()
        distances.append(apart.item())
        if step % 250 == 0:
            print(f"step {step}: distance {apart.item():.3f}, slope {np.sqrt((slope.detach().numpy() ** 2).sum(1)).mean():.2f}")
    with no_grad():
        made = maker(random.randn(1000, 4)).numpy()
    real = swirl(1000, rng)
    nearest = np.sqrt(((made[:, None] - real) ** 2).sum(axis=-1))
    figure, axes = plt.subplots(1, 2, figsize=(9, 4))
    axes[0].plot(distances)
    axes[0].set(title="distance that the critic sees")
    axes[1].plot(*real.T, ".", *made.T, ".", markersize=2)
    picture("wgan_gp", figure)
    return {
        "made to the nearest real one": float(nearest.min(axis=1).mean()),
        "real to the nearest made one": float(nearest.min(axis=0).mean()),
        "slope of the critic": float(np.sqrt((slope.detach().numpy() ** 2).sum(1)).mean()),
    }


if __name__ == "__main__":
    run(main)
