"""Learning-rate schedules: their curves, and what each makes of the same network in the same time."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import minigrad
import nn
from minigrad import Tensor, no_grad
from nn.optim import lr_scheduler as lrs


def main(epochs=15, lr=0.5):
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = (images[order] / 16).astype(np.float32), labels[order]
    test = slice(1000, None)
    total = epochs * 31
    makers = {
        "constant": lambda o: lrs.ConstantLR(o, factor=1.0), "step": lambda o: lrs.StepLR(o, total // 3, gamma=0.2),
        "exponential": lambda o: lrs.ExponentialLR(o, 0.01 ** (1 / total)), "cosine": lambda o: lrs.CosineAnnealingLR(o, total),
        "one cycle": lambda o: lrs.OneCycleLR(o, max_lr=lr, total_steps=total + 1),
        "restarts": lambda o: lrs.CosineAnnealingWarmRestarts(o, total // 3),
    }  # fmt: skip
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    results = {}
    for name, make in makers.items():
        minigrad.random.manual_seed(0)
        rng = np.random.default_rng(0)
        model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        optimizer = nn.optim.SGD(model.parameters(), lr=lr)
        schedule, rates, losses = make(optimizer), [], []
        for _ in range(total):
            rows = rng.integers(0, 1000, 32)
            loss = nn.functional.cross_entropy(model(Tensor(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.append(schedule.get_last_lr()[0])
            losses.append(loss.item())
            schedule.step()
        axes[0].plot(rates, label=name)
        axes[1].semilogy(np.convolve(losses, np.ones(31) / 31, "valid"), label=name)
        with no_grad():
            results[f"{name}: test accuracy"] = nn.metrics.accuracy(model(Tensor(x[test])).numpy(), y[test])
    axes[0].set(title="learning rate")
    axes[1].set(title="training loss")
    axes[1].legend(fontsize="small")
    picture("schedules", figure)
    return results


if __name__ == "__main__":
    run(main)
