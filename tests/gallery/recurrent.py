"""Examples of the gallery: recurrent networks."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

CASES: dict[str, Case] = {
    "five_patterns": (
        {"updates": 250, "hidden": 48},
        lambda r: (
            r["one to one: whole answers right"] > 0.8
            and r["one to many: whole answers right"] > 0.6
            and r["many to one: whole answers right"] > 0.53
            and r["many to many, aligned: whole answers right"] > 0.25
        ),
    ),
    "elman_jordan": (
        {"updates": 150},
        lambda r: (
            r["Elman, nats within a syllable"] < 0.1 < 0.5 * r["baseline: pairs, nats within a syllable"]
            and r["Elman, nats at a consonant"] < 1.3 < r["baseline: pairs, nats at a consonant"]
        ),
    ),
    "hello": (
        {},
        lambda r: r["written after h"] == "hello" and r["nats"] < 0.05 < 0.3 < r["baseline: nats, state taken away"],
    ),
    "long_lags": (
        {"updates": 150, "longest": 20},
        lambda r: (
            min(r["LSTM, gate bias: accuracy at 20 steps"], r["GRU, gate bias: accuracy at 20 steps"]) > 0.6
            and max(r["RNN: accuracy at 20 steps"], r["LSTM: accuracy at 20 steps"]) < 0.5
            and r["RNN: gradient 50 steps back"] < 1e-6 < 1e-3 < r["LSTM, gate bias: gradient 50 steps back"]
        ),
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
            r["nats a character, chunks of 20, state carried on"] < r["baseline: nats by counts of 2 in a row"] - 0.1
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
            and r["accuracy, length 20, rate 0.01, plain"] > 0.9
        ),
    ),
    "lstm_dropout": (
        {"updates": 300, "characters": 2500, "size": 48},
        lambda r: (
            max(r[f"validation perplexity in the end, {way} dropout"] for way in ("input", "recurrent"))
            < r["validation perplexity in the end, no dropout"]
            and r["test perplexity, recurrent dropout"] < r["baseline: perplexity by counts of 2 in a row"]
        ),
    ),
    "padding": (
        {"sequences": 96, "passes": 1},
        lambda r: (
            max(r["largest difference of the states"], r["largest difference of the gradients"]) < 1e-5
            and r["buckets of like length: share of steps that are no padding"] > 0.42
            and r["packed, a loop of cells: share of steps that are no padding"] == 1
            and r["baseline: all padded to the longest: share of steps that are no padding"] < 0.4
        ),
    ),
    "mnist_rows": (
        {"epochs": 6},
        lambda r: r["given the lengths, test accuracy"] > r["baseline: linear layer, test accuracy"] + 0.1 > 0.5,
    ),
    "lstm_gates": (
        {"updates": 1200, "length": 16, "hidden": 6},
        lambda r: (
            r["mean squared error"] < 0.03 < r["baseline: error of 0.5 + second value"]
            and r["input gate, marked minus elsewhere"] > 0.15 + r["baseline: input gate, marked minus elsewhere, untrained"]
            and abs(r["by hand, memory after keep"] - r["by hand, memory after write"]) < 0.01
            and abs(r["by hand, memory after reset"]) < 0.01 > r["largest difference from nn.LSTM"]
        ),
    ),
    "gru_derivative": (
        {},
        lambda r: (
            r["largest difference of the five terms from jacobian"] < 1e-12
            and r["bias 3: gradient at lag 50"] > 1e-3 > 1e-6 > r["bias 0: gradient at lag 50"]
            and r["baseline: bias 3, without ds z"] < 1e-12 > r["bias -3: gradient at lag 50"]
        ),
    ),
    "cells_side_by_side": (
        {"updates": 60, "length": 8, "hidden": 16},
        lambda r: (
            r["largest difference from nn"] < 1e-5
            and r["LSTM: accuracy at lag 8"] > 0.7
            and r["tanh: gradient at lag 43 to 50"] < 1e-6 < 1e-3 < r["GRU: gradient at lag 43 to 50"]
            and r["tanh: nats"] < r["baseline: nats by frequencies"] - 0.1
            and (r["LSTM: parameters"], r["GRU: parameters"]) == (4 * r["tanh: parameters"], 3 * r["tanh: parameters"])
        ),
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    (
        "mnist_rows",
        {"data": SHARED / "mnist", "epochs": 1, "room": 0},
        lambda r: r["one direction, test accuracy"] > 0.7 > 4 * r["chance"],
    ),
]
