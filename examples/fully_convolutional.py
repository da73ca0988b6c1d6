"""A fully convolutional network paints every pixel with its class; skips give it back the sharp outlines.

Scenes of a digit among pieces of others: the pixels of the whole digit belong to its class, all others to the
background. The network makes the image smaller, h1 (1/2), h2 (1/4), h3 (1/8 of the side), and scores the
classes at each place of h3 with a convolution of 1x1; a transposed convolution, which begins as bilinear
interpolation, enlarges the scores. With skips, which begin at 0, as in FCN-8s,

    s3 = score(h3);   s2 = up(s3) + score(h2);   s1 = up(s2) + score(h1);   s = up(s1)

without them s = up(s3), by eight at once, as in FCN-32s. Mean IU is the mean over the eleven classes of right
pixels / (pixels of the class or called so); foreground IU is that of digit against background. Skips bring
outlines: without them the foreground is painted worse than by taking all bright pixels. Which digit it is, they
help little with, so that the mean IU gains less, in one of five seeds nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, outlined, picture, restart, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "PASCAL VOC, mean IU: FCN-32s (no skips) 0.594, FCN-8s 0.627 (Long, Shelhamer and Darrell, 2015)"
CLASSES = 11  # the background is class 0, the digit d is class d + 1


def convolution(inputs, width):
    return nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())


def enlarging(scale):
    """A transposed convolution that begins as bilinear interpolation of each class by itself."""
    layer = nn.ConvTranspose2d(CLASSES, CLASSES, 2 * scale, scale, scale // 2, bias=False)
    ramp = 1 - abs(np.arange(2 * scale) - scale + 0.5) / scale
    layer.weight.data[:] = np.eye(CLASSES)[:, :, None, None] * np.outer(ramp, ramp)
    return layer


class Segmenter(nn.Module):
    """(N, 1, H, W) to the scores of each pixel, (N, 11, H, W)."""

    def __init__(self, skips, width=12):
        widths = (width, 2 * width, 4 * width)
        self.down = nn.ModuleList(
            [nn.Sequential(convolution(a, b), nn.MaxPool2d(2)) for a, b in zip((1, *widths), widths, strict=False)]
        )
        self.top = convolution(widths[-1], 2 * widths[-1])
        self.score = nn.Conv2d(2 * widths[-1], CLASSES, 1)
        self.skips = nn.ModuleList([nn.Conv2d(w, CLASSES, 1) for w in widths[1::-1]] if skips else [])
        self.up = nn.ModuleList([enlarging(scale) for scale in ((2, 2, 2) if skips else (8,))])
        for skip in self.skips:  # as in the paper, skips begin at 0
            nn.init.zeros_(skip.weight)

    def forward(self, x):
        maps = []
        for layer in self.down:
            maps.append(x := layer(x))
        s = self.score(self.top(x))
        for up, skip, h in zip(self.up, self.skips, maps[1::-1], strict=False):
            s = up(s) + skip(h)
        return self.up[-1](s)


def mean_iu(found, truth):
    """The mean over the classes of intersection / union."""
    table = np.zeros((CLASSES, CLASSES))
    np.add.at(table, (truth.ravel(), found.ravel()), 1)
    right = np.diag(table)
    return float((right / (table.sum(axis=0) + table.sum(axis=1) - right)).mean())


def load(count, half, stream):
    """Scenes (N, 1, 24, 24) and the class of each pixel, (N, 24, 24)."""
    x, labels, masks = outlined(*half, count, generator(stream))
    return x[:, None], np.where(masks, labels[:, None, None] + 1, 0)


def train(skips, x, y, updates):
    """A segmenter, and what its loss was."""
    restart()
    model, rng = Segmenter(skips), generator(3)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    for step in range(updates):
        rows = rng.integers(0, len(x), 32)
        loss = nn.functional.cross_entropy(model(Tensor(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            print(f"skips {skips}, update {step + 1}: loss {loss.item():.3f}")
    return model.eval()


def binary_iu(found, truth):
    """Digit against background, whatever the digit."""
    return float(((found > 0) & (truth > 0)).sum() / ((found > 0) | (truth > 0)).sum())


def draw(x, y, found):
    """Scenes, the true classes, and those that each network painted."""
    figure, axes = plt.subplots(2 + len(found), 8, figsize=(11, 5.6), layout="constrained")
    for axis, image in zip(axes[0], x[:, 0], strict=False):
        axis.imshow(image, cmap="gray")
    for line, images in zip(axes[1:], (y, *found.values()), strict=True):
        for axis, image in zip(line, images, strict=False):
            axis.set_facecolor("black")
            shown = axis.imshow(np.ma.masked_equal(image, 0), cmap="tab10", vmin=0.5, vmax=10.5)
    for axis, name in zip(axes[:, 0], ("scene", "true classes", *found), strict=True):
        axis.set_ylabel(name)
    for axis in axes.ravel():
        axis.set(xticks=[], yticks=[])
    bar = figure.colorbar(shown, ax=axes[1:], ticks=range(1, 11), shrink=0.8, label="digit")
    bar.set_ticklabels(range(10))
    picture("fully_convolutional", figure)


def main(scenes=2000, updates=320):
    half, other = digits()
    (x, y), (held, truth) = load(scenes, half, 1), load(400, other, 2)
    found, results = {}, {}
    for name in ("without skips", "with skips"):
        model = train(name == "with skips", x, y, updates)
        with no_grad():
            found[name] = model(Tensor(held)).numpy().argmax(axis=1)
        results[f"mean IU, {name}"] = mean_iu(found[name], truth)
        results[f"foreground IU, {name}"] = binary_iu(found[name], truth)
    draw(held, truth, found)
    bright, commonest = held[:, 0] > 0.5, np.bincount(y[y > 0]).argmax()
    return results | {
        "baseline: mean IU, all background": mean_iu(np.zeros_like(truth), truth),
        "baseline: mean IU, bright pixels are the commonest digit": mean_iu(bright * commonest, truth),
        "baseline: foreground IU, bright pixels": binary_iu(bright, truth),
    }


if __name__ == "__main__":
    run(main)
