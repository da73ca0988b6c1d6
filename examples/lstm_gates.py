"""The gates of an LSTM: write, keep, reset, show, set by hand; and those that a trained cell chose.

    i = sigmoid(W_i [x, h] + b_i)    the input gate: is the candidate written?
    f = sigmoid(W_f [x, h] + b_f)    the forget gate: is the memory kept?
    o = sigmoid(W_o [x, h] + b_o)    the output gate: is the memory shown?
    g = tanh(W_g [x, h] + b_g)       the candidate
    c = f c + i g                    the memory (cell state)
    h = o tanh(c)                    the hidden state

First one unit by hand: three switches open its gates. Then the adding problem: two values of a sequence are
marked, and their sum is asked for at the end. After training the input gate opens where a value is marked, and
the memory stays elsewhere (in the unit that moves the answer most). The step that shows the memory is also a page
to click through, out/lstm_gates.html: the gradient of c before the step is f times that of c after it.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, generator, picture, restart, run, steps
from shared.recurrent_pictures import heat_rows, lstm_step

import nn
from minigrad import Tensor, no_grad, viz
from minigrad import expit as sigmoid

PUBLISHED = "at 100 steps 1 of 2,560 sums is off by 4 % of their range (Hochreiter and Schmidhuber, 1997)"
FULL = {"length": 100}
NAMES = ["input gate i", "forget gate f", "output gate o", "candidate g", "memory c", "hidden state h"]
#: The switches (write, keep, show) of what is done, and the steps: what is done, and the value that comes in.
SWITCHES = {"write": (1, 0, 0), "keep": (0, 1, 0), "show": (0, 1, 1), "reset": (0, 0, 0)}
STEPS = ["write", "keep", "show", "keep", "keep", "reset", "show", "write", "keep", "show", "keep", "show"]
VALUES = [1.1, -0.6, 0.9, 0.4, -1.2, 0.7, -0.9, -1.4, 1.0, 0.5, 0.8, -0.3]


def gates(x, h, c, w_ih, w_hh, b):
    """One step by the formulas; the rows of the weights are in the order of `nn`: i, f, g, o."""
    i, f, g, o = np.split(x @ w_ih.T + h @ w_hh.T + b, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    return {"i": i, "f": f, "o": o, "g": g, "c": c, "h": o * np.tanh(c)}


def by_hand():
    """Weights of one unit: a switch saturates its gate, the value is the candidate, h has no influence."""
    w_ih = [[0, 20, 0, 0], [0, 0, 20, 0], [1, 0, 0, 0], [0, 0, 0, 20]]  # from value, write, keep, show
    return [Tensor(np.array(w, np.float32)) for w in (w_ih, np.zeros((4, 1)), [-10, -10, 0, -10])]


def unrolled(weights, xs):
    """All that the formulas name over the steps of (T, B, inputs): {name: (T, B, H)}."""
    w_ih, w_hh, *biases = weights
    found, h = [], np.zeros((xs.shape[1], w_hh.shape[1]), np.float32)
    c = h
    with no_grad():
        for x in xs:
            found.append(gates(x, h, c, w_ih, w_hh, sum(biases)))
            h, c = found[-1]["h"], found[-1]["c"]
    return {name: np.stack([np.asarray(step[name]) for step in found]) for name in "ifogch"}


def adding(length, count, rng):
    """Values between 0 and 1, one marked in each half; (T, B, 2), and the sums of the marked ones."""
    x = np.stack([rng.random((length, count)), np.zeros((length, count))], axis=-1).astype(np.float32)
    for low, high in ((0, length // 2), (length // 2, length)):
        x[rng.integers(low, high, count), np.arange(count), 1] = 1
    return x, x.prod(axis=-1).sum(axis=0)


def trained(model, length, updates):
    """Learn the adding problem; the forget gates begin at 0.7, by a bias of 1."""
    rng, hidden = generator(), model[0].hidden_size
    model[0].bias_ih_l0.data[hidden : 2 * hidden] = 1.0
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    for _ in steps(updates, model, optimizer, rng):
        x, total = adding(length, 64, rng)
        loss = nn.functional.mse_loss(model[1](model[0](Tensor(x))[0][-1])[:, 0], total)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def drawn(hand, x, learned):
    """The five settings of the gates, the unit by hand over time, and the trained unit over time."""
    figure = plt.figure(figsize=(11.5, 11))
    panels = figure.add_gridspec(1, 5, left=-0.03, right=0.91, bottom=0.71, top=0.88).subplots()
    settings = {"write": "write", "keep": "keep", "reset": "reset", "output off": "keep", "output on": "show"}
    for axis, (name, done) in zip(panels, settings.items(), strict=True):
        lstm_step(axis, name, SWITCHES[done], before=-0.6, g=0.8)
    middle, bottom = figure.add_gridspec(2, 1, top=0.65, hspace=0.22).subplots()
    by_name = [[(name, found[name[-1]], "gate" in name) for name in NAMES] for found in (hand, learned)]
    heat_rows(middle, [("value in", VALUES, False), *by_name[0]], "One unit, weights set by hand", numbers=True)
    middle.set_xticks(range(len(STEPS)), STEPS)
    given = [("value in", x[:, 0], False), ("marked", x[:, 1], True)]
    heat_rows(bottom, given + by_name[1], "A unit that has learned to add the two marked values")
    bottom.set(xlabel="step")
    picture("lstm_gates", figure)


def page(weights):
    """The step that shows the memory, as a page in out/; returns dh / dc for the memory before it."""
    x, h, c = (Tensor([row], requires_grad=True) for row in ([0.9, *SWITCHES["show"]], [0.0], [-0.6]))
    with viz.capture():
        step = gates(x, h, c, *weights)
    names = step | {"x": x, "h before": h, "c before": c, **dict(zip("WUb", weights, strict=True))}
    viz.explore(step["h"], OUT / "lstm_gates.html", names=names, title="One step of an LSTM")
    step["h"].backward()
    return c.grad.item()


def main(length=40, updates=4000, hidden=4):
    story = np.array([[(v, *SWITCHES[done])] for v, done in zip(VALUES, STEPS, strict=True)], np.float32)
    hand = {name: values[:, 0, 0] for name, values in unrolled(by_hand(), story).items()}
    restart()
    model = nn.Sequential(nn.LSTM(2, hidden), nn.Linear(hidden, 1))
    x, total = adding(length, 2560, generator(1))
    untrained = unrolled(model[0].parameters(), x)
    trained(model, length, updates)
    learned, out = unrolled(model[0].parameters(), x), model[1].weight.data[0]
    unit = np.argmax(np.abs(out) * learned["h"][-1].std(axis=0))
    drawn(hand, x[:, 0], {name: values[:, 0, unit] for name, values in learned.items()})
    off = np.abs(learned["h"][-1] @ out + model[1].bias.data - total)
    second, marked = x[length // 2 :].prod(axis=-1).sum(axis=0), x[..., 1] == 1
    contrast = lambda f: float(f["i"][marked, unit].mean() - f["i"][~marked, unit].mean())  # noqa: E731
    difference = np.abs(model[0](Tensor(x))[0].detach().numpy() - learned["h"]).max()
    return {
        **{f"by hand, memory after {STEPS[t]}": float(hand["c"][t]) for t in (0, 4, 5)},
        "by hand: dh / dc, output on": page(by_hand()), "largest difference from nn.LSTM": float(difference),
        "mean squared error": float(np.mean(off**2)), "sums off by 4 %": float(np.mean(off > 0.08)),
        "baseline: error of the answer 1": float(np.mean((1 - total) ** 2)),
        "baseline: error of 0.5 + second value": float(np.mean((0.5 + second - total) ** 2)),
        "baseline: sums off by 4 %, the answer 1": float(np.mean(np.abs(1 - total) > 0.08)),
        "input gate, marked": float(learned["i"][..., unit][marked].mean()),
        "input gate, marked minus elsewhere": contrast(learned),
        "baseline: input gate, marked minus elsewhere, untrained": contrast(untrained),
        "forget gate, elsewhere": float(learned["f"][..., unit][~marked].mean()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
