"""A small convolutional network of digits in scenes, that several examples look into."""

from __future__ import annotations

import numpy as np

import nn
from nn.training import Trainer

from .resuming import checkpoint
from .seeds import chosen


def network(channels: int = 1) -> nn.Sequential:
    """Three convolutions, the last with maps of a quarter of the side, and the maximum of each map."""
    layers: list[nn.Module] = []
    inputs = channels
    for width in (16, 32, 64):
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers[:-1], nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def learn(model: nn.Module, x: np.ndarray, y: np.ndarray, epochs: int, name: str = "cnn") -> nn.Module:
    """Train it by cross-entropy, at a rate that falls to nothing."""
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    loss, path = nn.functional.cross_entropy, checkpoint(name)
    trainer = Trainer(model, optimizer, loss, scheduler=schedule, checkpoint=path, progress=False)
    trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(x, y), 32, True, seed=chosen()), epochs)
    return model.eval()
