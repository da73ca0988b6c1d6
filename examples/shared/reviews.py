"""Reviews of films made up of clauses: some are turned by "not", some are outweighed by what comes after "but"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .seeds import generator

GOOD = """
    good wonderful moving brilliant charming touching superb delightful clever warm gripping honest fresh witty tender
    lively elegant subtle radiant funny graceful inspired joyful vivid masterful captivating heartfelt bold luminous
    sincere magical poignant refreshing stylish thrilling uplifting sparkling enchanting flawless hypnotic
""".split()  # noqa: SIM905
BAD = """
    bad dull boring awful clumsy tired predictable flat lifeless stale messy shallow pointless bland noisy silly
    tedious contrived hollow sloppy forgettable wooden grating dreary muddled lazy crude stilted bloated dismal
    annoying murky shrill trite vapid plodding soggy listless overlong charmless
""".split()  # noqa: SIM905
PARTS = "film story acting script music ending cast dialogue camera pace plot humour".split()  # noqa: SIM905
TURNED = ("not", "never", "hardly", "nowhere near", "anything but", "far from")
ADVERBS = ("", "", "", "very", "really", "so", "particularly", "quite so very", "in truth")
ASIDES = ("", "", "as {0} told me", "by {0} and {1}", "seen on a rainy monday", "for a first work", "shot in {0}")
SYLLABLES = "ba do ri mel ton ka sen lu vi gar on esh fer mi los".split()  # noqa: SIM905
FRAMES = (
    "{plain}", "{aside} {plain}", "{plain} {aside}", "{plain} and {same}", "{same} {aside} and {plain}",
    "{aside} {same} , {plain}", "{other} , but {plain}", "although {other} , {plain}", "{plain} , even if {other}",
)  # fmt: skip


def reviews(count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Different sentences, and whether each is good (1) or bad (0); some words are rare."""
    often = (np.arange(len(GOOD)) + 3) ** -1.5
    found: dict[str, int] = {}

    def clause(good: bool) -> str:
        turned = rng.random() < 0.15
        word = rng.choice(GOOD if good != turned else BAD, p=often / often.sum())
        return f"the {rng.choice(PARTS)} is {rng.choice(TURNED) if turned else ''} {rng.choice(ADVERBS)} {word}"

    def aside() -> str:
        return str(rng.choice(ASIDES)).format(*("".join(rng.choice(SYLLABLES, 3)) for _ in range(2)))

    while len(found) < count:
        good = bool(rng.integers(2))
        parts = {"plain": clause(good), "same": clause(good), "other": clause(not good), "aside": aside()}
        text = " ".join(str(rng.choice(FRAMES)).format(**parts).split())
        found.setdefault(text, int(good))
    return list(found), np.array(list(found.values()))


def rt_polarity(folder: Path) -> tuple[list[str], np.ndarray]:
    """The different sentences of film reviews in a folder, and whether each is good (1) or bad (0)."""
    if not (folder / "rt-polarity.pos").exists():
        raise FileNotFoundError(f"{folder} must be the folder of rt-polarity.pos and rt-polarity.neg")
    files = [(folder / f"rt-polarity.{end}").read_text("utf-8", "replace").splitlines() for end in ("neg", "pos")]
    found = {line.strip(): label for label, lines in enumerate(files) for line in lines}
    return list(found), np.array(list(found.values()))


def split(texts: list[str], labels: np.ndarray, test: float) -> list[tuple[list[str], np.ndarray]]:
    """Training and test, (texts, labels) each, shuffled by the seed."""
    order = generator(1).permutation(len(texts))
    return [([texts[i] for i in part], labels[part]) for part in np.split(order, [int((1 - test) * len(order))])]
