"""Word vectors: files of GloVe and word2vec, nearest neighbours, analogies."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..values import host

__all__ = ["WordVectors", "read_vectors"]

#: The characters of a line of text; 100,000 values need a fifth of that.
LONGEST_LINE = 1 << 23


class WordVectors:
    """Words and their vectors, (N, D).

    Args:
        words: N different ones.
        vectors: an array or a Tensor, (N, D), one row for each word.

    Attributes:
        words, vectors: what was given, as a list and as an array.
        numbers: the row of each word.

    Raises:
        ValueError: there are not as many words as vectors, or one occurs twice.

    >>> vectors = WordVectors(["king", "queen", "man", "woman"], np.array([[1.0, 1.0], [1.0, -1.0], [0.1, 1.0], [0.1, -1.0]]))
    >>> vectors.analogy("man", "king", "woman", n=1)[0][0]
    'queen'
    """

    def __init__(self, words: Sequence[str], vectors: Any) -> None:
        self.words, self.vectors = list(words), host(vectors)
        if self.vectors.ndim != 2 or len(self.words) != len(self.vectors):
            raise ValueError(
                f"WordVectors: {len(self.words)} words for vectors of shape {self.vectors.shape}"
            )
        self.numbers = {word: i for i, word in enumerate(self.words)}
        if len(self.numbers) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.numbers[word] != i)
            raise ValueError(f"WordVectors: the word {twice!r} occurs twice")
        # In float64, since squares of float32 may overflow.
        squares = np.einsum("nd,nd->n", self.vectors, self.vectors, dtype=np.float64)
        lengths = np.sqrt(squares[:, None]).astype(np.result_type(self.vectors, np.float32))
        self._directions = self.vectors / np.where(lengths == 0, 1.0, lengths)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.numbers

    def __getitem__(self, word: str) -> np.ndarray:
        return self.vectors[self._number(word)]

    def _number(self, word: str) -> int:
        if word not in self.numbers:
            raise KeyError(f"there is no vector for {word!r}")
        return self.numbers[word]

    def nearest(
        self, word: str | np.ndarray, n: int = 10, metric: str = "cosine"
    ) -> list[tuple[str, float]]:
        """The n nearest words, nearest first, with their cosine, or their distance with metric="euclidean".

        Args:
            word: one of the words, which is not among the results; or a vector, (D,).
            n: how many words.
            metric: "cosine", of the angle between the vectors, or "euclidean", their distance.
        """
        if metric not in ("cosine", "euclidean"):
            raise ValueError(f"metric must be 'cosine' or 'euclidean', got {metric!r}")
        vector = self[word] if isinstance(word, str) else np.asarray(word)
        itself = {self._number(word)} if isinstance(word, str) else set()
        if metric == "cosine":
            length = np.sqrt(np.einsum("d,d->", vector, vector, dtype=np.float64)) or 1.0
            scores = self._directions @ (vector / length).astype(self._directions.dtype)
            return self._best(scores, n, itself)
        distances = np.linalg.norm(self.vectors - vector, axis=1)
        return [(found, -score) for found, score in self._best(-distances, n, itself)]

    def _best(self, scores: np.ndarray, n: int, without: set[int]) -> list[tuple[str, float]]:
        order = [
            i for i in np.argsort(-scores, kind="stable")[: n + len(without)] if i not in without
        ]
        return [(self.words[i], float(scores[i])) for i in order[:n]]

    def analogy(
        self, a: str, b: str, c: str, n: int = 10, method: str = "3CosAdd"
    ) -> list[tuple[str, float]]:
        """The words that are to c as b is to a (Mikolov et al., 2013; Levy and Goldberg, 2014).

        Args:
            a, b, c: three of the words, which are not among the results: "man", "king", "woman" for "queen".
            n: how many words.
            method: "3CosAdd", cos(x, c) - cos(x, a) + cos(x, b), or "3CosMul", cos(x, c) cos(x, b) / cos(x, a) with cosines
                brought to between 0 and 1.
        """
        given = [self._number(word) for word in (a, b, c)]
        cosines = self._directions @ self._directions[given].T
        if method == "3CosAdd":
            scores = cosines[:, 2] - cosines[:, 0] + cosines[:, 1]
        elif method == "3CosMul":
            positive = (cosines + 1) / 2
            scores = positive[:, 2] * positive[:, 1] / (positive[:, 0] + 1e-3)
        else:
            raise ValueError(f"method must be '3CosAdd' or '3CosMul', got {method!r}")
        return self._best(scores, n, set(given))

    def evaluate(
        self, path: str | os.PathLike[str], method: str = "3CosAdd"
    ) -> dict[str, tuple[int, int]]:
        """How many analogies of a file are solved: for each of its sections (right, asked).

        Args:
            path: a file with lines ": section" and "a b c d"; lines with a word without a vector are left out.
            method: as in `analogy`.
        """
        results: dict[str, tuple[int, int]] = {}
        section = ""
        for number, line in enumerate(_lines(_content(path)), start=1):
            if line.startswith(":"):
                section = line[1:].strip()
                continue
            words = line.split()
            if not words:
                continue
            if len(words) != 4:
                raise ValueError(f"{path}, line {number}: an analogy is four words, got {line!r}")
            if all(word in self for word in words):
                right, asked = results.get(section, (0, 0))
                results[section] = (
                    right
                    + (self.analogy(words[0], words[1], words[2], 1, method)[0][0] == words[3]),
                    asked + 1,
                )
        return results


def read_vectors(
    path: str | os.PathLike[str], max_words: int | None = None, dtype: Any = np.float32
) -> WordVectors:
    """Word vectors from a file of GloVe (text), or of word2vec (text or binary, with a first line "count dimension").

    A word may hold spaces (". . ."), and any character but the line's end. Bytes that are no UTF-8
    are kept as "\\xff". Of a word that occurs twice the first vector is kept, with a warning.

    Args:
        path: the file; which of the formats it has, its first line says.
        max_words: read no more than so many; the files begin with the most frequent ones.
            None: all.
        dtype: a floating type.

    Raises:
        ValueError: where the file is cut off, a line has another number of values, or a value is no
            number, or not finite.
    """
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"read_vectors: dtype must be a floating type, got {np.dtype(dtype)}")
    whole = isinstance(max_words, (int, np.integer)) and not isinstance(max_words, bool)
    if max_words is not None and (not whole or max_words < 1):
        raise ValueError(
            f"read_vectors: max_words must be a whole number of at least 1, got {max_words!r:.60}"
        )
    data = _content(path)
    first, _, rest = data.partition(b"\n")
    head = first[:LONGEST_LINE].split()
    if len(head) == 2 and all(part.isdigit() and len(part) < 19 for part in head):
        count, dimension = map(int, head)
        if not dimension:
            raise ValueError(f"{path}, line 1: vectors of no values are announced")
        limit = count if max_words is None else min(count, max_words)
        line = rest[:LONGEST_LINE].partition(b"\n")[0]
        if _trailing_numbers(line.split()[1:]) == dimension:
            words, vectors, more = _text(path, rest, limit, 2, dimension, dtype)
        else:
            words, vectors, more = _binary(path, rest, limit, dimension)
        if len(words) < limit:
            raise ValueError(
                f"{path}: {count} words are announced, the file ends after {len(words)}"
            )
        if more and limit == count:
            raise ValueError(
                f"{path}: {count} words are announced, but the file goes on after them"
            )
    else:
        words, vectors, _ = _text(path, data, max_words, 1, None, dtype)
    if not words:
        raise ValueError(f"{path} holds no vectors")
    with np.errstate(over="ignore"):
        array = np.array(vectors, dtype=dtype)
    if not np.isfinite(array).all():
        first_bad = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"{path}: the vector of {words[first_bad]!r} is not finite")
    return WordVectors(*_first_of_each(path, words, array))


def _content(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file; not of one whose first line never ends, which would fill the memory."""
    with open(path, "rb") as file:
        start = file.read(LONGEST_LINE + 1)
        if len(start) > LONGEST_LINE and b"\n" not in start:
            raise ValueError(
                f"{path}, line 1 has more than {LONGEST_LINE:,} characters: these are no vectors"
            )
        if not file.seekable():
            return start + file.read()
        file.seek(0)
        return file.read()


