"""Examples of the gallery: recurrent networks."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first

CASES: dict[str, Case] = {
    "five_patterns": ({"steps": 200, "hidden": 32}, lambda r: r["OneToMany: right"] > 0.95 and r["ManyToOne: right"] > 0.8),
    "elman_jordan": ({"steps": 250}, lambda r: 1 < float(first(r, "Elman").split(",")[0]) < 1.3 > float(first(r, "Elman")[-4:])),
    "hello": ({}, lambda r: r["written after h"] == "hello"),
    "long_lags": (
        {"steps": 250, "lags": 20},
        lambda r: r["LSTM: accuracy at 20 steps"] > 0.9 > 0.6 > r["RNN: accuracy at 20 steps"],
    ),
    "fixed_window": (
        {"updates": 250, "count": 2000},
        lambda r: r["GRU: accuracy over 3 phrases"] > 0.9 > 0.65 > r["window of 3: accuracy over 3 phrases"],
    ),
    "sequential_logic": (
        {"updates": 1000},
        lambda r: r["sequential: sums right of 64 bits"] > 0.9 > 0.2 > r["combinational: sums right of 64 bits"],
    ),
    "full_or_truncated": (
        {"size": 32, "updates": 120},
        lambda r: (
            r["nats a character, chunks of 20, state carried on"] < r["baseline: table of pairs"] - 0.1
            and r["cosine with the full gradient, chunks of 5"] < 0.999 < r["cosine with the full gradient, chunks of 160"]
            and r["megabytes, chunks of 5"] < r["megabytes, chunks of 160"] / 4
        ),
    ),
    "two_delays": (
        {"bits": 50_000, "epochs": 6},
        lambda r: (
            r["cross-entropy, chunks of 10, 16 units"] < 0.5
            < r["cross-entropy, chunks of 5, 4 units"] < 0.55
            < r["baseline: table that sees neither bit"]
        ),
    ),
    "exploding_and_clipping": (
        {"starts": 1, "updates": 200, "longest": 20},
        lambda r: (
            r["gradient 50 steps back, singular values 0.9"] < 0.01 < 10 < r["gradient 50 steps back, singular values 1.5"]
            and r["error on the surface after 100 steps, clipped"] < 0.02 < r["error on the surface after 100 steps, plain"]
            and r["accuracy, length 20, rate 0.1, clipped"] > 0.9 > 0.5 > r["accuracy, length 20, rate 0.1, plain"]
        ),
    ),
    "padding": ({"sequences": 96}, lambda r: r["largest difference of the results"] < 1e-5),
    "mnist_rows": ({"epochs": 5}, lambda r: all(value > 0.8 for value in r.values())),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("mnist_rows", {"data": SHARED / "mnist", "epochs": 1}, lambda r: r["test accuracy, LSTM"] > 0.8),
]
