"""Sentences with words that have two meanings."""

from __future__ import annotations

from collections.abc import Container

import numpy as np

_COMPANY = {
    "bank": ("cheque loan deposit coin wallet, account interest", "boat fish raft heron net, reeds mud"),
    "apple": ("pie knife basket orchard juice, peel core", "laptop screen cable program modem, update chip"),
    "bat": ("cave moth dusk wing roost, fangs fur", "glove pitcher innings helmet umpire, homer strike"),
    "star": ("comet telescope planet rocket, galaxy orbit", "camera script premiere limousine, oscar gossip"),
}
#: For each word and meaning: what leads to it, and what follows.
MEANINGS = {word: [[p.split() for p in one.split(",")] for one in both] for word, both in _COMPANY.items()}
FRAMES = (
    "a {right} instead of a {wrong} {filler} him to the {word} and {after}",
    "instead of a {wrong} a {right} {filler} him to the {word} and {after}",
    "it was the {right} and not the {wrong} that {filler} her to the {word} and {after}",
)
FILLERS = ("led", "took", "once brought", "has often brought", "on monday led", "in the end took")
#: A word, its meaning (0 or 1), and a sentence.
Told = tuple[str, int, str]


def sentences(count: int, rng: np.random.Generator, without: Container[Told] = ()) -> list[Told]:
    """Different sentences; each names things of both meanings, and its grammar says which one counts."""
    found: dict[Told, None] = {}
    while len(found) < count:
        word, meaning = list(MEANINGS)[rng.integers(len(MEANINGS))], int(rng.integers(2))
        (lead, after), (other, _) = MEANINGS[word][meaning], MEANINGS[word][1 - meaning]
        parts = {"right": rng.choice(lead), "wrong": rng.choice(other), "after": rng.choice(after)}
        frame = str(rng.choice(FRAMES))
        told = word, meaning, frame.format(word=word, filler=rng.choice(FILLERS), **parts)
        if told not in without:
            found[told] = None
    return list(found)


def part_of(word: str, told: list[Told]) -> tuple[list[int], np.ndarray]:
    """Which sentences are of a word, and its meanings there."""
    at = [i for i, (other, _, _) in enumerate(told) if other == word]
    return at, np.array([told[i][1] for i in at])


def without_form(points: list[np.ndarray], told: list[list[Told]]) -> list[np.ndarray]:
    """Of each point the mean of those is taken away that are of the same word and begin with the same word."""
    forms = [np.array([f"{word} {text.split()[0]}" for word, _, text in part]) for part in told]
    moved = [part.copy() for part in points]
    for form in np.unique(forms[0]):
        middle = points[0][forms[0] == form].mean(axis=0)
        for part, form_of in zip(moved, forms, strict=True):
            part[form_of == form] -= middle
    return moved
