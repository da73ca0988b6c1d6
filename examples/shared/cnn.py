"""A small convolutional network of digits in scenes, that several examples look into."""

from __future__ import annotations

import numpy as np

import nn

from .images import fit_images


def network(channels: int = 1) -> nn.Sequential:
    """Three convolutions, the last with maps of a quarter of the side, and the maximum of each map."""
    layers: list[nn.Module] = []
    inputs = channels
    for width in (16, 32, 64):
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers[:-1], nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def learn(model: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int, name: str = "cnn") -> nn.Module:
    """Train it on images x of classes y."""
    fit_images(model, nn.optim.Adam(model.parameters(), lr=3e-3), (x, y), None, epochs, name)
    return model.eval()
