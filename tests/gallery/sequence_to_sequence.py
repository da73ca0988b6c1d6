"""Examples of the gallery: sequence to sequence."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first

CASES: dict[str, Case] = {
    "number_phrases": ({"steps": 500, "hidden": 96}, lambda r: first(r, "exact") > 0.8),
    "attention": ({"steps": 150, "hidden": 48}, lambda r: r["exact, additive"] > 0.6),
    "gnmt": ({"steps": 80, "layers": 3}, lambda r: r["exact, 3 layers, residual"] > 0.1),
    "beam_search": ({"models": 60}, lambda r: r["found, greedy"] < r["found, beam of 2"] <= r["found, beam of 8"] == 1),
    "encoder_decoder_graph": ({}, lambda r: r["steps"] > 100),
    "translation": ({"updates": 300}, lambda r: r["BLEU on sentences never seen"] > 60),
    "captioning": ({"steps": 80, "scenes": 900}, lambda r: r["BLEU, show, attend and tell"] > 30),
    "transformer": ({"steps": 150, "batch": 32}, lambda r: first(r, "exact") > 0.2),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("translation", {"data": SHARED / "eng-fra.txt", "updates": 400}, lambda r: r["BLEU on sentences never seen"] > 1),
]
