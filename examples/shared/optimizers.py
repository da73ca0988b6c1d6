"""The six methods of the lectures, as what makes an optimizer of parameters and a rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn.optim import SGD, Adagrad, Adam, RMSprop


def six_methods(rho: float) -> dict[str, Callable[[Any, float], Any]]:
    """SGD, momentum, Nesterov, AdaGrad, RMSProp and Adam; `rho` is the momentum of the second and the third."""
    return {
        "SGD": lambda p, rate: SGD(p, lr=rate),
        "momentum": lambda p, rate: SGD(p, lr=rate, momentum=rho),
        "Nesterov": lambda p, rate: SGD(p, lr=rate, momentum=rho, nesterov=True),
        "AdaGrad": lambda p, rate: Adagrad(p, lr=rate),
        "RMSProp": lambda p, rate: RMSprop(p, lr=rate),
        "Adam": lambda p, rate: Adam(p, lr=rate),
    }
