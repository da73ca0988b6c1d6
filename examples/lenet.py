"""LeNet-5 reads handwritten digits, of any size, wherever they stand.

Two convolutions, each followed by pooling, find strokes and their combinations anywhere in the picture; three linear
layers say which digit they make. A layer computes y = tanh(w * x + b), where * is the convolution; the last one gives
ten scores, and the loss is the cross-entropy of their softmax. Pooling takes the maximum, where the paper takes an
average with a weight; and every map of the second layer reads all six of the first. Of small digits in the middle of a
picture the nearest neighbours miss one in a hundred; so the default are scenes of one digit of any size anywhere,
where LeNet makes little more than half as many errors as the nearest neighbours. `--data FOLDER` takes MNIST.
Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, fit_images, generator, linear, neighbours, picture, run, scattered

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "on MNIST 0.95 % errors, 0.8 % with distorted digits; a linear classifier 12.0 % (LeCun et al., 1998)"
FULL = {"epochs": 20}


class LeNet(nn.Module):
    """Convolutions and pooling twice, then three linear layers; 28x28 pixels in."""

    def __init__(self):
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.out = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(np.tanh(self.c1(x)), 2)  # (N, 6, 14, 14)
        x = nn.functional.max_pool2d(np.tanh(self.c3(x)), 2)  # (N, 16, 5, 5)
        return self.out(np.tanh(self.f6(np.tanh(self.c5(x.reshape(len(x), -1))))))


def load(data, scenes):
    """MNIST, or scenes of digits: images (N, 1, 28, 28) and labels, to train and to test."""
    sets = digits(data)
    if data is None:
        rng = generator()
        sets = [scattered(*each, n, rng, size=28, pieces=0) for each, n in zip(sets, (scenes, scenes // 4), strict=True)]
    return [(images[:, None], labels) for images, labels in sets]


def drawn(model, image, scores, truth):
    """The digit, its six maps of the first layer, and the wrongly read digits are in the picture."""
    maps = nn.inspect.feature_maps(model, image[None], model.c1)[0]
    figure, axes = plt.subplots(1, 8, figsize=(12, 2.4), width_ratios=[1] * 7 + [2.2], layout="constrained")
    for axis, title, pixels in zip(axes, ["input", *(f"map {i + 1}" for i in range(6))], [image[0], *maps], strict=False):
        axis.imshow(pixels, cmap="gray")
        axis.set(title=title, xticks=[], yticks=[])
    said = scores.argmax(1)
    confused = np.zeros((10, 10), int)
    np.add.at(confused, (truth, said), said != truth)
    axes[-1].imshow(confused, cmap="Reds")
    axes[-1].set(title="errors", xlabel="read as", ylabel="true", xticks=range(10), yticks=range(10))
    picture("lenet", figure)


def main(epochs=15, scenes=2000, data=None):
    train, test = load(data, scenes)
    model = LeNet()
    fit_images(model, nn.optim.Adam(model.parameters(), lr=2e-3), train, None, epochs)
    with no_grad():
        scores = np.concatenate([model(Tensor(part)).numpy() for part in np.array_split(test[0], 10)])
    drawn(model, test[0][0], scores, test[1])
    return {
        "parameters": sum(p.size for p in model.parameters()),
        "training images": len(train[1]),
        "test error": 1 - accuracy(scores, test[1]),
        "chance: test error": float((test[1] != np.bincount(train[1]).argmax()).mean()),
        "baseline: test error of the nearest neighbours": 1 - neighbours(train, test),
        "baseline: test error of a linear layer": 1 - linear(train, test),
    }


if __name__ == "__main__":
    run(main)
