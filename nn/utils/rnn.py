"""Sequences of different lengths: padding and packing, as torch.nn.utils.rnn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad import concatenate, raw, stack
from minigrad.devices import on_gpu_of

from ..values import host

__all__ = ["PackedSequence", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence"]


class PackedSequence(NamedTuple):
    """Sequences without their padding, step by step.

    Attributes:
        data: (sum of lengths, ...), all first elements, longest sequence first, then all second ones ...
        batch_sizes: how many sequences last to each step.
        sorted_indices, unsorted_indices: the order by length, and back; None where they were in order.
    """

    data: Any
    batch_sizes: np.ndarray
    sorted_indices: np.ndarray | None = None
    unsorted_indices: np.ndarray | None = None


def pad_sequence(sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0) -> Any:
    """Sequences (L_i, ...) side by side, padded to the longest: (T, B, ...), or (B, T, ...) with batch_first.

    Args:
        sequences: B of them, of different lengths; their other axes are equal.
        batch_first: whether the batch is the first axis of the result.
        padding_value: what stands beyond the end of a sequence.

    >>> pad_sequence([Tensor([1.0, 2.0]), Tensor([3.0])], batch_first=True).tolist()
    [[1.0, 2.0], [3.0, 0.0]]
    """
    if not len(sequences):
        raise ValueError("pad_sequence: there is no sequence")
    longest = max(np.shape(s)[0] for s in sequences)
    rest = [(0, 0)] * (np.ndim(sequences[0]) - 1)
    padded = [np.pad(s, [(0, longest - np.shape(s)[0]), *rest], constant_values=padding_value) for s in sequences]
    return stack(padded, axis=0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Undo `pad_sequence`: the sequences (L_i, ...), each as long as it was; lengths may be 0.

    Args:
        padded_sequences: (T, B, ...), or (B, T, ...) with batch_first.
        lengths: (B,), how long each is.
        batch_first: whether the batch is the first axis.

    >>> [s.tolist() for s in unpad_sequence(Tensor([[1.0, 2.0], [3.0, 0.0]]), [2, 1], batch_first=True)]
    [[1.0, 2.0], [3.0]]
    """
    x = padded_sequences if batch_first else np.swapaxes(padded_sequences, 0, 1)
    lengths, (batch, steps) = host(lengths), np.shape(x)[:2]
    if lengths.shape != (batch,) or (lengths < 0).any() or (lengths > steps).any():
        raise ValueError(f"unpad_sequence: lengths {lengths} do not fit {batch} sequences of up to {steps} steps")
    return [x[i, :length] for i, length in enumerate(lengths.tolist())]


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True  # noqa: A002
) -> PackedSequence:  # fmt: skip
    """Padded sequences, (T, B, ...), without what is beyond their lengths.

    Args:
        input: the sequences, (T, B, ...), or (B, T, ...) with batch_first.
        lengths: (B,), how long each is, at least 1.
        batch_first: whether the batch is the first axis.
        enforce_sorted: the lengths must descend already; otherwise the sequences are sorted, and unsorted on unpacking.
    """
    x = np.swapaxes(input, 0, 1) if batch_first else input
    lengths = host(lengths)
    if (lengths < 1).any():
        raise ValueError(
            f"pack_padded_sequence: a packed sequence has one element at least, got lengths {lengths}: leave empty ones out"
        )
    if lengths.shape != (np.shape(x)[1],) or not len(lengths) or lengths.max() > np.shape(x)[0]:
        raise ValueError(f"pack_padded_sequence: lengths {lengths} do not fit an input of shape {np.shape(x)} (T, B, ...)")
    order = None
    if (np.diff(lengths) > 0).any():
        if enforce_sorted:
            raise ValueError(
                f"pack_padded_sequence: lengths {lengths} must descend; pass enforce_sorted=False to have them sorted"
            )
        order = np.argsort(-lengths, kind="stable")
        x, lengths = x[:, order], lengths[order]
    sizes = (lengths > np.arange(lengths.max())[:, None]).sum(1)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    members = np.concatenate([np.arange(n) for n in sizes])
    return PackedSequence(x[steps, members], sizes, order, None if order is None else np.argsort(order))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, np.ndarray]:
    """Undo `pack_padded_sequence`: (padded sequences, lengths).

    Args:
        sequence: a `PackedSequence`.
        batch_first: return (B, T, ...) in place of (T, B, ...).
        padding_value: what stands beyond the end of a sequence.
        total_length: pad to this T; None: to the longest sequence.

    Raises:
        ValueError: the parts of the packed sequence do not go together, or total_length is too small.
    """
    data, sizes, back = _checked(sequence)
    total, batch = total_length or len(sizes), int(sizes[0])
    if total < len(sizes):
        raise ValueError(f"pad_packed_sequence: total_length {total} is less than the longest sequence, {len(sizes)}")
    with on_gpu_of(data):
        filling = np.full_like(raw(data), padding_value, shape=(1, *np.shape(data)[1:]))
    place = np.full((total, batch), np.shape(data)[0])  # what is beyond a sequence is the row of padding
    starts = np.concatenate([[0], np.cumsum(sizes)])
    for t, n in enumerate(sizes):
        place[t, :n] = starts[t] + np.arange(n)
    lengths = (place < np.shape(data)[0]).sum(0)
    if back is not None:
        place, lengths = place[:, back], lengths[back]
    out = concatenate([data, filling])[place]
    return (np.swapaxes(out, 0, 1) if batch_first else out), lengths


def _checked(sequence: PackedSequence) -> tuple[Any, np.ndarray, np.ndarray | None]:
    """The data, sizes and order of a packed sequence, which anybody may have made.

    Raises:
        ValueError: where they do not go together.
    """
    sizes, rows = host(sequence.batch_sizes), np.shape(sequence.data)[0]
    integers = sizes.ndim == 1 and sizes.dtype.kind in "iu" and len(sizes) > 0
    if not integers or sizes.min() < 1 or (sizes[1:] > sizes[:-1]).any():
        raise ValueError(f"a PackedSequence: batch_sizes must be positive integers that never grow, got {sizes}")
    if sizes.max() > rows or sizes.sum() != rows:  # first: so large a sum may not fit
        raise ValueError(f"a PackedSequence: batch_sizes {sizes} do not add up to the {rows} rows of its data")
    orders = {
        name: None if order is None else host(order)
        for name, order in (("sorted_indices", sequence.sorted_indices), ("unsorted_indices", sequence.unsorted_indices))
    }
    for name, order in orders.items():
        if order is not None and not np.array_equal(np.sort(order), np.arange(sizes[0])):
            raise ValueError(f"a PackedSequence: {name} must be an order of its {sizes[0]} sequences, got {order}")
    order, back = orders.values()
    if order is not None and back is None:
        back = np.argsort(order)
    if order is not None and (order[back] != np.arange(sizes[0])).any():
        raise ValueError(f"a PackedSequence: unsorted_indices {back} do not undo sorted_indices {order}")
    return sequence.data, sizes, back


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of different lengths as one PackedSequence.

    Args:
        sequences: (L_i, ...), of which none is empty.
        enforce_sorted: the lengths must descend already; otherwise the sequences are sorted, and unsorted on unpacking.

    >>> pack_sequence([Tensor([1.0, 2.0]), Tensor([3.0])]).data.tolist()
    [1.0, 3.0, 2.0]
    """
    return pack_padded_sequence(pad_sequence(sequences), [np.shape(s)[0] for s in sequences], enforce_sorted=enforce_sorted)
