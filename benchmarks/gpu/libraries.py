"""minigrad and PyTorch by the same five names, so that a workload is written once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
import nn

from .. import peers


@dataclass(frozen=True)
class Library:
    """What a workload needs of a library.

    Attributes:
        nn: its layers, with `functional`.
        optim: its optimizers.
        array: its tensors' constructor, (values, requires_grad=..., device=...).
        device: where its tensors are, "cuda" or (for a try without a card) "cpu".
        synchronize: waits until the device has computed everything.
    """

    name: str
    nn: Any
    optim: Any
    array: Callable[..., Any]
    device: str
    synchronize: Callable[[], None]

    def tensor(self, values: np.ndarray, requires_grad: bool = False) -> Any:
        """A tensor of its own on its device."""
        return self.array(values, requires_grad=requires_grad, device=self.device)

    def on_device(self, module: Any) -> Any:
        return module.to(self.device)


def ours(device: str = "cuda") -> Library:
    """minigrad on a device."""
    synchronize = _nothing if device == "cpu" else mg.backend.cupy().cuda.Device().synchronize
    return Library("minigrad", nn, nn.optim, mg.Tensor, device, synchronize)


def torchs(device: str = "cuda") -> Library | None:
    """PyTorch eager with full float32 products, as CuPy has them; None where it cannot use the device."""
    torch = peers.torch()
    if torch is None or (device == "cuda" and not torch.cuda.is_available()):
        return None
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    synchronize = torch.cuda.synchronize if device == "cuda" else _nothing
    return Library("torch", torch.nn, torch.optim, torch.tensor, device, synchronize)


def _nothing() -> None:
    """The CPU computes at once."""
