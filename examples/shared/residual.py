"""Residual networks: their blocks, and ResNet-18, 34 and 50."""

from __future__ import annotations

import nn
from minigrad import Tensor

#: How many blocks there are in each of the four stages.
DEPTHS = {"ResNet-18": (2, 2, 2, 2), "ResNet-34": (3, 4, 6, 3), "ResNet-50": (3, 4, 6, 3)}


class Block(nn.Module):
    """x + F(x): two 3x3 convolutions, or in deep networks a bottleneck of 1x1, 3x3 and 1x1."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool, shortcut: bool = True) -> None:
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

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.body(x) if self.shortcut is None else self.shortcut(x) + self.body(x))


def resnet(
    name: str, classes: int = 1000, width: int = 64, channels: int = 3, shortcut: bool = True, small: bool = False
) -> nn.Sequential:
    """The network of the paper's table 1, with or without shortcuts; `small`: without the first pooling."""
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
