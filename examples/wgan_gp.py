"""WGAN-GP: the critic's slope is held at 1 by a penalty on its gradient, which is differentiated once more.

The distance of two distributions (Wasserstein's, how far earth must be carried) is the largest difference
E[f(x)] - E[f(G(z))] over all f whose slope is nowhere above 1. The critic f is a network, held there by a
penalty at points x^ between real and made ones:

    L = E[f(G(z))] - E[f(x)] + c E[(|grad f(x^)| - 1)^2]

The generator G is then moved to where f is high. Unlike a discriminator, the critic has a slope also where
it is sure. Without the penalty (c = 0) nothing bounds the slope: it grows, and with it the difference, which
is no distance any more. What is generated is measured by the distance to the nearest point of the other
set, the mean of both ways: one way sees points beside the curve, the other way parts of the curve that are
missing. Two sets of real points are the floor.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps
from shared.adversaries import Both

import nn
from minigrad import Tensor, autograd, no_grad, random

PUBLISHED = (
    "Gulrajani et al., Improved training of Wasserstein GANs, 2017: a swirl as figure "
    "(inception score on CIFAR-10: 7.86)"
)


def swirl(count, rng):
    t = 1.5 * np.pi * np.sqrt(rng.random(count)) + 0.5
    points = np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 2.5
    return (points + 0.03 * rng.normal(size=points.shape)).astype(np.float32)


def penalty(critic, real, false, rng):
    """(|grad f| - 1)^2 at points between real and made ones, and the slopes."""
    mix = rng.random((len(real), 1)).astype(np.float32)
    x = Tensor(mix * real + (1 - mix) * false, requires_grad=True)
    (gradient,) = autograd.grad(critic(x).sum(), x, create_graph=True)
    slope = np.sqrt((gradient**2).sum(axis=1) + 1e-12)
    return ((slope - 1) ** 2).mean(), slope.mean().item()


def mlp(inputs, hidden, outputs):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs),
    )  # fmt: skip


def sample(make, count):
    """Points that the generator makes."""
    with no_grad():
        return make(random.randn(count, make[0].in_features)).numpy()


def apart(made, real):
    """The distance to the nearest point of the other set: the mean over generated and over real points."""
    distance = np.linalg.norm(made[:, None] - real, axis=-1)
    return float(distance.min(axis=1).mean() + distance.min(axis=0).mean()) / 2


def train(name, make, critic, total, batch, critic_steps, weight, lr, lr_critic, betas):
    """Play; returns the difference that the critic sees at each step, and its last slopes."""
    rng, kept = generator(0), {"distances": [], "slopes": []}
    makes, judges = (
        nn.optim.Adam(net.parameters(), lr=r, betas=betas) for net, r in ((make, lr), (critic, lr_critic))
    )
    for step in steps(total, nn.ModuleList([make, critic]), Both(makes, judges), rng, kept, name):
        makes.param_groups[0]["lr"] = lr * (1 - step / total)  # so that the end is no matter of the moment
        for _ in range(critic_steps):
            real, false = swirl(batch, rng), sample(make, batch)
            distance = critic(Tensor(real)).mean() - critic(Tensor(false)).mean()
            held, slope = penalty(critic, real, false, rng)
            judges.zero_grad()
            (weight * held - distance).backward()  # through the gradient: a double backward
            judges.step()
        makes.zero_grad()
        (-critic(make(random.randn(batch, make[0].in_features))).mean()).backward()
        makes.step()
        kept["distances"].append(distance.item())
        kept["slopes"].append(slope)
        if (step + 1) % max(total // 4, 1) == 0:
            print(f"{name}, step {step + 1}: difference {distance.item():.3f}, slope {slope:.2f}")
    return kept["distances"], float(np.mean(kept["slopes"][-50:]))


def draw(differences, real, shown):
    """What the critics see on the way, and the points."""
    figure, axes = plt.subplots(1, 1 + len(shown), figsize=(12, 3.2), layout="constrained")
    for name, values in differences.items():
        axes[0].plot(values, label=name)
    axes[0].set(title="difference that the critic sees", xlabel="step of the generator", yscale="symlog")
    axes[0].set_yticks([-1e4, -1e2, 0, 1e2, 1e4, 1e6])
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.25))
    for axis, (name, points) in zip(axes[1:], shown.items(), strict=True):
        axis.plot(*real.T, ".", markersize=2, label="real")
        axis.plot(*points.T, ".", markersize=2, label="generated")
        axis.set(title=name, xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), aspect="equal", xlabel="first number of a point")
    axes[1].set_ylabel("second number")
    axes[1].legend(loc="upper right", markerscale=5)
    picture("wgan_gp", figure)


def main(
    total=1000, hidden=64, latent=4, batch=128, critic_steps=4, weight=10.0, lr=5e-4, lr_critic=2e-3, beta1=0.5,
):  # fmt: skip
    """Args:
    critic_steps: steps of the critic for one of the generator
    weight: of the penalty, c
    """
    real, others = swirl(1000, generator(1)), swirl(1000, generator(2))
    gaussian = generator(3).multivariate_normal(real.mean(axis=0), np.cov(real.T), 1000)
    differences, slopes, points = {}, {}, {}
    for name, c in (("WGAN-GP", weight), ("without the penalty", 0.0)):
        restart()
        make, critic = mlp(latent, hidden, 2), mlp(2, hidden, 1)
        untrained = sample(make, 1000)
        setting = total, batch, critic_steps, c, lr, lr_critic, (beta1, 0.9)
        differences[name], slopes[name] = train(name, make, critic, *setting)
        points[name] = sample(make, 1000)
    draw(differences, real, points | {"one Gaussian": gaussian})
    return {
        "distance to real points": apart(points["WGAN-GP"], real), "slope of the critic": slopes["WGAN-GP"],
        "baseline: distance, without the penalty": apart(points["without the penalty"], real),
        "baseline: slope, without the penalty": slopes["without the penalty"],
        "baseline: distance, one Gaussian": apart(gaussian, real),
        "chance: distance, untrained": apart(untrained, real),
        "floor: distance, fresh real points": apart(others, real),
    }  # fmt: skip


# The paper's networks for its figures of points in the plane.
FULL = {
    "hidden": 512, "latent": 2, "batch": 256, "critic_steps": 5, "weight": 0.1, "lr": 1e-4, "lr_critic": 1e-4,
    "beta1": 0.5, "total": 100_000,
}  # fmt: skip

if __name__ == "__main__":
    run(main)
