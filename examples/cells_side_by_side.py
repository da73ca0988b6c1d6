"""From the plain cell to LSTM, GRU and their kin: eight recurrent cells, from their formulas, on one task.

In the code s is sigmoid, and W(x, h) is W [x, h] + b. The task: of a stream of symbols, each drawn by the two
before it, the next one is predicted (nats), and 40 steps later the first one is named (accuracy). All learn
alike; where a gate keeps, its bias begins at 3. The plain cell learns the next symbol better than an LSTM, but not
the first one: its gradient is gone 50 steps back. (Not in five seeds; as large as an LSTM in one, the LSTM in four.)
Of the clockwork cell only each eighth step goes far back (the dots): taken is the largest of one period, 43 to 50.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from shared.recurrent_cells import SYMBOLS, Recurrent, baselines, learned, streams

import nn
from minigrad import Tensor, no_grad
from nn.functional import sigmoid as s

PUBLISHED = "no cell was found that beats LSTM and GRU on all of three tasks (Jozefowicz et al., 2015)"
PERIODS = (1, 2, 4, 8)


def tanh(p, t, x, h):  # Elman, 1990
    return (np.tanh(p.W(x, h)),)


def summing(p, t, x, h, c):  # a memory without gates
    c = c + np.tanh(p.W(x, h))
    return np.tanh(c), c


def clockwork(p, t, x, h):  # Koutnik et al., 2014: a block runs where its period divides t, on slower ones
    block = np.arange(h.shape[-1]) * len(PERIODS) // h.shape[-1]
    new = np.tanh(p.W(x) + h @ (p.V.weight * (block <= block[:, None])))
    return (np.where(t % np.array(PERIODS)[block] == 0, new, h),)


def prototype(p, t, x, h):  # gates, but no memory beside the state
    i, f, o = np.split(s(p.W(x, h)), 3, axis=-1)
    return (f * h + i * np.tanh(p.V(x, o * h)),)


def gru(p, t, x, h):  # Cho et al., 2014: the reset gate inside of the product
    r, z = np.split(s(p.W(x, h)), 2, axis=-1)
    return (z * h + (1 - z) * np.tanh(p.V(x, r * h)),)


def lstm(p, t, x, h, c):  # Hochreiter and Schmidhuber, 1997; Gers et al., 2000
    i, f, g, o = np.split(p.W(x, h), 4, axis=-1)
    c = s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c


def peephole(p, t, x, h, c):  # Gers and Schmidhuber, 2000: the gates see the memory
    i, f, g, o = np.split(p.W(x, h), 4, axis=-1)
    new = s(f + p.peep[0] * c) * c + s(i + p.peep[1] * c) * np.tanh(g)
    return s(o + p.peep[2] * new) * np.tanh(new), new


def depth_gated(p, t, x, h, c, h_low, c_low):  # Yao et al., 2015: the upper memory takes from the lower one
    h_low, c_low = lstm(p, t, x, h_low, c_low)
    i, f, g, o = np.split(p.W_up(h_low, h), 4, axis=-1)
    c = s(p.V(h_low) + p.peep[0] * c + p.peep[1] * c_low) * c_low + s(f) * c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c, h_low, c_low


#: The step, how many states, and the matrices: how many inputs and states each reads, and gates it gives.
CELLS = {
    "tanh": (tanh, 1, {"W": (1, 1, 1)}),
    "summing": (summing, 2, {"W": (1, 1, 1)}),
    "clockwork": (clockwork, 1, {"W": (1, 0, 1), "V": (0, 1, 1)}),
    "prototype": (prototype, 1, {"W": (1, 1, 3), "V": (1, 1, 1)}),
    "GRU": (gru, 1, {"W": (1, 1, 2), "V": (1, 1, 1)}),
    "LSTM": (lstm, 2, {"W": (1, 1, 4)}),
    "peephole": (peephole, 2, {"W": (1, 1, 4)}, 3),
    "depth-gated": (depth_gated, 4, {"W": (1, 1, 4), "W_up": (0, 2, 4), "V": (0, 1, 1)}, 2),
    "tanh, as large": (tanh, 1, {"W": (1, 1, 1)}),  # as the LSTM
}
IN_NN = {"tanh": nn.RNN, "GRU": partial(nn.GRU, reset_after=False), "LSTM": nn.LSTM}


def from_nn(name, xs):
    """The largest difference from the layer of nn with the same weights."""
    ours, layer = Recurrent(*CELLS[name], inputs=(n := xs.shape[-1]), hidden=8), IN_NN[name](n, 8)
    rows = np.concatenate([np.c_[m.weight.data, m.bias.data] for m in ours.children()])
    layer.weight_ih_l0.data[:], layer.weight_hh_l0.data[:] = rows[:, :n], rows[:, n:-1]
    layer.bias_ih_l0.data[:], layer.bias_hh_l0.data[:] = rows[:, -1], 0
    with no_grad():
        return float(np.abs(layer(Tensor(xs))[0].numpy() - ours(xs).numpy()).max())


def gradients(cell, xs):
    """Norms of the gradient of the last state with respect to the inputs, by steps back."""
    x, signs = Tensor(xs, requires_grad=True), generator(1).choice([-1.0, 1.0], cell.hidden)
    (cell(x)[-1] * signs.astype(np.float32)).sum().backward()
    return (norms := np.linalg.norm(x.grad.numpy(), axis=(1, 2))[::-1]) / norms[0]


def drawn(found, results):
    """The gradients before training, and what was learned; a cell has one colour throughout."""
    upper, lower = (figure := plt.figure(figsize=(11.5, 8))).add_gridspec(2, 1, hspace=0.35)
    lag, bars = figure.add_subplot(upper), lower.subgridspec(1, 3).subplots(sharey=True)
    colours = plt.get_cmap("tab10").colors[: len(found)]
    for colour, (name, (lags, *_)) in zip(colours, found.items(), strict=True):
        if name != "peephole":  # it begins as an LSTM
            lag.semilogy(lags, "." if name == "clockwork" else "-", color=colour, label=name)
    lag.set(ylim=(1e-14, 100), xlabel="steps back", title="norm of the gradient before training")
    lag.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    titles = ("parameters", 1), ("nats of the next symbol", 2), ("accuracy of the first, at the end", 3)
    for axis, (title, k) in zip(bars, titles, strict=True):
        axis.set_title(title)
        axis.barh(list(found), [values[k] for values in found.values()], color=colours)
    for name in filter(lambda n: n.startswith(("chance", "baseline")), results):
        bars[2 if "chance" in name else 1].axvline(results[name], color="black", ls=":")
    bars[0].invert_yaxis()
    bars[1].set_xlabel("dotted: the source itself; counts of 2, 1 in a row")
    picture("cells_side_by_side", figure)


def main(updates=400, length=40, hidden=24, bias=3.0):
    found, results, (xs, _) = {}, baselines(length), streams(16, 64, generator())
    for name, cell in CELLS.items():
        restart()
        n = hidden if name != "tanh, as large" else round((4 * hidden * (hidden + 6) + 9) ** 0.5 - 3)
        model = Recurrent(*cell, inputs=SYMBOLS + 1, hidden=n, bias=bias)
        silent = 6 * (hidden // 4) ** 2 + hidden if name == "clockwork" else 0  # what no block reads
        lags, size = gradients(model, xs), sum(p.size for p in model.parameters()) - silent
        found[name] = lags, size, *learned(model, n, updates, length)
        for key, k in (("parameters", 1), ("nats", 2), (f"accuracy at lag {length}", 3)):
            results[f"{name}: {key}"] = found[name][k]
        if name != "peephole":  # before training its peepholes are 0: it is an LSTM
            results[f"{name}: gradient at lag 43 to 50"] = float(lags[43:51].max())
    drawn(found, results)
    return results | {"largest difference from nn": max(from_nn(name, xs) for name in IN_NN)}


if __name__ == "__main__":
    run(main)
