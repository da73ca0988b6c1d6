"""Examples of the gallery: linear and shallow models, optimization, pretraining."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first, percent

CASES: dict[str, Case] = {
    "linear_regression": ({}, lambda r: r["R^2 on 100 others"] > 0.5 and r["largest difference from the closed form"] < 1e-8),
    "logistic_regression": ({}, lambda r: r["accuracy on 169 others"] > 0.94),
    "softmax_regression": ({"epochs": 10}, lambda r: r["test accuracy"] > 0.93),
    "kmeans": ({}, lambda r: r["of their cluster's digit"] > 0.8),
    "nearest_neighbour": ({}, lambda r: r["test accuracy"] > 0.97),
    "mlp_digits": ({"epochs": 15}, lambda r: r["test accuracy"] > 0.95),
    "bag_of_words": (
        {"epochs": 6},
        lambda r: r["test accuracy, words"] > 0.65 and r["test accuracy, words and pairs"] > 0.65,
    ),
    "wide_and_deep": (
        {"count": 20000, "updates": 500, "hidden": 32},
        lambda r: (
            r["AUC, wide and deep"] > max(r["AUC, deep"], r["baseline: AUC, linear, no crosses"] + 0.05)
            and r["AUC, wide"] > r["baseline: AUC, linear, no crosses"] + 0.05
        ),
    ),
    "bias_variance": ({"steps": 100, "trials": 3}, lambda r: float(first(r, "best error").split(",")[0]) < 0.4),
    "optimizer_paths": ({}, lambda r: r["momentum: steps until it left the saddle"] < r["SGD: steps until it left the saddle"]),
    "schedules": ({"epochs": 6}, lambda r: r["cosine: test accuracy"] > 0.93),
    "hopfield": ({}, lambda r: r["pixels right after recall"] > 0.95 and r["kept at 0.05 patterns for each unit"] == 1),
    "rbm": ({"epochs": 10}, lambda r: r["reconstruction error"] < 0.08 and first(r, "free energy") > 10),
    "deep_belief_network": (
        {"epochs": 40, "pretraining": 15, "hidden": 64, "depth": 2},
        lambda r: percent(r["test error, autoencoders"]) < 12 and percent(r["test error, DBN"]) < 15,
    ),
    "sparse_autoencoder": (
        {"steps": 600},
        lambda r: r["share of the variance lost"] < 0.5 and r["share of units that speak"] < 0.35,
    ),
    "autoencoder": ({"epochs": 40}, lambda r: r["error on digits never seen"] < r["error of principal components"]),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("softmax_regression", {"data": SHARED / "mnist", "epochs": 3}, lambda r: r["test accuracy"] > 0.85),
    ("kmeans", {"data": SHARED / "mnist", "steps": 8}, lambda r: r["of their cluster's digit"] > 0.55),
    ("nearest_neighbour", {"data": SHARED / "mnist"}, lambda r: r["test accuracy"] > 0.92),
    ("mlp_digits", {"data": SHARED / "mnist", "epochs": 4, "hidden": 128}, lambda r: r["test accuracy"] > 0.92),
    ("bag_of_words", {"data": SHARED / "rt-polarity", "epochs": 3}, lambda r: r["test accuracy, words"] > 0.7),
    ("rbm", {"data": SHARED / "mnist", "epochs": 1}, lambda r: first(r, "free energy") > 20),
    (
        "autoencoder",
        {"data": SHARED / "mnist", "epochs": 3},
        lambda r: r["error on digits never seen"] < r["error of principal components"],
    ),
]
