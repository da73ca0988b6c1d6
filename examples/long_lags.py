"""Long lags: remember the first symbol until the end. An LSTM can, a plain network cannot, and the gradients show why."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import minigrad
import nn
from minigrad import Tensor, no_grad

PUBLISHED = "plain networks fail from about 10 steps on, LSTMs solve lags of 1000 (Hochreiter and Schmidhuber, 1997)"
SYMBOLS, HIDDEN = 4, 24


def batch(count, length, rng):
    symbols = rng.integers(0, SYMBOLS, (length, count))
    return Tensor(np.eye(SYMBOLS, dtype=np.float32)[symbols]), symbols[0]


def layer_of(kind):
    layer = getattr(nn, kind)(SYMBOLS, HIDDEN)
    if kind == "LSTM":
        layer.bias_ih_l0.data[HIDDEN : 2 * HIDDEN] = 3.0  # remember, unless told otherwise
    return layer


def learned(kind, length, steps):
    """The accuracy after training."""
    minigrad.random.manual_seed(0)
    rng, layer, out = np.random.default_rng(0), layer_of(kind), nn.Linear(HIDDEN, SYMBOLS)
    parameters = [*layer.parameters(), *out.parameters()]
    optimizer = nn.optim.Adam(parameters, lr=5e-3)
    for _ in range(steps):
        x, y = batch(64, length, rng)
        loss = nn.functional.cross_entropy(out(layer(x)[0][-1]), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
    x, y = batch(500, length, rng)
    with no_grad():
        return nn.metrics.accuracy(out(layer(x)[0][-1]).numpy(), y)


def main(steps=500, lags=40):
    lengths = [n for n in (5, 10, 20, 40) if n <= lags]
    scores = {kind: [learned(kind, n, steps) for n in lengths] for kind in ("RNN", "LSTM")}
    x, _ = batch(16, 100, np.random.default_rng(0))
    norms = {kind: nn.inspect.gradient_by_lag(layer_of(kind), x) for kind in ("RNN", "GRU", "LSTM")}
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for kind, found in scores.items():
        axes[0].plot(lengths, found, "o-", label=kind)
    axes[0].set(xlabel="length", ylabel="accuracy", title="remember the first symbol")
    for kind, values in norms.items():
        axes[1].semilogy(values, label=kind)
    axes[1].set(xlabel="steps back", title="norm of the gradient")
    axes[1].legend()
    picture("long_lags", figure)
    results = {
        f"{kind}: accuracy at {n} steps": s
        for kind, found in scores.items()
        for n, s in zip(lengths[-2:], found[-2:], strict=True)
    }
    return results | {f"{kind}: gradient 50 steps back": f"{values[50]:.0e}" for kind, values in norms.items()}


if __name__ == "__main__":
    run(main)
