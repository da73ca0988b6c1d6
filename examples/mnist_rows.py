"""Digits row by row: an LSTM reads an image from the top to the bottom, wherever in it the digit begins.

    c_t = f c_{t-1} + i g,  h_t = o tanh(c_t),  y = W h_T + b, where the input x_t is the row t of the image

The digits stand anywhere in a strip that is higher than they are. A linear layer has other weights for each row,
so that it must learn each place anew; the LSTM has the same for all. Tried are one direction, both directions,
and one direction that is told where the digit ends, so that it need not keep it through the empty rows
(`lengths`). The picture shows the predicted probabilities, row by row.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, restart, run, steps

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "MNIST pixel by pixel (here row by row): 3 % errors of an identity RNN (Le, Jaitly and Hinton, 2015)"


class Rows(nn.Module):
    def __init__(self, columns, hidden, both):
        self.lstm = nn.LSTM(columns, hidden, bidirectional=both, batch_first=True)
        self.out = nn.Linear((1 + both) * hidden, 10)

    def forward(self, x, lengths):
        _, (h, _) = self.lstm(x, lengths=lengths)
        return self.out(np.concatenate(list(h), axis=1))

    def row_by_row(self, x):
        """Probabilities of the classes after each row, (N, T, 10); of one direction."""
        with no_grad():
            return nn.functional.softmax(self.out(self.lstm(Tensor(x))[0]), axis=-1).numpy()


class Linear(nn.Module):
    def __init__(self, pixels):
        self.out = nn.Linear(pixels, 10)

    def forward(self, x, lengths):
        return self.out(x.reshape(len(x), -1))


def strips(images, room, rng):
    """Digits that begin at any of `room` + 1 rows, (N, rows + room, columns), and the row after each one's last."""
    count, rows, columns = images.shape
    first = rng.integers(0, room + 1, count)
    out = 0.1 * rng.random((count, rows + room, columns)).astype(np.float32)
    out[np.arange(count)[:, None], first[:, None] + np.arange(rows)] += 0.9 * images
    return out, first + rows


def trained(model, x, ends, y, epochs, name):
    rng, batches = generator(1), len(y) // 32
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    kept = {"order": rng.permutation(len(y))}
    for step in steps(epochs * batches, model, optimizer, rng, kept, name=name):
        if step % batches == 0:
            kept["order"] = rng.permutation(len(y))
        some = kept["order"][step % batches * 32 :][:32]
        scores = model(Tensor(x[some]), None if ends is None else ends[some])
        loss = nn.functional.cross_entropy(scores, y[some])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


def drawn(x, chances, y):
    figure, axes = plt.subplots(2, len(x), figsize=(11.5, 4.2), height_ratios=[1, 3], layout="constrained")
    for (upper, lower), image, chance, label in zip(axes.T, x, chances, y, strict=True):
        upper.imshow(image.T, cmap="gray_r", aspect="auto")
        upper.set(title=f"a {label}", xticks=[], yticks=[])
        lower.imshow(chance.T, cmap="Greens", vmin=0, vmax=1, aspect="auto")
        lower.set(xlabel="rows read", yticks=range(10))
    axes[0, 0].set(ylabel="columns")
    axes[1, 0].set(ylabel="probability of each digit")
    figure.suptitle("Strips, lying on their side, and predicted probabilities after each row")
    picture("mnist_rows", figure)


def main(room=12, epochs=10, hidden=48, data=None):
    train, test = digits(data)
    (x, ends), (held, held_ends) = strips(train[0], room, generator(2)), strips(test[0], room, generator(3))
    columns, results = x.shape[2], {}
    for name, make, told in (
        ("one direction", lambda: Rows(columns, hidden, both=False), False),
        ("both directions", lambda: Rows(columns, hidden, both=True), False),
        ("given the lengths", lambda: Rows(columns, hidden, both=False), True),
        ("baseline: linear layer", lambda: Linear(held[0].size), False),
    ):
        restart()
        model = make()
        trained(model, x, ends if told else None, train[1], epochs, name)
        with no_grad():
            scores = model(Tensor(held), held_ends if told else None).numpy()
        results[f"{name}, test accuracy"] = nn.metrics.accuracy(scores, test[1])
        if name == "one direction":
            drawn(held[:6], model.row_by_row(held[:6]), test[1][:6])
    return results | {"chance": float(np.bincount(test[1]).max() / len(test[1]))}


if __name__ == "__main__":
    run(main)
