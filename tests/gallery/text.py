"""Examples of the gallery: text and embeddings."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "word2vec": (
        {"sentences": 3000, "updates": 1500},
        lambda r: r["analogies solved"] > r["baseline: nearest to b + c"] + 0.1 and r["true neighbour above another word"] > 0.7,
    ),
    "glove": (
        {"sentences": 3000, "updates": 1500},
        lambda r: r["analogies solved"] > 0.3 > r["baseline: nearest to c"] + r["baseline: nearest to b + c"],
    ),
    "embedding_neighbours": (
        {"sentences": 3000, "updates": 1500},
        lambda r: (
            r["nearest neighbour of the same form"] > 0.8
            and r["cosine of two differences"] > r["baseline: cosine, pairs dealt out anew"] + 0.1
            and r["form told by the mean difference"] > 0.9
        ),
    ),
    "polysemy": (
        {"count": 800, "updates": 600, "hidden": 48},
        lambda r: (
            r["meanings right by the clusters of states"] > 0.75 > r["baseline: clusters of the mean of the words before"] + 0.1
        ),
    ),
    "sentiment": (
        {"epochs": 4, "size": 24, "width": 24},
        lambda r: r["test accuracy, LSTM"] > 0.8 > r["baseline: naive Bayes"] and r["share of <unk> in the test"] > 0.01,
    ),
    "document_classes": (
        {"epochs": 12},
        lambda r: r["test accuracy"] > 0.75 > 2 * r["chance: the largest class"],
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
