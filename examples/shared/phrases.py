"""Numbers as French phrases: "trois cent vingt et un" is 321; a translation that needs no data."""

from __future__ import annotations

import numpy as np

from nn.text import Vocabulary, pad_rows

from .seeds import generator

# fmt: off
ONES = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
    "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
]
TENS = ["vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"]
# fmt: on


def french(n: int) -> str:
    """A number below a million in words."""
    if n < 20:
        return ONES[n]
    if n < 100:
        ten, one = divmod(n, 10)
        one += 10 * (ten in (7, 9))
        link = " et" if one in (1, 11) and ten < 8 else ""
        return TENS[ten - 2] + (f"{link} {ONES[one]}" if one else "")
    size, word = (100, "cent") if n < 1000 else (1000, "mille")
    many, rest = divmod(n, size)
    return " ".join(filter(None, [french(many) if many > 1 else "", word, french(rest) if rest else ""]))


class Phrases:
    """Different numbers from 100 up to a million, and their words; their logarithms are drawn evenly.

    Each comes once, so that those of three digits, of which there are 900, are few.

    Args:
        train: the first so many are for training, and `test` more for the test.
        turned: words from the last to the first.
        numbers: these, and none by chance.

    Attributes:
        source: words (N, S), padded with 0; and their `lengths` (N,).
        target: digits (N, T) with start and end, padded with 0.
        sizes: of the vocabularies `words` and `digits`.
    """

    def __init__(
        self, train: int = 8000, test: int = 1000, turned: bool = False, numbers: np.ndarray | None = None
    ) -> None:  # fmt: skip
        if numbers is None:
            rng = generator(1001)
            drawn = np.unique((10 ** rng.uniform(2, 6, 3 * (train + test))).astype(int))
            numbers = rng.permutation(drawn)[: train + test]
        self.train, self.test, self.numbers = train, np.arange(train, len(numbers)), numbers
        self.texts = [french(int(n)).split()[:: -1 if turned else 1] for n in numbers]
        self.words = Vocabulary.of_words([french(n) for n in range(100)] + ["cent mille"])
        self.digits = Vocabulary.of_characters("0123456789", special=("<pad>", "<unk>", "<s>", "</s>"))
        self.sizes = len(self.words), len(self.digits)
        self.source, mask = pad_rows([self.words.encode(" ".join(text)) for text in self.texts])
        self.lengths = mask.sum(axis=1)
        self.target, _ = pad_rows([self.digits.encode(str(n), start=True, end=True) for n in numbers])

    def linear(self) -> float:
        """A baseline, by least squares: each digit from every word at its place, both counted from the end.

        Returns:
            The share of test phrases whose digits are all right.
        """
        count, width = self.target.shape
        ends = [np.roll(row[::-1], k) for row, k in zip(self.source, self.lengths, strict=True)]
        x = np.eye(self.sizes[0], dtype=np.float32)[np.array(ends)].reshape(count, -1)
        y = np.array([[int(c) for c in f"{n:0{width}d}"] for n in self.numbers])
        wanted = np.eye(10, dtype=np.float32)[y[: self.train]].reshape(self.train, -1)
        weights = np.linalg.lstsq(x[: self.train], wanted, rcond=None)[0]
        guess = (x[self.test] @ weights).reshape(-1, width, 10).argmax(axis=2)
        return float((guess == y[self.test]).all(axis=1).mean())
