"""Examples of the gallery: sequence to sequence."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

CASES: dict[str, Case] = {
    "number_phrases": (
        {"updates": 150, "hidden": 96},
        lambda r: min(r["exact, source as it is"], r["exact, source reversed"]) > 0.12,
    ),
    "phrase_map": (
        {"updates": 150, "hidden": 48},
        lambda r: (
            r["neighbours of one kind"] > 0.5 > 0.45 > r["baseline: neighbours of one kind before training"]
            and 0.2 < r["chance: neighbours of one kind"] < 0.27
        ),
    ),
    "attention": (
        {"updates": 120, "hidden": 48, "batch": 32, "examples": 3000},
        lambda r: min(r["exact, additive"], r["exact, product"]) > max(0.1, 2 * r["baseline: no attention"]),
    ),
    "gnmt": (
        {"updates": 70, "layers": 3, "batch": 32, "examples": 2000},
        lambda r: r["exact, 3 layers, residual"] > max(0.03, 2 * r["exact, 3 layers, plain"]),
    ),
    "beam_search": (
        {"models": 40},
        lambda r: (
            r["chance: best word found by a sample"]
            < r["baseline: best word found, greedy"]
            < r["best word found, beam of 2"]
            <= r["best word found, beam of 8"]
        ),
    ),
    "decoding": (
        {"updates": 100, "hidden": 96, "sentences": 20},
        lambda r: all(
            r[f"right digits after right ones, source {way}"] > max(0.4, r[f"right digits after its own, source {way}"])
            for way in ("as it is", "reversed")
        ),
    ),
    "encoder_decoder_graph": (
        {},
        lambda r: r["nodes that a digit adds"] == 4 and r["nodes with repeats as one, 6 digits"] == 12,
    ),
    "translation": (
        {"updates": 120, "hidden": 48, "examples": 1500},
        lambda r: (
            r["BLEU on sentences never seen"] > 1.2 * max(r["baseline: BLEU, no attention"], r["baseline: BLEU, word for word"])
            and r["test sentences"] == 300
        ),
    ),
    "captioning": (
        {"updates": 10, "attending": 200, "hidden": 64, "batch": 16, "scenes": 600, "tests": 40},
        lambda r: (
            r["BLEU, show, attend and tell"] > max(r["baseline: BLEU, nearest training image"], r["BLEU, show and tell"])
            and r["ceiling: all right, told the four places"] > 0.9
            and r["test captions in training"] == 0
        ),
    ),
    "transformer": (
        {"updates": 80, "size": 48, "batch": 48},
        lambda r: r["exact, with positions"] > max(0.05, 2 * r["baseline: without positions"]),
    ),
}

#: The same from real data.
REAL: list[RealCase] = [
    (
        "translation",
        {"data": SHARED / "eng-fra.txt", "updates": 300},
        lambda r: r["BLEU on sentences never seen"] > 1 and r["left out, in training but for rare words"] > 0,
    ),
]
