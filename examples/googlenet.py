"""GoogLeNet: four kinds of filters side by side in each Inception block; a small copy learns digits."""

import numpy as np
from alexnet import load
from shared import picture, run

import nn
from minigrad import Tensor, no_grad, viz
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = (
    "about 7 million parameters, 12 times fewer than AlexNet's 60 (Szegedy et al., Going deeper with convolutions, 2015; table 1)"
)

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


def main(epochs=10, width=0.125, size=32, data=None):
    results = {"parameters": sum(p.size for p in googlenet().parameters())}
    x, labels = load(data, size)
    cut = int(0.8 * len(labels))
    model = googlenet(labels.max() + 1, width, channels=x.shape[1], norm=True)
    optimizer = nn.optim.Adam(model.parameters(), lr=4e-3)
    batches = nn.data.DataLoader(nn.data.TensorDataset(x[:cut], labels[:cut]), 32, shuffle=True, seed=0)
    history = Trainer(model, optimizer, nn.functional.cross_entropy, {"accuracy": accuracy}).fit(
        batches, epochs, [(x[cut:], labels[cut:])]
    )
    picture("googlenet", history.plot())
    model.eval()
    viz.draw(model, x[:1], depth=2).render("out/googlenet.dot")
    with no_grad():
        return results | {"test accuracy of the small one": accuracy(model(Tensor(x[cut:])).numpy(), labels[cut:])}


FULL = {"epochs": 100, "width": 1.0, "size": 224}

if __name__ == "__main__":
    run(main)
