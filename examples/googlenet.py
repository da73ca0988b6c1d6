"""GoogLeNet: four kinds of filters side by side in each Inception block; a small copy learns scenes of digits.

A block looks at each place with windows of 1x1, 3x3 and 5x5 and with pooling, and concatenates what they say. Before
each large window a 1x1 convolution mixes C channels down to fewer, D: a 5x5 window then costs C D + 25 D K weights in
the place of 25 C K.
The small copy, with batch normalization, which came later, reads more scenes than the nearest neighbours in the same
pixels do, and about twice as many as a linear layer.
Source: Szegedy et al., Going deeper with convolutions, 2015.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import draw_accuracy, fit_images, image_sets, picture, run, simple_accuracies

import nn
from minigrad import viz

PUBLISHED = (
    "6.8 million parameters, by the sum of table 1 (the text: 12 times fewer than AlexNet's); on ImageNet 6.67 % of "
    "the test images without the right class among five (Szegedy et al., 2015)"
)
FULL = {"epochs": 100, "width": 1.0, "size": 224}

#: For each block: 1x1; 3x3 after 1x1; 5x5 after 1x1; 1x1 after pooling.  None: pooling between blocks.
BLOCKS = (
    (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None,
    (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128), None, (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
)  # fmt: skip


def conv(inputs, out, kernel, norm, **options):
    layers = [nn.Conv2d(inputs, out, kernel, padding=kernel // 2, **options)]
    return nn.Sequential(*layers, *([nn.BatchNorm2d(out)] if norm else []), nn.ReLU())


class Inception(nn.Module):
    """Looks at each place with small, middle and large windows at once, and puts the answers side by side."""

    def __init__(self, inputs, one, three_in, three, five_in, five, pooled, norm):
        self.one = conv(inputs, one, 1, norm)
        self.three = nn.Sequential(conv(inputs, three_in, 1, norm), conv(three_in, three, 3, norm))
        self.five = nn.Sequential(conv(inputs, five_in, 1, norm), conv(five_in, five, 5, norm))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), conv(inputs, pooled, 1, norm))
        self.outputs = one + three + five + pooled

    def forward(self, x):
        return np.concatenate([self.one(x), self.three(x), self.five(x), self.pooled(x)], axis=1)


def googlenet(classes=1000, width=1.0, channels=3, norm=False):
    """The network of the paper's table 1, without the two helpers that only training uses; 224x224 pixels in."""

    def w(n):
        return max(int(width * n), 1)

    pool = nn.MaxPool2d(3, 2, padding=1)
    layers = [conv(channels, w(64), 7, norm, stride=2), pool, conv(w(64), w(64), 1, norm), conv(w(64), w(192), 3, norm), pool]
    inputs = w(192)
    for sizes in BLOCKS:
        if sizes is None:
            layers.append(pool)
            continue
        layers.append(Inception(inputs, *map(w, sizes), norm))
        inputs = layers[-1].outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.4), nn.Linear(inputs, classes))


def drawn(history, beside):
    """Where the weights of an Inception block go, and how the small copy learns."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    blocks = [layer for layer in nn.utils.skip_init(googlenet) if isinstance(layer, Inception)]
    below = np.zeros(len(blocks))
    for branch, label in (("one", "1x1"), ("three", "1x1, 3x3"), ("five", "1x1, 5x5"), ("pooled", "pooling, 1x1")):
        counts = np.array([sum(p.size for p in getattr(block, branch).parameters()) for block in blocks]) / 1000
        left.bar(range(1, len(blocks) + 1), counts, bottom=below, label=label)
        below += counts
    left.set(xlabel="Inception block", ylabel="thousands of parameters", title="Four branches side by side")
    left.legend()
    draw_accuracy(right, history, "small GoogLeNet", beside)
    picture("googlenet", figure)


def main(epochs=12, width=0.125, size=32, scenes=2000, pieces=1, data=None):
    train, test = image_sets(data, size, scenes, pieces)
    model = googlenet(int(train[1].max()) + 1, width, channels=train[0].shape[1], norm=True)
    history = fit_images(model, nn.optim.Adam(model.parameters(), lr=4e-3), train, test, epochs)
    beside = simple_accuracies(train, test)
    drawn(history, beside)
    model.eval()
    viz.draw(model, train[0][:1], depth=2).render("out/googlenet.dot")
    return {
        "parameters": sum(p.size for p in nn.utils.skip_init(googlenet).parameters()),
        "test accuracy of the small one": history[-1]["val_accuracy"],
    } | beside


if __name__ == "__main__":
    run(main)
