"""Scenes of two coloured shapes, and captions that say what is where."""

from __future__ import annotations

import numpy as np

from nn.text import Vocabulary, pad_rows

from .seeds import generator

COLOURS = {"red": (1, 0.2, 0.2), "green": (0.2, 0.9, 0.2), "blue": (0.3, 0.4, 1), "yellow": (1, 0.9, 0.1)}
SHAPES = ("square", "disc", "cross")
PLACES = ("top left", "top right", "bottom left", "bottom right")


def captioned_scene(rng: np.random.Generator, held: bool, size: int = 24) -> tuple[np.ndarray, str]:
    """A picture (3, size, size) and its caption, one of 864; `held`: one of the quarter that only the test has."""
    things, places = rng.integers(0, 12, 2), np.sort(rng.choice(4, 2, replace=False))
    while ((things.sum() + places.sum()) % 4 == 0) != held:
        things, places = rng.integers(0, 12, 2), np.sort(rng.choice(4, 2, replace=False))
    image, said = 0.1 + 0.05 * rng.normal(size=(3, size, size)), []
    y, x = np.mgrid[:size, :size]
    for thing, place in zip(things, places, strict=True):
        colour, shape = list(COLOURS)[thing // 3], SHAPES[thing % 3]
        r, c = (place // 2) * size // 2 + rng.integers(4, 8), (place % 2) * size // 2 + rng.integers(4, 8)
        inside = {
            "square": (abs(y - r) < 4) & (abs(x - c) < 4),
            "disc": (y - r) ** 2 + (x - c) ** 2 < 16,
            "cross": ((abs(y - r) < 1.5) & (abs(x - c) < 4)) | ((abs(x - c) < 1.5) & (abs(y - r) < 4)),
        }[shape]
        image[:, inside] += np.array(COLOURS[colour])[:, None]
        said.append(f"{colour} {shape} {PLACES[place]}")
    return image.astype(np.float32), " and ".join(said)


class CaptionedScenes:
    """Scenes and their captions, those of the training first; no caption of the test stands in training.

    Attributes:
        source: images (N, 3, 24, 24); `lengths` is there for what reads sequences.
        target: the captions' words with start and end, padded with 0.
        train, test: how many rows to train on, and the numbers of the others.
    """

    def __init__(self, train: int, test: int) -> None:
        rng = generator(1003)
        images, self.captions = zip(*(captioned_scene(rng, i >= train) for i in range(train + test)), strict=True)
        self.source, self.lengths = np.array(images), np.zeros(train + test)
        self.train, self.test = train, np.arange(train, train + test)
        self.words = Vocabulary.of_words(self.captions[:train])
        self.target, _ = pad_rows([self.words.encode(said, start=True, end=True) for said in self.captions])
        self.sizes = None, len(self.words)

    def texts(self, rows: np.ndarray) -> list[str]:
        """What a model wrote, (N, T), up to the end."""
        end = self.words["</s>"]
        return [self.words.decode(row[: [*row, end].index(end)]) for row in rows.tolist()]

    def nearest(self) -> list[str]:
        """A baseline: the captions of the training images that are nearest to those of the test."""
        rows = self.source.reshape(len(self.source), -1)
        return [self.captions[i] for i in nearest(rows[: self.train], rows[self.train :])]

    def by_places(self) -> list[str]:
        """A baseline: images are cut at the four places, and each place is called what the nearest one in training is."""
        quarters = self.source.reshape(-1, 3, 2, 12, 2, 12).transpose(0, 2, 4, 1, 3, 5).reshape(-1, 432)
        parts = [caption.split(" and ") for caption in self.captions[: self.train]]
        things = [
            "".join(part.removesuffix(place) for part in found if part.endswith(place)) for found in parts for place in PLACES
        ]
        guesses = np.array(things)[nearest(quarters[: len(things)], quarters[len(things) :])].reshape(-1, 4)
        return [" and ".join(x + place for x, place in zip(row, PLACES, strict=True) if x) for row in guesses]


def nearest(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The number of the known row (N, D) that is nearest to each of those asked for (M, D)."""
    return ((known**2).sum(axis=1) - 2 * asked @ known.T).argmin(axis=1)
