"""Examples of the gallery: language."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

CASES: dict[str, Case] = {
    "char_language_model": (
        {"updates": 250, "hidden": 96, "size": 300_000},
        lambda r: r["test nats"] < r["baseline: bigrams by counts"] < r["chance: all alike"],
    ),
    "cells": (
        {"updates": 80, "hidden": 48, "shown": 8000},
        lambda r: r["nats"] < r["baseline: nats by counts of 1 in a row"] - 0.3,
    ),
    "word_language_model": (
        {"updates": 160, "size": 64, "max_words": 1000},
        lambda r: r["test perplexity"] < 0.95 * r["baseline: unigrams by counts"] < r["chance: all words alike"],
    ),
    "names": (
        {"updates": 250},
        lambda r: (
            r["test accuracy: GRU, both directions"] > r["baseline: naive Bayes of 1 to 4 characters"] - 0.12
            and r["baseline: naive Bayes of 1 to 4 characters"] > 0.65 > 2 * r["chance: largest class"]
        ),
    ),
    "tagging": (
        {"updates": 200},
        lambda r: r["accuracy: LSTM from both sides"] > r["baseline: counts, 3 on each side"] > r["chance: commonest tag"],
    ),
    "named_entities": (
        {"updates": 150, "count": 500},
        lambda r: (
            r["F1: both"] > 0.6 > 0.5 > r["baseline: capitals, commonest kind"]
            and not r["test names in training"] + r["test sentences in training, names masked"]
        ),
    ),
    "planted_secret": (
        {"updates": 250, "hidden": 64, "size": 20_000},
        lambda r: r["LSTM, exposure where written 16x"] > 6 > r["baseline: LSTM, exposure where never written"],
    ),
    "many_to_one": (
        {"updates": 250, "count": 1600, "hidden": 40},
        lambda r: r["accuracy: LSTM, both directions"] > r["baseline: logistic regression of 1 to 3 words"],
    ),
    "learning_to_execute": (
        {"updates": 200, "hidden": 48, "nesting": 1},
        lambda r: (
            r["characters right"] > 0.2 > r["chance: characters of the commonest output"]
            and r["outputs right"] > r["chance: commonest output"] + 0.08
        ),
    ),
    "music": (
        {"epochs": 5, "tunes": 600, "hidden": 64},
        lambda r: (
            r["floor: nats, entropy of the tunes"]
            < r["nats"]
            < r["baseline: nats, the best count of 1 to 8 characters"] - 0.1
        ),
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    (
        "char_language_model",
        {"data": SHARED / "tinyshakespeare.txt", "updates": 300},
        lambda r: r["test nats"] < r["baseline: bigrams by counts"],
    ),
    ("char_language_model", {"data": SHARED / "wikitext-2", "updates": 200}, lambda r: r["test nats"] < 2.6),
    (
        "word_language_model",
        {"data": SHARED / "wikitext-2", "updates": 300, "max_words": 2000},
        lambda r: r["test perplexity"] < r["baseline: unigrams by counts"],
    ),
    (
        "many_to_one",
        {"data": SHARED / "rt-polarity", "updates": 10, "size": 16, "hidden": 16},  # it learns nothing in so few
        lambda r: r["baseline: naive Bayes of 1 to 3 words"] > 0.7 and not r["test sentences in training"],
    ),
    (
        "names",
        {"data": SHARED / "names", "updates": 300},
        lambda r: r["test accuracy: GRU, both directions"] > r["chance: largest class"] + 0.1 and not r["test names in training"],
    ),
]
