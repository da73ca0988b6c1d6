"""Workloads of nn: one layer, or one small network, forward and backward, beside PyTorch with the same layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
import nn

from . import peers

Runs = dict[str, Callable[[], object]]

rng = np.random.default_rng(0)


def _both(build: Callable[[Any], Any], shape: tuple[int, ...], input_grad: bool = False) -> Runs:
    """A module of minigrad's and of torch's on the same input; the loss is the sum of the (first) output."""
    data = rng.normal(size=shape).astype(np.float32)

    def training(module: Any, x: Any) -> Callable[[], None]:
        def run() -> None:
            module.zero_grad()
            x.grad = None
            out = module(x)
            (out[0] if isinstance(out, tuple) else out).sum().backward()

        return run

    runs: Runs = {"minigrad": training(build(nn), mg.Tensor(data, requires_grad=input_grad))}
    if torch := peers.torch():
        runs["torch"] = training(build(torch.nn), torch.tensor(data, requires_grad=input_grad))
    return runs


def _lenet(library: Any) -> Any:
    return library.Sequential(
        library.Conv2d(1, 6, 5, padding=2), library.ReLU(), library.MaxPool2d(2), library.Conv2d(6, 16, 5), library.ReLU(),
        library.MaxPool2d(2), library.Flatten(), library.Linear(400, 120), library.ReLU(), library.Linear(120, 84),
        library.ReLU(), library.Linear(84, 10),
    )  # fmt: skip


def _transformer(library: Any) -> Any:
    return library.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)


#: name -> (workload, rounds)
NETWORKS: dict[str, tuple[Callable[[], Runs], int]] = {
    "LeNet, 28x28, batch 64": (lambda: _both(_lenet, (64, 1, 28, 28)), 20),
    "convolution 3x3, 64 to 64, 32x32, batch 16": (
        lambda: _both(lambda n: n.Conv2d(64, 64, 3, padding=1), (16, 64, 32, 32), True),
        6,
    ),
    "RNN 128, 64 steps, batch 32": (lambda: _both(lambda n: n.RNN(128, 128), (64, 32, 128)), 10),
    "GRU 128, 64 steps, batch 32": (lambda: _both(lambda n: n.GRU(128, 128), (64, 32, 128)), 10),
    "transformer block 128, 4 heads, T 128, batch 16": (lambda: _both(_transformer, (16, 128, 128)), 6),
    "layer norm, 2048x512": (lambda: _both(lambda n: n.LayerNorm(512), (2048, 512), True), 20),
}
