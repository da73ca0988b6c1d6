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


def modules(x: Tensor) -> None:
    nn.Linear(3, 1)(x, x)  # error
    nn.Linear(3, 1)(x).tanhh()  # error
    nn.Linear(3, 1).wieght  # error
