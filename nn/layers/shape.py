"""Layers that only reshape, or do nothing; what they compute is in `nn.functional.shape`."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..module import Module

__all__ = ["Flatten", "Identity", "Unflatten"]


class Identity(Module):
    """The input itself, whatever the arguments.

    Args:
        args, kwargs: not used, so that it can stand for any layer.

    >>> Identity(54)(Tensor([1.0])).tolist()
    [1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """The axes from start_axis to end_axis joined into one; by default all but the batch.

    Args:
        start_axis: the first axis that is joined (PyTorch's `start_dim`); 0 joins the batch, too.
        end_axis: the last one, itself joined (PyTorch's `end_dim`).

    >>> Flatten()(Tensor([[[1.0, 2.0], [3.0, 4.0]]])).shape
    (1, 4)
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis, self.end_axis = start_axis, end_axis

    def forward(self, x: Any) -> Any:
        return F.flatten(x, self.start_axis, self.end_axis)

    def extra_repr(self) -> str:
        return f"start_axis={self.start_axis}, end_axis={self.end_axis}"


class Unflatten(Module):
    """One axis split into several.

    Args:
        axis: the one that is split (PyTorch's `dim`).
        unflattened_size: the lengths in its place; one of them may be -1, which is then what is left.

    >>> Unflatten(1, (2, 3))(Tensor([[1.0] * 6])).shape
    (1, 2, 3)
    """

    def __init__(self, axis: int, unflattened_size: tuple[int, ...]) -> None:
        self.axis, self.unflattened_size = axis, tuple(unflattened_size)

    def forward(self, x: Any) -> Any:
        return F.unflatten(x, self.axis, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"axis={self.axis}, unflattened_size={self.unflattened_size}"
