"""Logistic regression: benign or malignant, from thirty measurements of cells.

    p(benign | x) = sigmoid(w x + b),    L = -mean of log p of the right class + lambda |w|^2

A convex problem: L-BFGS, a quasi-Newton method, needs few passes over the data.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run, two_sets
from sklearn.datasets import load_breast_cancer

import nn
from minigrad import Tensor

PUBLISHED = "97.5 % by a plane through three of the measurements (Wolberg, Street and Mangasarian, 1995)"


def main(passes=40, decay=1e-2):
    data = load_breast_cancer()
    (x, y), (test_x, test_y) = two_sets(data.data, data.target.astype(float), 0.3)
    x, test_x = (x - x.mean(0)) / x.std(0), (test_x - x.mean(0)) / x.std(0)
    model = nn.Linear(30, 1).double()
    optimizer = nn.optim.LBFGS(model.parameters(), line_search_fn="armijo", max_iter=1)
    losses = []

    def loss():
        optimizer.zero_grad()
        fit = nn.functional.binary_cross_entropy_with_logits(model(Tensor(x))[:, 0], y)
        value = fit + decay * (model.weight**2).sum()
        value.backward()
        return value

    for _ in range(passes):
        losses.append(float(optimizer.step(loss)))
    scores = model(Tensor(test_x)).detach().numpy()[:, 0]
    weights = model.weight.detach().numpy()[0]
    figure, axes = plt.subplots(1, 3, figsize=(14, 5), width_ratios=[1, 1, 1.2], layout="constrained")
    axes[0].semilogy(losses)
    axes[0].set(title="training loss", xlabel="iteration of L-BFGS", ylabel="cross-entropy and penalty")
    for label, name in ((0, "malignant"), (1, "benign")):
        bins = np.linspace(scores.min(), scores.max(), 25)
        axes[1].hist(scores[test_y == label], bins, alpha=0.7, label=name, color=f"C{1 - label}")
    axes[1].axvline(0, color="k", linestyle="--")
    axes[1].set(title="scores of test tumours", xlabel="w x + b", ylabel="tumours")
    axes[1].legend()
    order = np.argsort(weights)[[*range(10), *range(-5, 0)]]
    axes[2].barh(data.feature_names[order], weights[order], color=np.where(weights[order] > 0, "C0", "C1"))
    axes[2].set(title="the lowest and highest weights: right is benign")
    picture("logistic_regression", figure)
    return {
        "test accuracy": float(((scores > 0) == test_y).mean()),
        "chance: test accuracy of the larger class": float((test_y == round(y.mean())).mean()),
        "baseline: best single measurement, test accuracy": one_measurement(x, y, test_x, test_y),
    }


def one_measurement(x, y, test_x, test_y):
    """The test accuracy of the threshold on one measurement that is best in training."""
    found = []
    for i in range(x.shape[1]):
        for threshold in x[:, i]:
            right = ((x[:, i] < threshold) == y).mean()  # small is benign
            found.append((right, ((test_x[:, i] < threshold) == test_y).mean()))
    return float(max(found, key=lambda each: each[0])[1])


if __name__ == "__main__":
    run(main)
