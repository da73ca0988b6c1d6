"""AlexNet: what its first layers give and cost, by the network itself; and a small copy that learns scenes of digits.

A convolution of a W x W picture with F x F filters at stride S and padding P gives (W - F + 2 P) / S + 1 values on a
side, and costs F F C K weights and K biases for C channels in and K filters; pooling has no weights.
The questions: what volume does CONV1 give, how many weights has it, how many parameters; the same of POOL1.
The small copy reads more scenes than the nearest neighbours in the same pixels do.
Source: Krizhevsky, Sutskever and Hinton, ImageNet classification with deep convolutional neural networks, 2012.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import fit_images, image_sets, picture, run, simple_accuracies

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "55x55x96 and 35 K weights in the first layer, pooled to 27x27x96; 60 million parameters; on ImageNet 15.3 % of the "
    "test images without the right class among five (Krizhevsky et al., 2012)"
)
FULL = {"epochs": 90, "width": 1.0, "size": 227}


def alexnet(classes=1000, width=1.0, channels=3):
    """Five convolutions, three of them in two groups as on the paper's two GPUs; 227x227 pixels in."""
    c = [int(width * n) for n in (96, 256, 384, 384, 256, 4096)]
    norm = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    return nn.Sequential(
        nn.Conv2d(channels, c[0], 11, stride=4), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
        nn.Conv2d(c[0], c[1], 5, padding=2, groups=2), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
        nn.Conv2d(c[1], c[2], 3, padding=1), nn.ReLU(),
        nn.Conv2d(c[2], c[3], 3, padding=1, groups=2), nn.ReLU(),
        nn.Conv2d(c[3], c[4], 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(36 * c[4], c[5]), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(c[5], c[5]), nn.ReLU(), nn.Linear(c[5], classes),
    )  # fmt: skip


def started(model):
    """He's initialisation, with which a plain network this deep learns from its first update on."""
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return model


def answers(model, table):
    """Five questions about the first two layers, and how many parameters there are in all."""
    first, pooled = table.rows[0], table.rows[3]

    def volume(row):
        return f"{row.output[2]}x{row.output[3]}x{row.output[1]}"

    return {
        "CONV1: output volume": volume(first),
        "CONV1: weights": model[0].weight.size,
        "CONV1: parameters with the biases": first.parameters,
        "POOL1: output volume": volume(pooled),
        "POOL1: parameters": pooled.parameters,
        "parameters in all": table.parameters,
    }


def drawn(table, model, images, labels):
    """What the layers of the whole network cost; and some scenes with what the small one says."""
    figure = plt.figure(figsize=(11, 5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(2, 1.1))
    layers = [row for row in table.rows if row.parameters]
    names = [f"{'CONV' if len(row.output) == 4 else 'FC'}{i}" for i, row in enumerate(layers, 1)]
    for axis, title, values in zip(
        above.subplots(1, 2), ("Parameters", "Values that come out, for one picture"),
        ([row.parameters for row in layers], [int(np.prod(row.output[1:])) for row in layers]), strict=True,
    ):  # fmt: skip
        axis.bar_label(axis.bar(names, values, color="tab:blue"), [f"{v:,}" for v in values], fontsize=7)
        axis.set(title=title, yticks=[], ylim=(0, 1.1 * max(values)))
    with no_grad():
        said = model(Tensor(images)).numpy().argmax(1)
    for axis, image, label, number in zip(below.subplots(1, 8), images, labels, said, strict=True):
        axis.imshow(image[0], cmap="gray")
        axis.set_title(f"a {label}, read {number}", color="tab:green" if label == number else "tab:red", fontsize=9)
        axis.set(xticks=[], yticks=[])
    picture("alexnet", figure)


def main(epochs=12, width=0.125, size=67, scenes=2000, pieces=1, data=None):
    train, test = image_sets(data, size, scenes, pieces)
    model = started(alexnet(int(train[1].max()) + 1, width, channels=train[0].shape[1]))
    history = fit_images(model, nn.optim.Adam(model.parameters(), lr=1e-3), train, test, epochs)
    model.eval()
    whole = alexnet()
    table = whole.summary(np.zeros((1, 3, 227, 227), np.float32))
    drawn(table, model, test[0][:8], test[1][:8])
    reached = {"test accuracy of the small one": history[-1]["val_accuracy"]}
    return answers(whole, table) | reached | simple_accuracies(train, test)


if __name__ == "__main__":
    run(main)
