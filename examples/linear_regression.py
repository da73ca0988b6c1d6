"""Linear regression: diabetes after a year from ten measurements, by gradient descent and in closed form."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_diabetes

import nn
from minigrad import Tensor


def main(steps=20000, lr=0.1):
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    train, test = slice(0, 342), slice(342, None)
    model = nn.Linear(10, 1).double()
    optimizer = nn.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(Tensor(x[train]))[:, 0], Tensor(y[train]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    design = np.c_[x[train], np.ones(342)]
    exact = np.linalg.lstsq(design, y[train], rcond=None)[0]  # the normal equations
    weights = np.append(model.weight.detach().numpy()[0], model.bias.detach().numpy())
    predicted = model(Tensor(x[test])).detach().numpy()[:, 0]
    figure, axes = plt.subplots(1, 2, figsize=(9, 4))
    axes[0].loglog(losses)
    axes[0].set(xlabel="step", ylabel="mean squared error")
    axes[1].plot(y[test], predicted, ".")
    axes[1].set(xlabel="measured", ylabel="predicted")
    picture("linear_regression", figure)
    r2 = 1 - np.mean((y[test] - predicted) ** 2) / np.var(y[test])
    return {"R^2 on 100 others": float(r2), "largest difference from the closed form": float(np.abs(weights - exact).max())}


if __name__ == "__main__":
    run(main)
