"""Wrong uses: each checker finds an error in each line that says so, and nowhere else.

Nothing here is called.
"""

from __future__ import annotations

import numpy as np

import minigrad
import nn
from minigrad import Tensor


def methods(x: Tensor) -> None:
    x.tanhh()  # error
    x.sum(axes=0)  # error
    x.view(2, 3)  # error
    x.strides  # error
    number: float = x.sum()  # error
    x.requires_grad = "yes"  # error
    print(number)


def functions(x: Tensor) -> None:
    minigrad.sine(x)  # error
    minigrad.sin(x, 3)  # error
    minigrad.sin()  # error
    minigrad.concatenate(x, along=0)  # error
    minigrad.random.randn(2, 3, require_grad=True)  # error
    minigrad.split(x, 2).sum()  # error
    minigrad.linalg.determinant(x)  # error
    minigrad.sum(x).backwards()  # error
    np.linspace(x.shape)  # error


def cost(w: np.ndarray, scale: float = 1.0) -> Tensor:
    return scale * minigrad.sum(w)


def transforms(w: np.ndarray) -> None:
    minigrad.grad(cost)(w, factor=2.0)  # error
    minigrad.grad(cost)("w")  # error
    minigrad.value_and_grad(cost)()  # error
    minigrad.jacobian(cost)(w, 1.0, 2.0)  # error
    minigrad.checkpoint(cost)(w).backwards()  # error
    minigrad.grad(cost, argnums="w")  # error


def modules(x: Tensor) -> None:
    nn.Linear(3, 1)(x, x)  # error
    nn.Linear(3, 1)(x).tanhh()  # error
    nn.Linear(3, 1).wieght  # error
