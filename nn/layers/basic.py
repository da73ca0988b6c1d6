"""Layers without parameters, containers, and the embedding table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, overload

import numpy as np

from minigrad import Tensor, empty, mark_mutated
from minigrad.ops.select import where

from .. import functional as F
from .. import init
from ..module import Module, Parameter

__all__ = ["Embedding", "Flatten", "Identity", "ReLU", "Sequential", "Sigmoid", "Tanh"]


class Identity(Module):
    """The input itself, whatever the arguments.

    >>> Identity(54)(Tensor([1.0])).tolist()
    [1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Any) -> Any:
        return x


class ReLU(Module):
    """max(x, 0).

    >>> ReLU()(Tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def forward(self, x: Any) -> Any:
        return F.relu(x)


class Tanh(Module):
    """tanh(x).

    >>> Tanh()(Tensor([0.0])).tolist()
    [0.0]
    """

    def forward(self, x: Any) -> Any:
        return F.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e^-x).

    >>> Sigmoid()(Tensor([0.0])).tolist()
    [0.5]
    """

    def forward(self, x: Any) -> Any:
        return F.sigmoid(x)


class Flatten(Module):
    """The axes from start_axis to end_axis joined into one; by default all but the batch.

    >>> Flatten()(Tensor([[[1.0, 2.0], [3.0, 4.0]]])).shape
    (1, 4)
    """

    def __init__(self, start_axis: int = 1, end_axis: int = -1) -> None:
        self.start_axis, self.end_axis = start_axis, end_axis

    def forward(self, x: Any) -> Any:
        return F.flatten(x, self.start_axis, self.end_axis)

    def extra_repr(self) -> str:
        return f"start_axis={self.start_axis}, end_axis={self.end_axis}"


class Sequential(Module):
    """Modules one after the other; takes modules, or one dict of named modules.

    >>> Sequential(Flatten(), ReLU())(Tensor([[[-1.0], [2.0]]])).tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, *modules: Any) -> None:
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], dict) else {str(i): m for i, m in enumerate(modules)}
        vars(self).update(named)  # as attributes, so that paths are PyTorch's: "0.weight"
        self._order = tuple(named)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return (vars(self)[name] for name in self._order)

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module | Sequential:
        modules = list(self)
        return Sequential(*modules[index]) if isinstance(index, slice) else modules[index]


class Embedding(Module):
    """A table of vectors, looked up by integers: (...) -> (..., embedding_dim).

    Attributes:
        weight: (num_embeddings, embedding_dim), standard normal at first; row padding_idx is 0 and stays so.

    >>> Embedding(10, 3)(Tensor([1, 2])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        device: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(f"padding_idx {padding_idx} is out of range for {num_embeddings} embeddings")
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty((num_embeddings, embedding_dim), dtype=dtype, device=device))
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight._data[self.padding_idx] = 0
            mark_mutated(self.weight._data)

    def forward(self, indices: Any) -> Tensor:
        out = F.embedding(indices, self.weight)
        if self.padding_idx is None:
            return out
        used = np.expand_dims(np.not_equal(indices, self.padding_idx), -1)
        return where(used, out, out.detach())  # no gradient reaches the padding's row

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}" + (
            f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        )
