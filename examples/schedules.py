"""Learning-rate schedules: their curves, and what each makes of the same network in the same few updates.

Of t = 0 ... T updates, with the peak rate eta:

    step         eta 0.2^floor(3 t / T)
    exponential  eta 0.01^(t / T)
    cosine       eta (1 + cos(pi t / T)) / 2;  restarts: three times over (Loshchilov and Hutter, 2017)
    one cycle    up to eta within 0.3 T, and down to nearly 0 (Smith, 2018)

Each schedule gets the same four peak rates, and the one with the lowest validation error counts: so does the
constant rate, the baseline. What a schedule brings is small here: the ranges over the seeds overlap, and only
the medians of all that fall are below that of the constant rate. Some labels of the training digits are wrong,
so that a network that cannot settle is seen to suffer.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, restart, run

import nn
from minigrad import Tensor
from nn.optim import lr_scheduler as lrs

PUBLISHED = "Loshchilov and Hutter (SGDR), 2017; Smith (one cycle), 2018"
RATES = (0.05, 0.1, 0.2, 0.4)


def schedules(total, peak):
    """Makers of schedules, by name."""
    return {
        "constant": lambda o: lrs.ConstantLR(o, factor=1.0),
        "step": lambda o: lrs.StepLR(o, max(total // 3, 1), gamma=0.2),
        "exponential": lambda o: lrs.ExponentialLR(o, 0.01 ** (1 / total)),
        "cosine": lambda o: lrs.CosineAnnealingLR(o, total),
        "one cycle": lambda o: lrs.OneCycleLR(o, max_lr=peak, total_steps=total + 1),
        "restarts": lambda o: lrs.CosineAnnealingWarmRestarts(o, -(-total // 3)),
    }


def trained(name, peak, x, y, total, batch=32):
    """A network, its rates and its losses."""
    restart()
    rng, rates, losses = generator(1), [], []
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = nn.optim.SGD(model.parameters(), lr=peak, momentum=0.9)
    schedule = schedules(total, peak)[name](optimizer)
    for _ in range(total):
        rows = rng.integers(len(y), size=batch)
        loss = nn.functional.cross_entropy(model(Tensor(x[rows])), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.append(schedule.get_last_lr()[0])
        losses.append(loss.item())
        schedule.step()
    return model, rates, losses


def main(updates=300, noise=0.2, data=None):
    (x, y), (test_x, test_y) = digits(data)
    x, test_x, rng = x.reshape(len(x), -1), test_x.reshape(len(test_x), -1), generator()
    cut = len(y) // 5
    noisy = np.where(rng.random(len(y)) < noise, rng.integers(0, 10, len(y)), y)

    def wrong(model, x, y):
        return float((model(Tensor(x)).detach().numpy().argmax(axis=1) != y).mean())

    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    results = {}
    for name in schedules(updates, 1.0):
        runs = [trained(name, peak, x[cut:], noisy[cut:], updates) for peak in RATES]
        best = int(np.argmin([wrong(model, x[:cut], y[:cut]) for model, _, _ in runs]))
        model, rates, losses = runs[best]
        called = "baseline: constant rate" if name == "constant" else name
        results[f"{called}, test error"] = wrong(model, test_x, test_y)
        results[f"{name}: peak rate"] = RATES[best]
        axes[0].plot(rates, label=name)
        axes[1].plot(np.convolve(losses, np.ones(30) / 30, "valid"))
    axes[0].set(title="learning rate, each at its best peak", xlabel="update", ylabel="rate")
    axes[1].set(title="training loss, mean of 30 updates", xlabel="update", ylabel="cross-entropy")
    figure.legend(loc="outside right center")
    picture("schedules", figure)
    return results | {"chance: test error": float((test_y != np.bincount(y).argmax()).mean())}


if __name__ == "__main__":
    run(main)
