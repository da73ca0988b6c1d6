"""Examples of the gallery: text and embeddings."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "word2vec": ({"steps": 2500}, lambda r: r["king - man + woman"] == "queen" and r["analogies solved"] > 0.8),
    "glove": ({"steps": 3000}, lambda r: r["analogies solved"] > 0.6),
    "sentiment": ({"epochs": 3}, lambda r: r["test accuracy, Convolution"] > 0.95 > r["test accuracy, Bag"] > 0.7),
    "document_classes": ({"epochs": 12}, lambda r: r["test accuracy"] > 0.75 > 2 * r["share of the largest class"]),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
