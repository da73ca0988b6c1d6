"""Digits row by row: an LSTM, one in both directions, and digits of different heights."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "about 1 to 2 % errors on MNIST read in 28 rows (Le, Jaitly and Hinton, 2015, read it pixel by pixel: 3 %)"


def load(data):
    """(N, rows, columns) between 0 and 1."""
    if data is None:
        x, y = load_digits().images / 16, load_digits().target
    else:
        x, y = nn.data.read_mnist(data, train=False)
        x = x.reshape(-1, 28, 28) / 255
    order = np.random.default_rng(0).permutation(len(y))
    return x[order].astype(np.float32), y[order]


class Rows(nn.Module):
    def __init__(self, columns, both, hidden=64):
        self.lstm, self.out = nn.LSTM(columns, hidden, bidirectional=both, batch_first=True), nn.Linear((1 + both) * hidden, 10)

    def forward(self, x, lengths=None):
        _, (h, _) = self.lstm(x, lengths=lengths)
        return self.out(np.concatenate(list(h), axis=1))


def main(epochs=15, data=None):
    x, y = load(data)
    cut = int(0.8 * len(y))
    heights = np.random.default_rng(1).integers(3 * x.shape[1] // 4, x.shape[1] + 1, len(y))  # the last rows are not there
    shorter = np.where(np.arange(x.shape[1])[None, :, None] < heights[:, None, None], x, 0)
    results = {}
    for name, both, given, lengths in (
        ("LSTM", False, x, None), ("both directions", True, x, None), ("different heights", True, shorter, heights),
    ):  # fmt: skip
        model, rng = Rows(x.shape[2], both), np.random.default_rng(0)
        optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(epochs):
            for rows in np.array_split(rng.permutation(cut), cut // 32):
                loss = nn.functional.cross_entropy(
                    model(Tensor(given[rows]), None if lengths is None else lengths[rows]), y[rows]
                )
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with no_grad():
            scores = model(Tensor(given[cut:]), None if lengths is None else lengths[cut:]).numpy()
        results[f"test accuracy, {name}"] = nn.metrics.accuracy(scores, y[cut:])
        print(name, results[f"test accuracy, {name}"])
    picture("mnist_rows", nn.inspect.image_grid(np.concatenate([x[:8], shorter[:8]]), columns=8))
    return results


FULL = {"epochs": 30}

if __name__ == "__main__":
    run(main)
