"""Text as batches: bags of words, windows around words, columns for truncated backpropagation, padding and buckets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["bag_of_words", "batchify", "bptt_windows", "bucket_by_length", "cbow_windows", "pad_rows", "skip_gram_pairs"]


def bag_of_words(rows: Sequence[Sequence[int]], size: int, binary: bool = False) -> np.ndarray:
    """How often each number occurs in each row, (N, size); or whether, with binary.

    Args:
        rows: N rows of numbers from 0 to size - 1, of any lengths.
        size: how many different numbers there are.
        binary: 1 where a number occurs, however often.

    >>> bag_of_words([[0, 2, 2], [1]], 3)
    array([[1., 0., 2.],
           [0., 1., 0.]], dtype=float32)
    """
    out = np.zeros((len(rows), size), dtype=np.float32)
    for i, row in enumerate(rows):
        np.add.at(out[i], np.asarray(row, dtype=int), 1.0)
    return np.minimum(out, 1.0) if binary else out


def skip_gram_pairs(numbers: Sequence[int], window: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs (centre, context) of words at most `window` apart.

    Args:
        numbers: a text as numbers, (T,).
        window: how many words on each side are context; fewer at the ends of the text.

    Returns:
        Two arrays of one length: the centres, and a context word of each.

    >>> [a.tolist() for a in skip_gram_pairs([7, 8, 9], 1)]
    [[7, 8, 8, 9], [8, 7, 9, 8]]
    """
    words = np.asarray(numbers)
    places = np.arange(len(words))[:, None] + np.array([d for d in range(-window, window + 1) if d])
    inside = (places >= 0) & (places < len(words))
    centres = np.broadcast_to(words[:, None], places.shape)[inside]
    return centres, words[places[inside]]


def cbow_windows(numbers: Sequence[int], window: int) -> tuple[np.ndarray, np.ndarray]:
    """For each word with `window` words on both sides: (contexts (N, 2 window), centres (N,)).

    Args:
        numbers: a text as numbers, (T,).
        window: how many words on each side are context; N = T - 2 window.

    >>> contexts, centres = cbow_windows([1, 2, 3, 4], 1)
    >>> contexts.tolist(), centres.tolist()
    ([[1, 3], [2, 4]], [2, 3])
    """
    words = np.asarray(numbers)
    centres = np.arange(window, len(words) - window)
    offsets = np.array([d for d in range(-window, window + 1) if d], dtype=int)
    return words[centres[:, None] + offsets], words[centres]


def batchify(numbers: Sequence[int], batch_size: int) -> np.ndarray:
    """One long text in columns that are read side by side, (len // batch_size, batch_size); what is left over is cut off.

    Args:
        numbers: a text as numbers, (T,).
        batch_size: how many columns.

    Raises:
        ValueError: the text is shorter than that.

    >>> batchify(range(7), 2)
    array([[0, 3],
           [1, 4],
           [2, 5]])
    """
    steps = len(numbers) // batch_size
    if steps == 0:
        raise ValueError(f"batchify: {len(numbers)} numbers do not fill {batch_size} columns")
    return np.asarray(numbers)[: steps * batch_size].reshape(batch_size, steps).T.copy()


def bptt_windows(columns: np.ndarray, steps: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Windows of at most `steps` rows, and what follows one step later, for truncated backpropagation through time.

    Args:
        columns: a text as `batchify` makes it, (T, B).
        steps: how many rows a window has; the last one may have fewer.

    >>> [(x.tolist(), y.tolist()) for x, y in bptt_windows(np.arange(4)[:, None], 2)]
    [([[0], [1]], [[1], [2]]), ([[2]], [[3]])]
    """
    for start in range(0, len(columns) - 1, steps):
        end = min(start + steps, len(columns) - 1)
        yield columns[start:end], columns[start + 1 : end + 1]


def pad_rows(rows: Sequence[Sequence[int]], padding: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows of different lengths as one array, (N, longest), and their mask, True where there is no padding.

    Args:
        rows: N rows of numbers, of any lengths.
        padding: what stands behind the end of a row.

    >>> numbers, mask = pad_rows([[1, 2], [3]])
    >>> numbers.tolist(), mask.tolist()
    ([[1, 2], [3, 0]], [[True, True], [True, False]])
    """
    lengths = np.array([len(row) for row in rows])
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    out = np.full(mask.shape, padding)
    out[mask] = np.concatenate([np.asarray(row, dtype=int) for row in rows]) if len(rows) else []
    return out, mask


def bucket_by_length(lengths: Sequence[int], batch_size: int, seed: int = 0) -> list[np.ndarray]:
    """Batches of items of similar length, so that little is padding; the batches are in random order, by the seed.

    Args:
        lengths: of the items, (N,).
        batch_size: how many items a batch has; that of the longest may have fewer.
        seed: decides the order of the batches, and which of equally long items come together.

    Returns:
        The numbers of the items of each batch.

    >>> sorted(sorted(batch.tolist()) for batch in bucket_by_length([5, 1, 6, 2], 2))
    [[0, 2], [1, 3]]
    """
    generator = np.random.Generator(np.random.Philox(seed))
    order = np.lexsort((generator.random(len(lengths)), np.asarray(lengths)))  # ties at random
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]
