"""Examples of the gallery: text and embeddings."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

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
            and r["cosine of two differences"] > r["baseline: cosine, pairs shuffled"] + 0.1
            and r["form predicted by the mean difference"] > 0.9
        ),
    ),
    "polysemy": (
        {"count": 800, "updates": 500, "hidden": 48},
        lambda r: (
            r["meanings right by the clusters of states"] > r["baseline: clusters of the first thing named"] + 0.1
            and r["baseline: clusters of the mean of the words before"] < 0.65
        ),
    ),
    "sentiment": (
        {"epochs": 7, "size": 24, "width": 24},
        lambda r: (
            r["test accuracy: LSTM"] > r["baseline: naive Bayes of 1 to 3 words"] + 0.03
            and r["share of <unk> in the test"] > 0.01
        ),
    ),
    "document_classes": (
        {"epochs": 12},
        lambda r: r["test accuracy"] > r["baseline: naive Bayes"] - 0.03 > 2 * r["chance: the largest class"],
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    (
        "sentiment",
        {"data": SHARED / "rt-polarity", "epochs": 2, "size": 16, "width": 16},
        lambda r: r["test accuracy: bag"] > r["chance: the more frequent class"] + 0.1 and r["share of <unk> in the test"] < 0.15,
    ),
    (
        "word2vec",
        {"data": SHARED / "wikitext-2" / "valid.txt", "updates": 1500},
        lambda r: r["true neighbour above another word"] > r["chance: neighbour"] + 0.02,
    ),
]
