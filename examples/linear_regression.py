"""Linear regression: diabetes after a year from ten measurements, by gradient descent and in closed form.

The model is y = x W^T + b, the loss the mean of (y - t)^2. Gradient descent goes where the normal equations,
(X^T X) w = X^T t, go in one step; its error falls quickly along directions in which the measurements vary
much, and slowly along those in which they hardly do.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run, two_sets
from sklearn.datasets import load_diabetes

import nn
from minigrad import Tensor

PUBLISHED = "the data: Efron, Hastie, Johnstone and Tibshirani (least angle regression), 2004"


def r2(predicted, y):
    """The share of the variance that is explained."""
    return float(1 - np.mean((y - predicted) ** 2) / np.mean((y - y.mean()) ** 2))


def main(steps=8000, lr=0.2):
    data = load_diabetes(scaled=False)
    (x, y), (test_x, test_y) = two_sets(data.data, data.target)
    middle, spread = x.mean(0), x.std(0)
    x, test_x = (x - middle) / spread, (test_x - middle) / spread
    y, test_y = (y - y.mean()) / y.std(), (test_y - y.mean()) / y.std()
    design = np.c_[x, np.ones(len(x))]
    exact = np.linalg.lstsq(design, y, rcond=None)[0]  # the normal equations
    model = nn.Linear(10, 1).double()
    optimizer = nn.optim.SGD(model.parameters(), lr=lr)
    losses, apart = [], []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(Tensor(x))[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        apart.append(abs(np.append(model.weight.data[0], model.bias.data) - exact).max())
    predicted = model(Tensor(test_x)).detach().numpy()[:, 0]
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    axes[0].loglog(np.array(losses) - np.mean((design @ exact - y) ** 2), label="loss above the least")
    axes[0].loglog(apart, label="largest distance of a weight")
    axes[0].set(title="gradient descent to the closed form", xlabel="step")
    axes[0].legend()
    order = np.argsort(exact[:10])
    axes[1].barh(np.array(data.feature_names)[order], exact[:10][order])
    axes[1].set(title="weights of the standardized measurements")
    axes[2].plot(test_y, predicted, ".")
    axes[2].axline((0, 0), slope=1, color="grey", linestyle="--")
    axes[2].set(title="test patients", xlabel="measured", ylabel="predicted")
    picture("linear_regression", figure)
    slopes = x.T @ y / len(y)
    best = int(np.argmax(abs(slopes)))
    return {
        "R^2 on test patients": r2(predicted, test_y),
        "largest difference from the closed form": float(apart[-1]),
        "chance: R^2 of the training mean": r2(np.full(len(test_y), y.mean()), test_y),
        "baseline: R^2 of the best single measurement": r2(slopes[best] * test_x[:, best], test_y),
    }


if __name__ == "__main__":
    run(main)
