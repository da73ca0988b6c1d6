"""Why gradients of recurrent networks vanish or explode, and what clipping their norm does about it.

The gradient of an early state is a product with one factor a step, dh_T / dh_0 = prod_t diag(tanh'(z_t)) W. If the largest
singular value of W is below 1, it vanishes; above 1 it may explode (tanh' <= 1 works against it). Where it explodes, the
error surface has a wall (drawn: one unit, x_t = w sigmoid(x_{t-1}) + b, x_0 = 0.5, error (sigmoid(x_50) - 0.7)^2). A step
on the wall throws the weights far away, unless the gradient g is scaled: where |g| > theta, g <- g theta / |g|.

Last, the temporal order problem: two symbols of a long sequence are A or B, and the class is which came first and which
second. W begins orthogonal; all trainings have the same starts, and stop when it is solved; a smaller rate has as many
more updates.
The learning rate decides what clipping is worth. At 0.01 thirty symbols are learned without it, and a little better; at
0.03 most starts fail without it, and at 0.1, with a tenth of the updates, all of them.
"""

from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
from shared import at_the_side, generator, picture, run, steps

import nn
from minigrad import Tensor, no_grad, value_and_grad

PUBLISHED = (
    "the wall, and that clipped SGD solves the temporal order problem at lengths where plain SGD does not "
    "(Pascanu et al., On the difficulty of training recurrent neural networks, 2013)"
)
FULL = {"starts": 5, "updates": 5000, "longest": 100}
SCALES, RATES, SYMBOLS = (0.9, 1.1, 1.5), (0.01, 0.03, 0.1), 6


def by_lag(scale, lags, rng):
    """|dh_T / dh_{T-k}| for k = 0, 1, ... in a network with all singular values of W alike, relative to k = 0."""
    rnn = nn.RNN(20, 100)
    nn.init.orthogonal_(rnn.weight_hh_l0, gain=scale)
    return nn.inspect.gradient_by_lag(rnn, rng.normal(0, 0.1, (lags + 1, 16, 20)))


def surface(point):
    """The error of one unit after 50 steps; `point` is (w, b)."""
    x, sigmoid = 0.5, lambda z: 1 / (1 + np.exp(-z))
    for _ in range(50):
        x = point[0] * sigmoid(x) + point[1]
    return (sigmoid(x) - 0.7) ** 2


def descend(threshold, steps=100, rate=1.0):
    """Where gradient descent goes on the surface, and its error in the end."""
    point, path = np.array([6.0, -3.0]), []
    for _ in range(steps):
        path.append(point)
        error, gradient = value_and_grad(surface)(point)
        gradient = np.asarray(gradient)
        point = point - rate * gradient * min(1, threshold / np.linalg.norm(gradient))
    return np.array(path), float(error)


def sequences(length, count, rng):
    """Distractors with A or B in the second tenth and in the fifth, one-hot (T, B, 6); which of the 4 orders it is."""
    symbols, columns = rng.integers(2, SYMBOLS, (length, count)), np.arange(count)
    pair = rng.integers(0, 2, (2, count))
    for which, (low, high) in zip(pair, ((1, 2), (4, 5)), strict=True):
        symbols[rng.integers(length * low // 10, length * high // 10, count), columns] = which
    return np.eye(SYMBOLS, dtype=np.float32)[symbols], 2 * pair[0] + pair[1]


class Model(nn.Module):
    def __init__(self):
        self.rnn, self.out = nn.RNN(SYMBOLS, 50), nn.Linear(50, 4)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)

    def forward(self, x):
        return self.out(self.rnn(Tensor(x))[0][-1])


def solve(model, length, rate, threshold, updates, rng, name):
    """Train until solved, at most so long; the accuracy on new sequences."""
    optimizer, kept = nn.optim.SGD(model.parameters(), lr=rate), {"right": []}
    for _ in steps(updates, model, optimizer, rng, kept, name):
        x, y = sequences(length, 20, rng)
        scores = model(x)
        optimizer.zero_grad()
        nn.functional.cross_entropy(scores, y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), threshold)
        optimizer.step()
        kept["right"] = [*kept["right"][-49:], float((scores.detach().numpy().argmax(-1) == y).mean())]
        if len(kept["right"]) == 50 and np.mean(kept["right"]) > 0.99:
            break
    x, y = sequences(length, 500, rng)
    with no_grad():
        return float((model(x).numpy().argmax(-1) == y).mean())


def main(starts=3, updates=500, longest=30):
    """
    Args:
        updates: at the largest rate; at a smaller one as many more.
    """
    lags = {scale: by_lag(scale, 50, generator()) for scale in SCALES}
    results = {f"gradient 50 steps back, singular values {scale}": float(norms[-1]) for scale, norms in lags.items()}
    ways = {"plain": np.inf, "clipped": 0.1}
    paths = {}
    for name, threshold in ways.items():
        paths[name], results[f"error on the surface after 100 steps, {name}"] = descend(threshold)
    lengths, begun = [longest * part // 5 for part in (2, 3, 5)], [Model() for _ in range(starts)]
    accuracies = {}
    for rate in RATES:
        for name, threshold in (("plain", np.inf), ("clipped", 1.0)):
            for length in lengths:
                key = f"length {length}, rate {rate}, {name}"
                most = round(updates * max(RATES) / rate)
                reached = [
                    solve(deepcopy(model), length, rate, threshold, most, generator(start), f"{key}, {start}")
                    for start, model in enumerate(begun)
                ]
                results[f"share solved, {key}"] = float((np.array(reached) > 0.95).mean())
            accuracies[name, rate] = results[f"accuracy, {key}"] = float(np.mean(reached))
    draw(lags, paths, longest, accuracies)
    return results | {"chance": 1 / 4}


def draw(lags, paths, longest, accuracies):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12.5, 4), layout="constrained")
    for i, (scale, norms) in enumerate(lags.items()):
        left.semilogy(norms, color=f"C{i + 4}", label=f"{scale}")
        left.semilogy(scale ** np.arange(len(norms)), color=f"C{i + 4}", linestyle=":")
    left.set(xlabel="steps back", ylabel="norm of the gradient", title="all singular values of W alike;\ndotted: no tanh")
    left.legend(title="singular values")
    w, b = np.meshgrid(np.linspace(2, 7, 200), np.linspace(-3.5, 1.5, 200))
    errors = middle.contourf(w, b, surface((w, b)), 20, cmap="Greys")
    figure.colorbar(errors, ax=middle, label="error")
    colours = {"plain": "C3", "clipped": "C0"}
    for name, path in paths.items():
        middle.plot(*path.T, ".-", color=colours[name], linewidth=1, label=name)
    middle.set(xlabel="w", ylabel="b", title="the wall in the error surface", xlim=(2, 7), ylim=(-3.5, 1.5))
    middle.legend(loc="upper left")
    for i, (name, colour) in enumerate(colours.items()):
        values = [accuracies[name, rate] for rate in RATES]
        right.bar_label(right.bar(np.arange(3) + 0.4 * i - 0.2, values, 0.4, color=colour, label=name), fmt="%.2f")
    right.set_xticks(range(3), RATES)
    right.set(xlabel="learning rate", ylabel="accuracy", ylim=(0, 1.1), xlim=(-0.5, 2.5))
    at_the_side(right, {"chance": 1 / 4})
    right.set_title(f"temporal order of {longest} symbols")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2)
    picture("exploding_and_clipping", figure)


if __name__ == "__main__":
    run(main)
