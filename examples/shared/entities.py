"""Sentences with names of persons, places and firms, and their tags."""

from __future__ import annotations

import re
import zlib

import numpy as np

ENDINGS = ("mir sen ette olf", "burg ford stan ville", "tex corp soft tron", "an el or is en a")  # the last: of any kind
SYLLABLES = "bra ke lo mi tan vu re so da fil gor ny pel ru sha ti wen zo"
#: 0, 1, 2: a name of that kind; ?: of any kind, which the sentence does not tell; *: a capital that begins no name.
BEGINNINGS = "/* yesterday/* on monday/* they said that/* in the end/* as we heard ,"
SUBJECTS = (
    "mayor 0/my aunt 0/* the road to 1/* the river by 1/* a house near 1/* the board of 2/* shares of 2/?/? and ?/"
    "* the office of ?/* people from ?/* the friends of ?"
)
DEEDS = (
    "fell again/changed a lot/is in the news/is closed/met 0 at noon/hired 0 last week/moved to 1/was seen near 1/"
    "sold 2 for good/works for 2 now/was quiet/heard of ? yesterday/is as old as ?"
)


def name(kind: int, rng: np.random.Generator, used: set[str]) -> list[str]:
    """One word or two that no sentence had before."""
    words: dict[str, None] = {}
    wanted = 1 + (rng.random() < 0.4)
    while len(words) < wanted:
        ending = rng.choice(ENDINGS[kind if rng.random() < 0.67 else 3].split())
        word = "".join([*rng.choice(SYLLABLES.split(), rng.integers(1, 3)), ending]).capitalize()
        words |= {} if word in used else {word: None}
    used.update(words)
    return list(words)


def sentences(count: int, rng: np.random.Generator, used: set[str], test: bool) -> list[tuple[list[str], list[int], str]]:
    """Words and tags of sentences, and each with its names masked: those of the test, or those of training."""
    found: list[tuple[list[str], list[int], str]] = []
    while len(found) < count:
        parts = [str(rng.choice(part.split("/"))) for part in (BEGINNINGS, SUBJECTS, DEEDS)]
        masked = " ".join(" ".join(parts).split())
        if (zlib.crc32(re.sub("[012]", "?", masked).encode()) % 4 == 0) != test:
            continue
        words: list[str] = []
        tags: list[int] = []
        for place, word in enumerate(masked.replace("* ", "*").split()):
            kind = int(rng.integers(3)) if word == "?" else "012".find(word)
            plain = word.strip("*").capitalize() if place == 0 else word.strip("*")
            named = name(kind, rng, used) if kind >= 0 else [plain]
            words += named
            tags += [1 + 2 * kind, 2 + 2 * kind][: len(named)] if kind >= 0 else [0]
        found.append((words, tags, masked))
    return found
