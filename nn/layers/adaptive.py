"""A softmax over very many classes, most of them rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import beside, concatenate, raw, take_along_axis
from minigrad.devices import on_gpu_of
from minigrad.ops.batching import one_by_one

from .. import functional as F
from ..module import Module
from ..values import as_input, host
from .container import Sequential
from .linear import Linear

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _Result(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns.

    Attributes:
        output: (N,), the log-probability of each target.
        loss: the mean of -output.
    """

    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax whose frequent classes are told apart at once, and rare ones by clusters (Grave et al., 2017).

        output = log p_target    (a frequent class: p is the softmax of the head)
        output = log p_c + log q_target    (a class of the cluster c: q is the softmax of its part of the tail)

    Classes must be sorted by how frequent they are. The head tells the first classes and the clusters apart; in a cluster
    a projection to fewer features, then a softmax over its own classes, does the rest.

    Args:
        in_features: length D of the inputs.
        n_classes: how many classes there are, 0 the most frequent one.
        cutoffs: where the clusters begin: [10, 100] of 1000 classes makes a head of 10 and clusters of 90 and 900.
        div_value: the clusters have D / div_value, D / div_value^2 ... features, rounded down.
        head_bias: whether the head has a bias; the clusters have none.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        head: a `Linear`.
        tail: for each cluster a `Sequential` of two `Linear`.

    >>> layer = AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])
    >>> out = layer(Tensor(np.ones((3, 8))), Tensor([0, 5, 19]))
    >>> out.output.shape, out.loss.shape, layer.predict(np.ones((3, 8))).shape
    ((3,), (), (3,))
    """

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        ends = [int(c) for c in cutoffs]
        if not ends or ends != sorted({*ends}) or ends[0] < 1 or ends[-1] >= n_classes or list(cutoffs) != ends:
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs must be integers that grow, from 1 to {n_classes - 1}, got {cutoffs}"
            )
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*ends, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = ends[0], len(ends)
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.shortlist_size + self.n_clusters, head_bias, **options)
        self.tail = []
        for i in range(self.n_clusters):
            features, classes = int(in_features // div_value ** (i + 1)), self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, features, False, **options)
            self.tail.append(Sequential(first, Linear(features, classes, False, **options)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        layers: list[Any] = [self.head, *(linear for pair in self.tail for linear in pair)]
        for layer in layers:
            layer.reset_parameters()

    @one_by_one("with classes of each example's own")
    def forward(self, input: Any, target: Any) -> _Result:  # noqa: A002
        """The log-probabilities of the targets, and the loss.

        Args:
            input: (N, D), or (D,) for a single one.
            target: (N,), or (), the classes: integers from 0 to n_classes - 1.
        """
        x, classes = as_input(input, self.head.weight), host(target)
        if x.ndim != classes.ndim + 1 or classes.ndim > 1 or x.shape[:-1] != classes.shape:
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: expected (N, D) and targets (N,), or (D,) and (), got "
                f"{x.shape} and {classes.shape}"
            )
        if classes.dtype.kind not in "iu":
            raise TypeError(f"AdaptiveLogSoftmaxWithLoss: class indices must be integers, got {classes.dtype}")
        if classes.size and (classes.min() < 0 or classes.max() >= self.n_classes):
            raise IndexError(
                f"AdaptiveLogSoftmaxWithLoss: targets from {classes.min()} to {classes.max()}, but there are "
                f"{self.n_classes} classes"
            )
        if not classes.ndim:
            out = self._of_targets(x[None], classes[None])
            return _Result(out[0], -out[0])
        out = self._of_targets(x, classes)
        return _Result(out, np.mean(-out))

    def _of_targets(self, x: Any, classes: np.ndarray) -> Any:
        """The log-probability of the target of each row, (N,)."""
        cluster = np.searchsorted(self.cutoffs, classes, side="right")  # 0 for the classes of the head
        column = np.where(cluster == 0, classes, self.shortlist_size + cluster - 1)
        out = _picked(F.log_softmax(self.head(x), axis=1), column)
        inside, rows = [], [np.flatnonzero(cluster == 0)]
        with on_gpu_of(out):
            inside.append(np.zeros_like(raw(out), shape=(len(rows[0]),)))
        for i, layer in enumerate(self.tail, start=1):
            rows.append(np.flatnonzero(cluster == i))
            if len(rows[-1]):
                log_p = F.log_softmax(layer(x[beside(rows[-1], x)]), axis=1)
                inside.append(_picked(log_p, classes[rows[-1]] - self.cutoffs[i - 1]))
        return out + concatenate(inside)[beside(np.argsort(np.concatenate(rows)), x)]

    def log_prob(self, input: Any) -> Any:  # noqa: A002
        """The log-probabilities of all classes, (N, D) -> (N, n_classes)."""
        x = as_input(input, self.head.weight)
        head = F.log_softmax(self.head(x), axis=1)
        parts = [head[:, : self.shortlist_size]]
        for i, layer in enumerate(self.tail, start=self.shortlist_size):
            parts.append(F.log_softmax(layer(x), axis=1) + head[:, i : i + 1])
        return concatenate(parts, axis=1)

    def predict(self, input: Any) -> Any:  # noqa: A002
        """The most probable class of each row, (N, D) -> (N,)."""
        return np.argmax(self.log_prob(input), axis=1)


def _picked(log_p: Any, columns: np.ndarray) -> Any:
    return take_along_axis(log_p, beside(columns[:, None], log_p), axis=1)[:, 0]
