"""Embeddings, as functions under torch.nn.functional's names; the modules are in `nn.layers.embedding`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, beside, concatenate, getitem, mark_mutated, primitive, raw, scatter_add, where
from minigrad.arrays import RowSparse, all_examples
from minigrad.backend import as_sizes, side_by_side
from minigrad.devices import follow, on_gpu_of
from minigrad.later import check_later, in_range, surely_all

from ..values import as_constant, host

__all__ = ["embedding", "embedding_bag", "one_hot"]


def _checked(indices: Any, weight: Any, what: str) -> Any:
    array, rows = as_constant(indices, weight), len(weight)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{what}: indices must be integers, got {array.dtype}")
    given = all_examples(array)

    def wrong(low: Any, high: Any) -> IndexError:
        return IndexError(f"{what}: indices from {low} to {high}, but the table has rows 0 to {rows - 1}")

    if given.size:
        check_later(in_range(0, rows, wrong), given.min(), given.max())
    return array


def _limit(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up down to a norm, in place.

    A row that is looked up twice is written twice, with the same values.
    """
    rows, data = np.reshape(all_examples(indices), -1), raw(weight)
    norms = np.linalg.norm(data[rows], ord=norm_type, axis=1, keepdims=True)
    data[rows] *= np.where(norms > max_norm, max_norm / (norms + 1e-7), 1.0).astype(data.dtype)
    mark_mutated(data)


def _how_often(indices: Any, rows: int) -> Any:
    """How often each row is looked up; np.bincount would make a program wait for its GPU."""
    flat = np.reshape(indices, -1)
    return scatter_add(np.ones_like(flat), flat, (rows,))


def _rows_gradient(g: Any, indices: Any, weight_shape: tuple[int, ...]) -> Any:
    many = all_examples(g) is not g or all_examples(indices) is not indices
    if isinstance(g, Tensor) or many:  # a gradient that is differentiated itself, or those of many, are ordinary ones
        return scatter_add(g, indices, weight_shape)
    with on_gpu_of(g):
        return RowSparse(np.reshape(g, (-1, *weight_shape[1:])), np.reshape(indices, -1), weight_shape)


@primitive(method=False, masks=True, weight=_rows_gradient)
def sparse_rows(weight: Any, indices: Any) -> Any:
    """Rows of a table, whose gradient holds these rows alone.

    out = weight[indices]
    dweight[indices] += g    (a `minigrad.arrays.row_sparse.RowSparse`)
    """
    return np.take(weight, indices, axis=0)


