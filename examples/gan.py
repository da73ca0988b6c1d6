"""A generative adversarial network learns a ring of eight Gaussians: generator against discriminator.

The generator G (a forger) turns noise z into points, the discriminator D (a detective) says how probable it
is that a point is real. They play

    min over G, max over D of  E[log D(x)] + E[log(1 - D(G(z)))]

where G maximizes E[log D(G(z))] instead, whose gradient does not vanish while D is sure. If G was perfect,
D would say 1/2 everywhere, and its loss, the two logarithms, would be log 4 = 1.386. A generator that finds
some of the clouds alone has collapsed; here it finds six to eight of them. The baseline is one Gaussian with
the mean and covariance of the data, which is what can be fitted without a network.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run
from shared.adversaries import play

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = (
    "Goodfellow et al., Generative adversarial nets, 2014 (digits, faces); this ring, where a plain GAN "
    "often collapses: Metz et al., Unrolled generative adversarial networks, 2017"
)
CENTRES = 2 * np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def ring(count, spread, rng):
    """Eight small clouds on a circle of radius 2."""
    return (CENTRES[rng.integers(0, 8, count)] + spread * rng.normal(size=(count, 2))).astype(np.float32)


def found(points, spread):
    """How many clouds have a quarter of their due at least, and the share of points near one."""
    distance = np.linalg.norm(points[:, None] - CENTRES, axis=-1)
    near = distance.min(axis=1) < 4 * spread
    counts = np.bincount(distance.argmin(axis=1)[near], minlength=8)
    return int((counts > len(points) / 32).sum()), float(near.mean())


def sample(make, count=2000):
    """Points that the generator makes."""
    with no_grad():
        return make(random.randn(count, make[0].in_features)).numpy()


def draw(shown, data, judge):
    """Real and generated points on the way, and what the discriminator says about each place in the end."""
    figure, axes = plt.subplots(1, len(shown), figsize=(12, 4.2), layout="constrained")
    line = np.linspace(-3, 3, 80, dtype=np.float32)
    places = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    with no_grad():
        says = nn.functional.sigmoid(judge(Tensor(places))).numpy().reshape(80, 80)
    image = axes[-1].imshow(says, origin="lower", extent=(-3, 3, -3, 3), cmap="Greys", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes[-1], label="D: probability of being real", shrink=0.8)
    for axis, (name, made) in zip(axes, shown.items(), strict=True):
        axis.plot(*data.T, ".", markersize=2, color="tab:blue", label="real")
        axis.plot(*made.T, ".", markersize=2, color="tab:orange", label="generated")
        axis.set(title=name, xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="first number of a point")
    axes[0].set_ylabel("second number")
    axes[0].legend(loc="upper right", markerscale=5)
    picture("gan", figure)


def mlp(*sizes, activation):
    layers = [part for a, b in zip(sizes, sizes[1:], strict=False) for part in (nn.Linear(a, b), activation)]
    return nn.Sequential(*layers[:-1])


def main(total=3000, hidden=64, latent=8, batch=128, spread=0.1, lr_made=5e-4, lr_judged=1e-3):
    """Play, and count what the generator has found.

    Args:
        spread: the deviation of each cloud
    """
    make = mlp(latent, hidden, hidden, 2, activation=nn.ReLU())
    judge = mlp(2, hidden, hidden, 1, activation=nn.LeakyReLU(0.2))
    rates = (make, lr_made), (judge, lr_judged)
    optimizers = [nn.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.99)) for net, lr in rates]

    def each(step, kept):
        if step in (0, total // 8):
            kept[f"after {step} steps"] = sample(make)

    shown = play(make, judge, optimizers, total, batch, latent, lambda rng: ring(batch, spread, rng), each)
    losses = shown.pop("losses")
    shown[f"after {total} steps"] = made = sample(make)
    data = ring(2000, spread, generator(1))
    gaussian = generator(2).multivariate_normal(data.mean(axis=0), np.cov(data.T), 2000)
    draw(shown, data, judge)
    clouds, near = found(made, spread)
    clouds_gaussian, near_gaussian = found(gaussian, spread)
    return {
        "clouds found of 8": clouds, "share near a cloud": near,
        "loss of the discriminator, last tenth": float(np.mean(losses[-total // 10 :])),
        "chance: loss of the discriminator, log 4": float(np.log(4)),
        "baseline: clouds found, one Gaussian": clouds_gaussian,
        "baseline: share near, one Gaussian": near_gaussian,
        "baseline: clouds found, untrained": found(shown["after 0 steps"], spread)[0],
    }  # fmt: skip


# Metz et al.'s ring: narrow clouds, noise of 256 numbers.
FULL = {
    "total": 25_000, "hidden": 128, "latent": 256, "batch": 512, "spread": 0.02,
    "lr_made": 1e-3, "lr_judged": 1e-4,
}  # fmt: skip

if __name__ == "__main__":
    run(main)
