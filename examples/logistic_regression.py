"""Logistic regression: benign or malignant, from thirty measurements of cells."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_breast_cancer

import nn
from minigrad import Tensor

PUBLISHED = "97.5 % by a plane through three of the measurements (Wolberg, Street and Mangasarian, 1995)"


def main(steps=200, decay=1e-2):
    data = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.target))
    x, y = data.data[order], data.target[order].astype(float)
    train, test = slice(0, 400), slice(400, None)
    x = (x - x[train].mean(0)) / x[train].std(0)
    model = nn.Linear(30, 1).double()
    optimizer = nn.optim.LBFGS(model.parameters(), line_search_fn="armijo", max_iter=5)

    def loss():
        optimizer.zero_grad()
        fit = nn.functional.binary_cross_entropy_with_logits(model(Tensor(x[train]))[:, 0], Tensor(y[train]))
        value = fit + decay * (model.weight**2).sum()
        value.backward()
        return value

    for _ in range(steps // 5):
        optimizer.step(loss)
    scores = model(Tensor(x[test])).detach().numpy()[:, 0]
    weights = model.weight.detach().numpy()[0]
    figure, axis = plt.subplots(figsize=(6, 6))
    by_size = np.argsort(np.abs(weights))
    axis.barh(data.feature_names[by_size], weights[by_size])
    axis.set(title="weights: to the right benign")
    picture("logistic_regression", figure)
    return {"accuracy on 169 others": float(((scores > 0) == y[test]).mean())}


if __name__ == "__main__":
    run(main)
