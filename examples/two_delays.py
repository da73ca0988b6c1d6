"""Answers that depend on the bits 3 and 8 steps back: with enough units truncated backpropagation learns beyond its chunk.

Bits x_t are drawn at random. y_t is 1 with probability 1/2, plus 1/2 where x_{t-3} = 1, less 1/4 where
x_{t-8} = 1. The network is the plain one, h_t = tanh(W_x x_t + W_h h_{t-1} + b), and its answer is
sigmoid(W_y h_t + b_y). The hidden state (what it remembers) is carried on from one chunk of the bits to the
next, but the gradient goes back only to the beginning of a chunk. Who sees neither dependency reaches a
cross-entropy of

    H(5/8) = 0.66;  with the first one (H(7/8) + H(3/8)) / 2 = 0.52;
    with both (H(1) + H(3/4) + H(1/2) + H(1/4)) / 4 = 0.45.

In chunks of 5 steps no gradient goes 8 steps back, in chunks of 10 it does; but four units are few to keep
eight bits, and neither chunk learns the second dependency with them. Truncation stops the gradient, not the state:
sixteen units still hold the old bit, though no gradient asked them to, and the output finds it. So chunks of 5 learn
both; those of 10 come a little nearer to the floor. The tables are counted on the test itself: they are floors.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import at_the_side, generator, picture, restart, run, steps

import nn
from minigrad import Tensor, no_grad
from nn.functional import binary_cross_entropy_with_logits

PUBLISHED = (
    "0.66, 0.52, 0.45 for neither, one, both dependencies; chunks of 5 with 4 units learn one, chunks of 10 with 16 "
    "units both (R2RT, 2016)"
)
FULL = {"bits": 1_000_000, "epochs": 10}
FIRST, SECOND = 3, 8
TEST = 40_000  # bits


def columns(bits, batch, rng):
    """Bits and their answers, cut into columns that go on where the column before ends: (T, batch)."""
    x = rng.integers(0, 2, bits + SECOND)
    chance = 0.5 + 0.5 * x[SECOND - FIRST : -FIRST] - 0.25 * x[:-SECOND]
    y = rng.random(bits) < chance
    cut = lambda v: v[: bits // batch * batch].reshape(batch, -1).T.astype(np.float32)  # noqa: E731
    return cut(x[SECOND:]), cut(y)


class Model(nn.Module):
    def __init__(self, units):
        self.rnn, self.out = nn.RNN(1, units), nn.Linear(units, 1)

    def forward(self, x, state=None):  # (T, B)
        h, state = self.rnn(Tensor(x[..., None]), state)
        return self.out(h)[..., 0], state


def train(model, x, y, chunk, epochs, test, name):
    """Truncated backpropagation through time; the test's cross-entropy now and then."""
    optimizer = nn.optim.Adagrad(model.parameters(), lr=0.1)
    chunks = len(x) // chunk
    kept = {"state": None, "curve": []}
    for step in steps(epochs * chunks, model, optimizer, kept=kept, name=name):
        t = step % chunks * chunk
        state = None if t == 0 else kept["state"].detach()  # it goes on, its gradient does not
        logits, kept["state"] = model(x[t : t + chunk], state)
        loss = binary_cross_entropy_with_logits(logits, Tensor(y[t : t + chunk]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % chunks == 0:
            kept["curve"].append([(step + 1) / chunks, cross_entropy(model, *test)])
    return np.array(kept["curve"])


def cross_entropy(model, x, y):
    with no_grad():
        return binary_cross_entropy_with_logits(model(x)[0], Tensor(y)).item()


def influence(model, x, lags):
    """How far the probability moves, on average, where the bit so many steps back is turned over."""
    moved = []
    with no_grad():
        for lag in range(lags):
            other = x.copy()
            other[-1 - lag] = 1 - other[-1 - lag]
            before, after = (1 / (1 + np.exp(-model(v)[0].numpy()[-1])) for v in (x, other))
            moved.append(np.abs(after - before).mean())
    return moved


def by_table(x, y, lags):
    """The cross-entropy of the best answer for who sees the bits so many steps back: their frequencies."""
    seen = [x[SECOND - lag : len(x) - lag] for lag in lags]
    key = sum((bit * 2**i for i, bit in enumerate(seen)), np.zeros_like(y[SECOND:])).astype(int)
    p = np.array([y[SECOND:][key == k].mean() for k in range(2 ** len(lags))])[key]
    y = y[SECOND:]
    return float(-np.log(np.where(y == 1, p, 1 - p)).mean())


def main(bits=200_000, epochs=20, batch=200):
    if batch > (most := min(bits, TEST) // 40):
        raise ValueError(f"{batch} columns are too short for {bits} bits: --batch can be {most} at most")
    rng = generator()
    x, y = columns(bits, batch, rng)
    test = columns(TEST, batch, rng)
    results, curves, effects = {}, {}, {}
    for chunk, units in ((5, 4), (10, 4), (5, 16), (10, 16)):
        restart()
        name = f"chunks of {chunk}, {units} units"
        model = Model(units)
        curves[name] = train(model, x, y, chunk, epochs, test, f"{chunk}-{units}")
        effects[name] = influence(model, test[0][-40:], 12)
        results[f"cross-entropy, {name}"] = curves[name][-1, 1]
    floors = {
        "sees neither bit": by_table(*test, ()),
        "sees the bit 3 back": by_table(*test, (FIRST,)),
        "sees both bits": by_table(*test, (FIRST, SECOND)),
    }
    draw(curves, effects, floors)
    return results | {f"baseline: table that {name}": value for name, value in floors.items()}


def draw(curves, effects, floors):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", width_ratios=(1.15, 1.3))
    for i, (name, curve) in enumerate(curves.items()):
        colour = ("lightskyblue", "navajowhite", "tab:blue", "tab:orange")[i]
        left.plot(*curve.T, color=colour, linewidth=2, label=name)
        right.bar(np.arange(12) + 0.2 * i - 0.3, effects[name], 0.2, color=colour)
    neither, *others = floors.items()
    left.set_title("what is learned ({}: {:.2f}, far above)".format(*neither), size=11)
    left.set(xlabel="times through the bits", ylabel="cross-entropy on new bits", ylim=(0.45, 0.54))
    at_the_side(left, {name.replace(" ", "\n", 1) + f": {value:.2f}": value for name, value in others})
    right.set(xlabel="steps back", ylabel="change of the probability")
    right.set_title("what turning over one bit does", size=11)
    right.set_xticks(range(12))
    figure.legend(loc="outside lower center", ncols=4)
    picture("two_delays", figure)


if __name__ == "__main__":
    run(main)
