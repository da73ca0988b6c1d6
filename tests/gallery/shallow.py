"""Examples of the gallery: linear and shallow models, optimization, pretraining."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first

CASES: dict[str, Case] = {
    "linear_regression": (
        {"steps": 5000},
        lambda r: (
            r["R^2 on test patients"] > 0.25 > r["chance: R^2 of the training mean"]
            and r["largest difference from the closed form"] < 1e-6
        ),
    ),
    "logistic_regression": (
        {},
        lambda r: r["test accuracy"] > 0.94 and r["baseline: best single measurement, test accuracy"] < 0.94,
    ),
    "softmax_regression": ({"epochs": 10}, lambda r: r["test error"] < 0.09 and r["chance: test error"] > 0.8),
    "kmeans": (
        {},
        lambda r: (
            r["test accuracy by the name of the cluster"] > 0.7
            and r["mean squared distance, last"] < 0.7 * r["mean squared distance, first"]
        ),
    ),
    "nearest_neighbour": (
        {},
        lambda r: r["test error, 400 known"] < 0.09 < r["baseline: nearest mean of 100, test error"],
    ),
    "mlp_digits": (
        {"epochs": 12},
        lambda r: (
            max(r["MLP, test error"], r["MLP with dropout, test error"]) < 0.1
            and r["raw tensors, one hidden layer, test error"] < 0.1
            and r["chance: test error"] > 0.8
        ),
    ),
    "random_forest": (
        {"trees": 15, "depth": 3, "updates": 500},
        lambda r: (
            first(r, "forest") > 0.85 > r["baseline: one tree of the forest, test accuracy"] > 0.6
            and first(r, "soft tree") > 0.4 > r["chance: test accuracy"]
        ),
    ),
    "bag_of_words": (
        {"epochs": 6},
        lambda r: r["test accuracy, words"] > 0.65 and r["test accuracy, words and pairs"] > 0.65,
    ),
    "wide_and_deep": (
        {"count": 20000, "updates": 300, "hidden": 32},
        lambda r: (
            r["AUC, wide and deep"] > max(r["AUC, deep"], r["baseline: AUC, linear, no crosses"] + 0.05)
            and r["AUC, wide"] > r["baseline: AUC, linear, no crosses"] + 0.05
            and r["AUC where the pair is new, deep"] > r["baseline: AUC where the pair is new, linear"]
        ),
    ),
    "svm": (
        {"steps": 3000, "dual_steps": 400},
        lambda r: (
            r["support vectors of dual and scikit-learn in common"] > 0.9
            and r["w of primal from scikit-learn's, relative"] < 0.1
            and r["linear: test accuracy"] > 0.9 > r["chance: test accuracy of the larger class"]
        ),
    ),
    "bias_variance": (
        {"steps": 100, "side": 2, "draws": 4},
        lambda r: (
            r["underfitting: bias^2"] > 2 * r["best of the grid: bias^2"]
            and r["grid search: test error"] < 0.8 * r["chance: test error of the mean"]
        ),
    ),
    "initialisation": (
        {"updates": 200, "of_sigmoid": 200, "hidden": 32},
        lambda r: (
            r["tanh, Xavier: test error"] < 0.15
            and r["ReLU, He: test error"] < 0.2
            and min(r["sigmoid, small: test error"], r["ReLU, small: test error"]) > 0.7
            and r["sigmoid, small: gradient, first hidden layer over last"] < 1e-4
            and r["ReLU, small: norm of the gradient, first hidden layer"] < 1e-4
            and r["ReLU, He: norm of the gradient, first hidden layer"] > 0.01
        ),
    ),
    "gradient_noise": (
        {"steps": 60, "runs": 8},
        lambda r: (
            r["Nesterov: loss without noise"] < 0.01 * r["Nesterov: loss with noise"]
            and r["momentum, falling rate: loss with noise"] < r["momentum: loss with noise"]
            and r["Nesterov: best rates, without and with, ratio"] > 1.9 * r["SGD: best rates, without and with, ratio"]
            and r["best rates at an edge of the grid"] == 0
            and r["Nesterov's two forms differ at most by"] < 1e-12
            and r["nn's and the second form differ at most by"] < 1e-12
        ),
    ),
    "optimizer_paths": (
        {"steps": 100, "starts": 20},
        lambda r: (
            max(r[f"{name}: mean steps at its best rate"] for name in ("Nesterov", "AdaGrad", "RMSProp"))
            < 0.85 * r["baseline: SGD: mean steps at its best rate"]
            and r["Adam: share of the rates and starts that arrive"]
            > 0.1 + r["baseline: SGD: share of the rates and starts that arrive"]
        ),
    ),
    "schedules": (
        {"updates": 150},
        lambda r: r["cosine, test error"] < 0.25 and r["one cycle, test error"] < 0.25 and r["chance: test error"] > 0.8,
    ),
    "hopfield": (
        {"units": 100, "repeats": 2},
        lambda r: (
            r["saturated linear: pixels right"] > 0.97 > r["baseline: the part as it is, pixels right"]
            and r["binary: pixels right"] < r["saturated linear: pixels right"] - 0.02
            and r["binary: recalled at 0.05 patterns a unit"] > 0.9
            and r["binary: stable at 0.05 patterns a unit"] > 0.9 > 0.3 > r["binary: stable at 0.3 patterns a unit"]
        ),
    ),
    "rbm": (
        {"epochs": 10},
        lambda r: (
            r["own half preferred"] > 0.65
            and r["baseline: five nearest digits, own half preferred"] > 0.65 > r["chance: own half preferred"]
            and r["mean squared error of the reconstruction"] < 0.6 * r["baseline: mean squared error of the mean image"]
        ),
    ),
    "deep_belief_network": (
        {"networks": 2, "hidden": 48, "pretraining": 400, "tuning": 800},
        lambda r: (
            r["DBN: test error"] < r["deep, no pretraining: test error"] - 0.01
            and r["deep, no pretraining: test error"] < 0.3 < r["chance: test error"]
            and max(r["DBN: training error"], r["deep, no pretraining: training error"]) < 0.02
        ),
    ),
    "sparse_autoencoder": (
        {"steps": 420},
        lambda r: (
            r["with penalty: share of active units"] < 0.3 < r["without: share of active units"]
            and r["with penalty: share of the variance lost"]
            < r["baseline: share of the variance lost by the largest cosines of each patch"]
            and r["with penalty: energy of a filter in its best quarter"]
            > r["chance: energy of a filter in its best quarter, untrained"] + 0.03
        ),
    ),
    "autoencoder": (
        {"epochs": 30},
        lambda r: (
            r["squared error of a test digit"] < r["baseline: squared error with principal components"]
            and r["nearest neighbour in the code: test error"] < 0.6
        ),
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("random_forest", {"data": SHARED / "mnist", "trees": 3, "depth": 3, "updates": 150}, lambda r: first(r, "forest") > 0.8),
    ("softmax_regression", {"data": SHARED / "mnist", "epochs": 2}, lambda r: r["test error"] < 0.15),
    (
        "kmeans",
        {"data": SHARED / "mnist", "steps": 8},
        lambda r: r["test accuracy by the name of the cluster"] > 0.5,
    ),
    ("nearest_neighbour", {"data": SHARED / "mnist"}, lambda r: r["test error, 8000 known"] < 0.08),
    (
        "mlp_digits",
        {"data": SHARED / "mnist", "epochs": 4, "labelled": 4000},
        lambda r: r["MLP, test error"] < 0.12,
    ),
    ("bag_of_words", {"data": SHARED / "rt-polarity", "epochs": 3}, lambda r: r["test accuracy, words"] > 0.7),
    ("rbm", {"data": SHARED / "mnist", "epochs": 1}, lambda r: r["own half preferred"] > 0.6),
    (
        "autoencoder",
        {"data": SHARED / "mnist", "epochs": 4},
        lambda r: r["squared error of a test digit"] < 0.9 * r["baseline: squared error of the mean image"],
    ),
]
