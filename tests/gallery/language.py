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
        lambda r: r["test accuracy: GRU, both directions"] > 0.65 > 0.5 > r["chance: largest class"],
    ),
    "tagging": (
        {"updates": 200},
        lambda r: r["accuracy: LSTM from both sides"] > r["baseline: counts, 2 on each side"] > r["chance: commonest tag"],
    ),
    "named_entities": (
        {"updates": 150, "count": 500},
        lambda r: r["F1: both"] > 0.6 > 0.5 > r["baseline: capitals, commonest kind"] and not r["test names in training"],
    ),
    "planted_secret": (
        {"updates": 250, "hidden": 64, "size": 20_000},
        lambda r: r["LSTM, exposure where written 16x"] > 6 > r["baseline: LSTM, exposure where never written"],
    ),
    "many_to_one": (
        {"updates": 200, "count": 2000},
        lambda r: max(r["accuracy: LSTM"], r["accuracy: GRU"]) > r["baseline: naive Bayes"] + 0.1,
    ),
    "learning_to_execute": (
        {"updates": 200, "hidden": 48, "nesting": 1},
        lambda r: r["characters right"] > 0.15 > r["chance: characters of the commonest output"],
    ),
    "music": (
        {"epochs": 5, "tunes": 600, "hidden": 64},
        lambda r: r["nats"] < r["baseline: nats of the table"] - 0.1 and r["bars of six eighths"] > 0.4,
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
        {"data": SHARED / "rt-polarity", "updates": 60, "size": 16, "hidden": 16},
        lambda r: r["accuracy: CNN"] > 0.55 and not r["test sentences in training"],
    ),
    (
        "names",
        {"data": SHARED / "names", "updates": 300},
        lambda r: r["test accuracy: GRU, both directions"] > r["chance: largest class"] + 0.1 and not r["test names in training"],
    ),
]
