"""ResNet: depth that can be learned, because every block only adds to what it is given; against the same network without.

A block gives y = relu(x + F(x)), so that dy/dx holds the identity besides dF/dx, and the gradient of the loss comes
through however many blocks there are. A plain network of the same layers gives y = relu(F(x)). Both are shown with
their training loss: a plain network that is too deep does worse in training already, not in the test alone.
Source: He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2016.
"""

import matplotlib.pyplot as plt
from shared import draw_simple, fit_images, image_sets, picture, restart, run, simple_accuracies

import nn

PUBLISHED = (
    "on ImageNet's validation images, 34 layers: 25.03 % errors with shortcuts, 28.54 % without (He et al., 2016, table 2)"
)
FULL = {"epochs": 120, "width": 64, "size": 224}

DEPTHS = {"ResNet-18": (2, 2, 2, 2), "ResNet-34": (3, 4, 6, 3), "ResNet-50": (3, 4, 6, 3)}


class Block(nn.Module):
    """x + F(x): two 3x3 convolutions, or in deep networks a bottleneck of 1x1, 3x3 and 1x1."""

    def __init__(self, inputs, width, stride, bottleneck, shortcut=True):
        outputs = 4 * width if bottleneck else width
        sizes = (
            [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
            if bottleneck
            else [(inputs, width, 3, stride), (width, width, 3, 1)]
        )
        layers = []
        for a, b, kernel, step in sizes:
            layers += [nn.Conv2d(a, b, kernel, stride=step, padding=kernel // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        self.body, self.shortcut, self.outputs = nn.Sequential(*layers[:-1]), None, outputs
        if shortcut:
            fits = stride == 1 and inputs == outputs
            self.shortcut = (
                nn.Identity()
                if fits
                else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
            )

    def forward(self, x):
        return nn.functional.relu(self.body(x) if self.shortcut is None else self.shortcut(x) + self.body(x))


def resnet(name, classes=1000, width=64, channels=3, shortcut=True, small=False):
    """`small`: for pictures of 32x32, without the first pooling."""
    first = (
        [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
        if small
        else [nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)]
    )
    layers, inputs = [*first, nn.BatchNorm2d(width), nn.ReLU(), *([] if small else [nn.MaxPool2d(3, 2, padding=1)])], width
    for stage, count in enumerate(DEPTHS[name]):
        for i in range(count):
            layers.append(Block(inputs, width << stage, 2 if stage and not i else 1, name == "ResNet-50", shortcut))
            inputs = layers[-1].outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def trained(train, test, width, epochs, shortcut, small):
    """The history of ResNet-34, or of the same layers without shortcuts, from the same start on the same batches."""
    restart()
    channels, classes = train[0].shape[1], int(train[1].max()) + 1
    model = resnet("ResNet-34", classes, width, channels=channels, shortcut=shortcut, small=small)
    optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    return fit_images(model, optimizer, train, test, epochs, "residual" if shortcut else "plain")


def main(epochs=5, width=8, size=16, scenes=2000, pieces=1, data=None):
    train, test = image_sets(data, size, scenes, pieces)
    beside = simple_accuracies(train, test)
    results = {f"parameters of {name}": sum(p.size for p in resnet(name).parameters()) for name in DEPTHS}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
    for shortcut, name in ((True, "34 layers, residual"), (False, "34 layers, plain")):
        history = trained(train, test, width, epochs, shortcut, small=size < 64)
        left.plot(range(1, epochs + 1), history.curves()["loss"], "o-", label=name)
        right.plot(range(1, epochs + 1), history.curves()["val_accuracy"], "o-", label=name)
        results[f"test accuracy, {name}"] = history[-1]["val_accuracy"]
    draw_simple(right, beside)
    left.set(xlabel="epoch", ylabel="loss on training data", ylim=(0, None), title="Training")
    right.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1), title="Test")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    picture("resnet", figure)
    return results | beside


if __name__ == "__main__":
    run(main)
