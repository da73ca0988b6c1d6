"""Vocabularies: text as numbers, by characters, words, or pieces of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["BytePairVocabulary", "Vocabulary"]

PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<s>", "</s>"


class Vocabulary:
    """Symbols and their numbers.  The special ones come first: padding is 0, then unknown, start, end.

    Args:
        symbols: in the order of their numbers, without the special ones.
        special: which special symbols there are, in the order of their numbers, which come first.
        separator: what stands between the symbols of a text: " " for words; "": each character is a symbol.

    Raises:
        ValueError: a symbol occurs twice.

    >>> words = Vocabulary.of_words(["the cat sat", "the dog sat"])
    >>> words.encode("the bird sat", start=True, end=True)
    [2, 5, 1, 4, 3]
    >>> words.decode([2, 5, 1, 4, 3, 0])
    'the <unk> sat'
    """

    separator = " "

    def __init__(self, symbols: Sequence[str], special: Sequence[str] = (PAD, UNKNOWN, START, END), separator: str = " ") -> None:
        self.special, self.separator = tuple(special), separator
        self.symbols = [*special, *symbols]
        self.numbers = {symbol: i for i, symbol in enumerate(self.symbols)}
        if len(self.numbers) != len(self.symbols):
            twice = next(s for s, n in Counter(self.symbols).items() if n > 1)
            raise ValueError(f"Vocabulary: the symbol {twice!r} occurs twice")

    @classmethod
    def of_characters(cls, texts: str | Iterable[str], special: Sequence[str] = ()) -> Vocabulary:
        """The characters of texts, in the order of their code points.

        Args:
            texts: one text, or several.
            special: which special symbols there are besides; by default none.

        >>> Vocabulary.of_characters("hello").encode("hole")
        [1, 3, 2, 0]
        """
        return cls(sorted(set("".join(texts))), special, separator="")

    @classmethod
    def of_words(
        cls, texts: str | Iterable[str], min_count: int = 1, max_size: int | None = None,
        special: Sequence[str] = (PAD, UNKNOWN, START, END),
    ) -> Vocabulary:  # fmt: skip
        """The words of texts, cut at white space: the most frequent first, equally frequent ones in alphabetical order.

        Args:
            texts: one text, or several.
            min_count: how often a word must occur to be in the vocabulary.
            max_size: how many symbols there are at most, with the special ones; None: no limit.
            special: which special symbols there are.
        """
        lines = [texts] if isinstance(texts, str) else texts
        counts = Counter(word for line in lines for word in line.split() if word not in special)
        ordered = sorted((word for word, n in counts.items() if n >= min_count), key=lambda w: (-counts[w], w))
        return cls(ordered[: None if max_size is None else max_size - len(special)], special)

    def split(self, text: str) -> list[str]:
        """The symbols of a text, known or not."""
        return text.split() if self.separator else list(text)

    def encode(self, text: str, start: bool = False, end: bool = False) -> list[int]:
        """A text as numbers; symbols that are not known become the unknown symbol, or an error where there is none.

        Args:
            text: what is encoded.
            start, end: whether the symbols of the start and of the end are put around it.
        """
        found = [START] * start + self.split(text) + [END] * end
        unknown = self.numbers.get(UNKNOWN)
        numbers = [self.numbers.get(symbol, unknown) for symbol in found]
        if None in numbers:
            raise KeyError(f"{found[numbers.index(None)]!r} is not in the vocabulary, which has no unknown symbol")
        return numbers  # type: ignore[return-value]

    def decode(self, numbers: Iterable[int], skip_special: bool = True) -> str:
        """Numbers as text.

        Args:
            numbers: from 0 to len(self) - 1.
            skip_special: leave out padding, start and end; the unknown symbol stays.
        """
        hidden = {PAD, START, END} if skip_special else set()
        return self.separator.join(s for n in numbers if (s := self.symbols[int(n)]) not in hidden)

    @property
    def pad(self) -> int:
        """The number of the padding symbol."""
        return self.numbers[PAD]

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.numbers

    def __getitem__(self, symbol: str) -> int:
        return self.numbers[symbol]


class BytePairVocabulary(Vocabulary):
    """Pieces of words: characters, joined pair by pair, the most frequent pair first (Sennrich et al., 2016).

    A piece at the end of a word ends with "</w>".  Words that were never seen are spelled with smaller pieces.
    `learn` makes one from texts.

    Args:
        symbols: the pieces, in the order of their numbers, without the special symbols.
        merges: the pairs of pieces that are joined, the first one first.
        special: which special symbols there are, in the order of their numbers, which come first.

    >>> pieces = BytePairVocabulary.learn(["low lower lowest"] * 3, merges=4)
    >>> pieces.split("lowest low")
    ['lowe', 's', 't</w>', 'low</w>']
    >>> pieces.decode(pieces.encode("low lowest"))
    'low lowest'
    """

    def __init__(
        self, symbols: Sequence[str], merges: Sequence[tuple[str, str]], special: Sequence[str] = (PAD, UNKNOWN, START, END)
    ) -> None:
        super().__init__(symbols, special)
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        self._known: dict[str, list[str]] = {}

    @classmethod
    def learn(
        cls, texts: str | Iterable[str], merges: int, special: Sequence[str] = (PAD, UNKNOWN, START, END)
    ) -> BytePairVocabulary:
        """Learn a number of merges from texts; of equally frequent pairs the first in alphabetical order is joined.

        Args:
            texts: one text, or several.
            merges: how often the most frequent pair is joined; it ends earlier where all words are one piece.
            special: which special symbols there are.
        """
        lines = [texts] if isinstance(texts, str) else texts
        counts = Counter(word for line in lines for word in line.split())
        words = {word: _characters(word) for word in counts}
        letters = sorted({piece for pieces in words.values() for piece in pieces})
        done: list[tuple[str, str]] = []
        for _ in range(merges):
            pairs: Counter[tuple[str, str]] = Counter()
            for word, pieces in words.items():
                for pair in zip(pieces, pieces[1:], strict=False):
                    pairs[pair] += counts[word]
            if not pairs:
                break
            best = min(pairs, key=lambda pair: (-pairs[pair], pair))
            done.append(best)
            words = {word: _joined(pieces, best) for word, pieces in words.items()}
        return cls([*letters, *dict.fromkeys(a + b for a, b in done if a + b not in letters)], done, special)

    def split(self, text: str) -> list[str]:
        return [piece for word in text.split() for piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[str]:
        if word not in self._known:
            pieces = _characters(word)
            while True:
                ranked = [(self.ranks[pair], pair) for pair in zip(pieces, pieces[1:], strict=False) if pair in self.ranks]
                if not ranked:
                    break
                pieces = _joined(pieces, min(ranked)[1])
            self._known[word] = pieces
        return self._known[word]

    def decode(self, numbers: Iterable[int], skip_special: bool = True) -> str:
        text = super().decode(numbers, skip_special)
        return re.sub(r"</w> ?", " ", text.replace(" ", "")).strip()


def _characters(word: str) -> list[str]:
    return [*word[:-1], word[-1] + "</w>"]


def _joined(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    i = 0
    while i < len(pieces):
        if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == pair:
            out.append(pieces[i] + pieces[i + 1])
            i += 2
        else:
            out.append(pieces[i])
            i += 1
    return out
