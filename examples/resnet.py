"""ResNet: depth that can be learned, because every block only adds to what it is given; against the same network without."""

import matplotlib.pyplot as plt
from alexnet import load
from shared import picture, run

import minigrad
import nn
from nn.metrics import accuracy
from nn.training import Trainer

PUBLISHED = "ResNet-18, 34 and 50 have 11.7, 21.8 and 25.6 million parameters (He, Zhang, Ren and Sun, 2016)"

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


def main(epochs=5, width=8, size=16, data=None):
    results = {f"parameters of {name}": sum(p.size for p in resnet(name).parameters()) for name in DEPTHS}
    x, labels = load(data, size)
    cut = int(0.8 * len(labels))
    figure, axis = plt.subplots()
    for shortcut in (True, False):
        minigrad.random.manual_seed(0)
        model = resnet("ResNet-34", labels.max() + 1, width, channels=x.shape[1], shortcut=shortcut, small=size < 64)
        optimizer = nn.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
        batches = nn.data.DataLoader(nn.data.TensorDataset(x[:cut], labels[:cut]), 32, shuffle=True, seed=0)
        history = Trainer(model, optimizer, nn.functional.cross_entropy, {"accuracy": accuracy}).fit(
            batches, epochs, [(x[cut:], labels[cut:])]
        )
        name = "34 layers, with shortcuts" if shortcut else "34 layers, without"
        axis.plot(range(1, epochs + 1), history.curves()["loss"], label=name)
        results[f"test accuracy, {name}"] = history[-1]["val_accuracy"]
    axis.set(xlabel="epoch", ylabel="training loss")
    axis.legend()
    picture("resnet", figure)
    return results


FULL = {"epochs": 120, "width": 64, "size": 224}

if __name__ == "__main__":
    run(main)