@follow
def embedding(
    indices: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of a table: indices (...) of integers, weight (V, D) -> (..., D).

    out = weight[indices]
    dweight[indices] += g    (zeros elsewhere; repeated indices add up)

    Args:
        indices: which rows, 0 to V - 1, in any shape.
        weight: the table.
        padding_idx: a row that gets no gradient.
        max_norm, norm_type: rows that are looked up are first scaled down to this norm, in place; None: they are not.
        scale_grad_by_freq: divide the gradient of a row by how often it is looked up here.
        sparse: the gradient holds only the rows that are looked up, and optimizers change only these.

    >>> embedding(Tensor([1, 1]), Tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    array = _checked(indices, weight, "embedding")
    if padding_idx is not None and not -len(weight) <= padding_idx < len(weight):
        raise IndexError(f"embedding: padding_idx {padding_idx} is no row of the table: it has rows 0 to {len(weight) - 1}")
    if max_norm is not None:
        _limit(weight, array, max_norm, norm_type)
    out = sparse_rows(weight, array) if sparse else getitem(weight, array)
    if scale_grad_by_freq:
        share = (1 / _how_often(array, len(weight))[array])[..., None].astype(out.dtype)
        out = out * share + raw(out) * (1 - share)  # the same value, with a part of the gradient
    if padding_idx is not None:
        out = where((array != padding_idx % len(weight))[..., None], out, raw(out))
    return out


@follow
def embedding_bag(
    indices: Any, weight: Any, offsets: Any = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, per_sample_weights: Any = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sums, means or maxima of bags of rows; of an empty bag zeros.

    out[b] = sum_i weight[indices[b, i]] / L    (mode "mean", of a bag of L; "sum" does not divide, "max" takes the largest)

    Args:
        indices: (N, L), a bag in each row; or (M,), cut into bags by the offsets.
        weight: the table, (V, D); the result is (bags, D).
        offsets: where the bags begin, the first one at 0; None for (N, L).
        max_norm, norm_type: rows that are looked up are first scaled down to this norm, in place; None: they are not.
        scale_grad_by_freq: divide the gradient of a row by how often it is looked up here.
        mode: "sum", "mean" or "max".
        sparse: the gradient holds only the rows that are looked up.
        per_sample_weights: factors of the rows, of the shape of the indices; mode "sum" only.
        include_last_offset: the last offset is the end of the last bag, and begins none.
        padding_idx: an index that does not count.

    >>> embedding_bag(Tensor([[0, 1]]), Tensor([[1.0, 2.0], [3.0, 4.0]]), mode="sum").tolist()
    [[4.0, 6.0]]
    """
    array = _checked(indices, weight, "embedding_bag")
    if (array.ndim == 1) == (offsets is None):
        raise ValueError(f"embedding_bag: indices of {array.ndim} axes {'need' if array.ndim == 1 else 'take no'} offsets")
    if per_sample_weights is not None and mode != "sum":
        raise ValueError(f"embedding_bag: per_sample_weights go with mode 'sum', not {mode!r}")
    if per_sample_weights is not None and np.shape(per_sample_weights) != array.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights of shape {np.shape(per_sample_weights)} for indices of shape {array.shape}"
        )
    lengths = _bag_lengths(array, offsets, include_last_offset)
    bags = len(lengths)
    bag = beside(np.repeat(np.arange(bags), lengths), array)
    flat = np.reshape(array, -1)
    counted = np.ones_like(flat, dtype=bool) if padding_idx is None else flat != padding_idx % len(weight)
    rows = embedding(Tensor(flat), weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if mode == "max":
        return _maxima(rows, lengths, counted)
    if mode not in ("sum", "mean"):
        raise ValueError(f"embedding_bag: mode must be 'sum', 'mean' or 'max', got {mode!r}")
    if per_sample_weights is not None:
        rows = rows * np.reshape(side_by_side(per_sample_weights, rows)[0], (flat.size, 1))
    if padding_idx is not None:
        rows = where(counted[:, None], rows, 0.0)
    total = scatter_add(rows, bag, (bags, weight.shape[1]))
    if mode == "sum":
        return total
    number = np.maximum(scatter_add(counted.astype(np.int64), bag, (bags,)), 1)
    return total / number[:, None].astype(total.dtype)


def _maxima(rows: Any, lengths: np.ndarray, counted: Any) -> Any:
    """The maxima of each bag over its rows that count; of none zeros."""
    all_count = surely_all(all_examples(counted))
    rows = rows if all_count else where(counted[:, None], rows, -np.inf)
    zeros = np.zeros_like(raw(rows), shape=(1, rows.shape[1]))
    found, start = [zeros[:0]], 0
    for end in np.cumsum(lengths).tolist():
        if end > start:
            largest = np.max(rows[start:end], axis=0, keepdims=True)
            found.append(largest if all_count else where(np.any(counted[start:end]), largest, 0.0))
        else:
            found.append(zeros)
        start = end
    return concatenate(found)


def _bag_lengths(indices: Any, offsets: Any, include_last_offset: bool) -> np.ndarray:
    """How many indices each bag holds."""
    if offsets is None:
        return np.full(indices.shape[0], indices.shape[1])
    starts = host(offsets)
    if starts.ndim != 1 or starts.dtype.kind not in "iu":
        raise ValueError(f"embedding_bag: offsets must be integers along one axis, got {starts.dtype}, shape {starts.shape}")
    ends = starts if include_last_offset else np.append(starts, indices.size)
    if include_last_offset and not len(starts):
        raise ValueError("embedding_bag: include_last_offset needs one offset at least, the end of the last bag")
    lengths = np.diff(ends)
    if len(starts) and (starts[0] != 0 or (lengths < 0).any() or ends[-1] > indices.size):
        raise ValueError(
            f"embedding_bag: offsets must begin at 0, not fall, and end by {indices.size}, the number of indices; got {starts}"
        )
    if ends[-1] < indices.size or (indices.size and not len(starts)):
        raise ValueError(f"embedding_bag: offsets {starts} leave out some of the {indices.size} indices")
    return lengths


@follow
def one_hot(indices: Any, num_classes: int = -1) -> Tensor:
    """Zeros with a 1 at each index: (...) -> (..., num_classes).

    Args:
        indices: integers, of any shape.
        num_classes: by default one more than the largest index.

    Raises:
        TypeError: the indices are no integers.
        IndexError: an index is negative, or not below num_classes.
        ValueError: there is no index to tell the number of classes by.

    >>> one_hot(Tensor([0, 2])).tolist()
    [[1, 0, 0], [0, 0, 1]]
    """
    array, num_classes = as_constant(indices, indices), as_sizes(num_classes)
    if array.dtype.kind not in "iu":
        raise TypeError(f"one_hot: indices must be integers, got {array.dtype}: write indices.astype(int)")
    given = all_examples(array)
    if num_classes < 0 and not given.size:
        raise ValueError("one_hot: there is no index to tell the number of classes by: give num_classes")
    n = int(given.max()) + 1 if num_classes < 0 else int(num_classes)

    def wrong(low: Any, high: Any) -> IndexError:
        return IndexError(f"one_hot: indices from {low} to {high}, but there are classes 0 to {n - 1}, {n} in all")

    if given.size:
        check_later(in_range(0, n, wrong), given.min(), given.max())
    classes = np.arange(n) if isinstance(array, np.ndarray) else np.arange(n, like=array)
    return Tensor((array[..., None] == classes).astype(np.int64))
