"""A GAN of solid shapes: transposed convolutions in space make voxels of balls, boxes and rings.

As in `dcgan`, with a third dimension: noise becomes a small cube of many channels, and each transposed
convolution of size 4 and stride 2 doubles its side. A voxel is full or empty; the generator says the
probability that it is full. The generator and the discriminator play as in `gan`, at two rates, since the
discriminator finds its task in space the easier one.

What is made is rounded to full and empty. Its overlap with real shapes is the intersection over union with
the nearest of a thousand that nobody has trained on, and the other way round, the nearest made one for each
of them; the mean of both directions. One way alone would praise a single lump in the middle, which is near
to many. The ceiling are fresh real shapes. A classifier of shapes says which kinds are among the made ones.
The baselines: voxels drawn by themselves, each full as often as in the data, and the rounded mean shape.
The made shapes are nearer to real ones than the mean shape is, and all three kinds are among them, none
less often than in one of five; real shapes are nearer still, as the made ones have rough edges.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run
from shared.adversaries import play

import nn
from minigrad import Tensor, no_grad, random

PUBLISHED = (
    "Wu et al., Learning a probabilistic latent space of object shapes via 3D generative-adversarial "
    "modeling, 2016 (furniture of 64 x 64 x 64; the discriminator's features classify ModelNet40: 83.3 %)"
)
KINDS = ("ball", "box", "ring")


def shapes(count, size, rng):
    """Solid shapes of any size about the middle, (count, 1, size, size, size) of 0 and 1, and their kinds."""
    kind = rng.integers(0, 3, count)
    centre = size / 2 - 0.5 + rng.uniform(-0.06, 0.06, (3, count, 1, 1, 1)) * size
    x, y, z = (place - middle for place, middle in zip(np.indices((size,) * 3)[:, None], centre, strict=True))
    a, b, c = rng.uniform(0.2, 0.42, (3, count, 1, 1, 1)) * size
    ball = x**2 + y**2 + z**2 < a**2
    box = (np.abs(x) < a) & (np.abs(y) < b) & (np.abs(z) < c)
    wide, thick = 0.6 * a + 0.14 * size, 0.12 * size
    ring = (np.sqrt(x**2 + y**2) - wide) ** 2 + z**2 < thick**2
    return np.choose(kind[:, None, None, None], [ball, box, ring])[:, None].astype(np.float32), kind


def networks(size, width, latent):
    """Generator and discriminator; the side is 4 times a power of 2."""
    times = int(np.log2(size // 4))
    channels = [width * 2**i for i in range(times)]  # of the discriminator, from the outside in
    inner = channels[-1]
    make = [nn.Linear(latent, inner * 64), nn.Unflatten(1, (inner, 4, 4, 4)), nn.BatchNorm3d(inner), nn.ReLU()]
    for a, b in zip(channels[:0:-1], channels[-2::-1], strict=True):
        make += [nn.ConvTranspose3d(a, b, 4, 2, 1), nn.BatchNorm3d(b), nn.ReLU()]
    make += [nn.ConvTranspose3d(width, 1, 4, 2, 1), nn.Sigmoid()]
    judge = []
    for a, b in zip([1, *channels], channels, strict=False):
        judge += [nn.Conv3d(a, b, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*make), nn.Sequential(*judge, nn.Flatten(), nn.Linear(inner * 64, 1))


def classifier(size, updates=150):
    """A network that tells the kinds of shapes, and its accuracy on others."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(size**3, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer, rng = nn.optim.Adam(model.parameters(), lr=3e-3), generator(3)
    for _ in range(updates):
        x, kind = shapes(64, size, rng)
        loss = nn.functional.cross_entropy(model(Tensor(x)), kind)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, kind = shapes(500, size, rng)
    return model, nn.metrics.accuracy(model(Tensor(x)).detach().numpy(), kind)


def overlap(made, real):
    """Intersection over union with the nearest of the other set: the mean over made and over real shapes."""
    a, b = (some.reshape(len(some), -1) for some in (made, real))
    both = a @ b.T
    shared = both / (a.sum(axis=1)[:, None] + b.sum(axis=1) - both + 1e-9)
    return float(shared.max(axis=1).mean() + shared.max(axis=0).mean()) / 2


def draw(made, real):
    """Solid shapes, real ones above made ones."""
    figure = plt.figure(figsize=(12, 4.6), layout="constrained")
    for row, (name, some, colour) in enumerate((("real", real, "tab:blue"), ("made", made, "tab:orange"))):
        for column in range(6):
            axis = figure.add_subplot(2, 6, 6 * row + column + 1, projection="3d")
            axis.voxels(some[column, 0] > 0.5, facecolors=colour, edgecolor="black", linewidth=0.3)
            side = (0, len(some[0, 0]))
            axis.set(xlim=side, ylim=side, zlim=side, title=name)
            axis.set_axis_off()
    picture("three_dimensional_gan", figure)


def main(total=1200, size=8, width=12, latent=16, batch=32, lr=2e-3, lr_judged=5e-4):
    """Train both, and compare what is made.

    Args:
        size: voxels of a side, 4 times a power of 2
        width: channels of the outermost layer
        lr: the generator's learning rate
    """
    make, judge = networks(size, width, latent)
    optimizers = [nn.optim.Adam(net.parameters(), r, (0.5, 0.999)) for net, r in ((make, lr), (judge, lr_judged))]
    play(make, judge, optimizers, total, batch, latent, lambda rng: shapes(batch, size, rng)[0])
    make.eval()
    with no_grad():
        made = (make(random.randn(300, latent)).numpy() > 0.5).astype(np.float32)
    known, fresh = (shapes(count, size, generator(stream))[0] for count, stream in ((1000, 1), (300, 2)))
    draw(made, fresh)
    mean = known.mean(axis=0)
    compared = {
        "overlap with real shapes": made,
        "chance: overlap, voxels by themselves": generator(4).random(made.shape) < mean,
        "baseline: overlap, the rounded mean": mean[None] > 0.5,
        "ceiling: overlap, fresh real shapes": fresh,
    }
    results = {name: overlap(some.astype(np.float32), known) for name, some in compared.items()}
    model, accuracy = classifier(size)
    kinds = np.bincount(model(Tensor(made)).detach().numpy().argmax(axis=1), minlength=3) / len(made)
    results |= {f"share classified as a {kind}": float(share) for kind, share in zip(KINDS, kinds, strict=True)}
    return results | {"accuracy of the classifier": accuracy, "chance: share of each kind": 1 / len(KINDS)}


# The paper's sizes; its furniture is not here.
FULL = {"size": 64, "width": 64, "latent": 200, "batch": 100, "lr": 2.5e-3, "lr_judged": 1e-5, "total": 20_000}

if __name__ == "__main__":
    run(main)
