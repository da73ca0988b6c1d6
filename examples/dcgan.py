"""DCGAN: a generator of transposed convolutions makes handwritten digits.

Generator and discriminator play as in `gan`. Both are convolutional: strides in place of pooling, batch
normalization, ReLU in the generator and leaky ReLU in the discriminator, no hidden dense layer, weights
from N(0, 0.02), Adam with a first momentum of 0.5.

What is made is judged by a small network that reads digits, trained on real ones. The inception score is
exp(E KL(p(y|x) || p(y))): sure of each, and all kinds. It cannot see whether what is made varies: ten
pictures would do. The Frechet distance can: it is that of two Gaussians, one fitted to the reader's hidden
units on real digits, one on made ones,

    |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))

Beside it stand the distance of test digits from training digits, which only a generator that copies would
get below, and that of a Gaussian in the space of pixels, with the mean and covariance of digits. After so few
steps the generator is ahead of that Gaussian by the inception score, by the Frechet distance only from three
of five seeds: the Gaussian has mean and covariance right, and no digits.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run
from shared.adversaries import play

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = (
    "Radford, Metz and Chintala, Unsupervised representation learning with deep convolutional GANs, 2016 "
    "(bedrooms, faces); Frechet distance: Heusel et al., 2017"
)


def networks(side, width, latent):
    """Generator and discriminator for images of side x side, a multiple of 4."""
    low = side // 4
    make = nn.Sequential(
        nn.Linear(latent, 4 * width * low * low), nn.Unflatten(1, (4 * width, low, low)),
        nn.BatchNorm2d(4 * width), nn.ReLU(),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1), nn.BatchNorm2d(2 * width), nn.ReLU(),
        nn.ConvTranspose2d(2 * width, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    judge = nn.Sequential(
        nn.Conv2d(1, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 4 * width, 4, 2, 1), nn.BatchNorm2d(4 * width), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(4 * width * low * low, 1),
    )  # fmt: skip
    for module in (*make.modules(), *judge.modules()):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
    return make, judge


def reader(x, y, updates=400):
    """A small network that reads digits: its hidden units, and from them the kinds."""
    body = nn.Sequential(nn.Flatten(), nn.Linear(x[0].size, 64), nn.ReLU())
    head = nn.Linear(64, 10)
    optimizer, rng = nn.optim.Adam([*body.parameters(), *head.parameters()], lr=3e-3), generator(3)
    for _ in range(updates):
        rows = rng.integers(0, len(y), 64)
        loss = nn.functional.cross_entropy(head(body(Tensor(x[rows]))), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return body, head


def judged(images, real, read):
    """Inception score, Frechet distance to real ones, how many kinds have a quarter of their due at least."""
    body, head = read
    with no_grad():
        hidden, known = (body(Tensor(some.astype(np.float32))) for some in (images, real))
        p = nn.functional.softmax(head(hidden), axis=1).numpy()
    score = np.exp((p * np.log((p + 1e-9) / p.mean(axis=0))).sum(axis=1).mean())
    (m1, c1), (m2, c2) = ((units.mean(axis=0), np.cov(units.T)) for units in (hidden.numpy(), known.numpy()))
    roots = np.sqrt(np.linalg.eigvals(c1 @ c2).real.clip(0))  # they sum to the trace of the root
    distance = ((m1 - m2) ** 2).sum() + np.trace(c1 + c2) - 2 * roots.sum()
    kinds = (np.bincount(p.argmax(axis=1), minlength=10) > len(p) / 40).sum()
    return float(score), float(distance), int(kinds)


def main(total=1200, width=8, latent=32, batch=32, lr=2e-3, data=None):
    (x, y), (test, _) = digits(data)
    x, test = (2 * images[:, None] - 1 for images in (x, test))  # between -1 and 1, as tanh says them
    make, judge = networks(x.shape[-1], width, latent)
    optimizers = [nn.optim.Adam(net.parameters(), lr=lr, betas=(0.5, 0.999)) for net in (make, judge)]
    play(make, judge, optimizers, total, batch, latent, lambda rng: x[rng.integers(0, len(x), batch)])
    make.eval()
    rng, flat = generator(1), x.reshape(len(x), -1)
    with no_grad():
        made = make(random.randn(len(test), latent)).numpy()
    gaussian = (
        rng.multivariate_normal(flat.mean(axis=0), np.cov(flat.T), len(test)).reshape(test.shape).clip(-1, 1)
    )
    shown = {"made": made, "test": test, "Gaussian": gaussian, "noise": rng.uniform(-1, 1, test.shape)}
    read = reader(x, y)
    found = {name: judged(images, x, read) for name, images in shown.items()}
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.2))
    for axis, name, title in zip(
        axes, ("test", "made", "Gaussian"), ("real digits", "generator", "Gaussian of pixels"), strict=True
    ):
        tiles = np.pad(shown[name][:40, 0], ((0, 0), (1, 1), (1, 1)), constant_values=-0.7)
        grid = tiles.reshape(5, 8, *tiles.shape[1:]).swapaxes(1, 2).reshape(5 * tiles.shape[1], -1)
        axis.imshow(grid, cmap="gray_r", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[], title=f"{title}\nFrechet distance {found[name][1]:.3g}")
    picture("dcgan", figure)
    return {
        "inception score (10 at most)": found["made"][0], "Frechet distance": found["made"][1],
        "kinds of digits made": found["made"][2],
        "chance: inception score, noise": found["noise"][0],
        "chance: Frechet distance, noise": found["noise"][1],
        "baseline: inception score, Gaussian of pixels": found["Gaussian"][0],
        "baseline: Frechet distance, Gaussian of pixels": found["Gaussian"][1],
        "ceiling: inception score, real test digits": found["test"][0],
        "floor: Frechet distance, real test digits": found["test"][1],
    }  # fmt: skip


FULL = {"width": 64, "latent": 100, "batch": 128, "lr": 2e-4, "total": 10_000}

if __name__ == "__main__":
    run(main)