def _first_of_each(
    path: Any, words: list[str], vectors: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Words and vectors without those whose word was there before."""
    places: dict[str, int] = {}
    for i, word in enumerate(words):
        places.setdefault(word, i)
    if len(places) == len(words):
        return words, vectors
    twice = next(word for i, word in enumerate(words) if places[word] != i)
    warnings.warn(
        f"{path}: {len(words) - len(places)} words occur twice, {twice!r} say; "
        "their first vectors are kept",
        stacklevel=3,
    )
    return list(places), vectors[list(places.values())]


def _lines(data: bytes) -> Iterator[str]:
    """The lines of a text: only a line feed ends one, since words hold U+0085 and its like."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield data[start:end].decode("utf-8", errors="backslashreplace").rstrip("\r")
        start = end + 1


def _number(field: str | bytes) -> float:
    """A field as a number; 1_0 is Python's way, not a file's."""
    if (b"_" if isinstance(field, bytes) else "_") in field:  # type: ignore[operator]
        raise ValueError(f"could not convert string to float: {field!r:.60}")
    return float(field)


def _is_number(field: str | bytes) -> bool:
    try:
        _number(field)
    except ValueError:
        return False
    return True


def _trailing_numbers(fields: Sequence[str | bytes]) -> int:
    """How many fields at the end are numbers."""
    count = 0
    while count < len(fields) and _is_number(fields[-1 - count]):
        count += 1
    return count


def _text(
    path: Any, data: bytes, limit: int | None, first: int, dimension: int | None, dtype: Any
) -> tuple[list[str], list[np.ndarray], bool]:
    """Words, vectors, and whether there are more lines; the first line may tell the dimension."""
    words: list[str] = []
    vectors: list[np.ndarray] = []
    for number, line in enumerate(_lines(data), start=first):
        if len(line) > LONGEST_LINE:
            raise ValueError(
                f"{path}, line {number} has {len(line):,} characters: these are no vectors"
            )
        fields = line.rstrip(" \t").split(" ")
        if fields == [""]:
            continue
        if limit is not None and len(words) == limit:
            return words, vectors, True
        dimension = dimension or _trailing_numbers(fields[1:])
        word, values = (
            fields[:-dimension] if dimension else fields,
            fields[-dimension:] if dimension else [],
        )
        if len(fields) <= dimension or not values or any(map(_is_number, word[1:])):
            before = (
                f"the lines before have {dimension}"
                if words
                else "there must be a word and its numbers"
            )
            raise ValueError(f"{path}, line {number}: {len(fields) - 1} values, {before}")
        try:
            numbers = [_number(value) for value in values]
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
        with np.errstate(over="ignore"):
            vectors.append(np.array(numbers, dtype))
        words.append(" ".join(word))
    return words, vectors, False


def _binary(
    path: Any, data: bytes, limit: int, dimension: int
) -> tuple[list[str], list[np.ndarray], bool]:
    """Words, vectors, and whether there is more."""
    words: list[str] = []
    vectors: list[np.ndarray] = []
    place = 0
    while len(words) < limit:
        space = data.find(b" ", place)
        if space < 0 or len(data) < space + 1 + 4 * dimension:
            raise ValueError(f"{path} is cut off after {len(words)} words")
        words.append(data[place:space].lstrip(b"\n").decode("utf-8", errors="backslashreplace"))
        vectors.append(np.frombuffer(data, "<f4", dimension, space + 1))
        place = space + 1 + 4 * dimension
    return words, vectors, bool(data[place:].strip())
