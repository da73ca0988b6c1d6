"""From the plain cell to LSTM, GRU and their kin: eight recurrent cells, from their formulas, on one task.

In the code s is sigmoid, and W(x, h) is W [x, h] + b. The task: of a stream of symbols, each drawn by the two
before it, the next one is foretold (nats), and 40 steps later the first one is named (accuracy). All learn
alike, and in all that have a gate for keeping, its bias begins at 3. What the plain cell lacks shows before any
training: the gradient 50 steps back. Without gates a memory keeps it, but what is written cannot be chosen.
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


def prototype(p, t, x, h):  # the slide's first LSTM: no memory beside the state
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
    c = s(p.V(h_low, c, c_low)) * c_low + s(f) * c + s(i) * np.tanh(g)
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
    "depth-gated": (depth_gated, 4, {"W": (1, 1, 4), "W_up": (0, 2, 4), "V": (0, 3, 1)}),
}
IN_NN = {"tanh": nn.RNN, "GRU": partial(nn.GRU, reset_after=False), "LSTM": nn.LSTM}


def from_nn(name, xs):
    """The largest difference from the layer of nn with the same weights."""
    n = xs.shape[-1]
    ours, layer = Recurrent(*CELLS[name], inputs=n, hidden=8), IN_NN[name](n, 8)
    rows = np.concatenate([np.c_[m.weight.data, m.bias.data] for m in ours.children()])
    layer.weight_ih_l0.data[:], layer.weight_hh_l0.data[:] = rows[:, :n], rows[:, n:-1]
    layer.bias_ih_l0.data[:], layer.bias_hh_l0.data[:] = rows[:, -1], 0
    with no_grad():
        return float(np.abs(layer(Tensor(xs))[0].numpy() - ours(xs).numpy()).max())


def gradients(cell, xs):
    """Norms of the gradient of the last state with respect to the inputs, by steps back."""
    x = Tensor(xs, requires_grad=True)
    (cell(x)[-1] * generator(1).choice([-1.0, 1.0], cell.hidden).astype(np.float32)).sum().backward()
    norms = np.linalg.norm(x.grad.numpy(), axis=(1, 2))[::-1]
    return norms / norms[0]


def drawn(found, results):
    """The gradients before training, and what was learned; a cell has one colour throughout."""
    figure = plt.figure(figsize=(11.5, 8))
    upper, lower = figure.add_gridspec(2, 1, hspace=0.35)
    lag, bars = figure.add_subplot(upper), lower.subgridspec(1, 3).subplots(sharey=True)
    colours = plt.get_cmap("tab10").colors[: len(found)]
    for colour, (name, (lags, *_)) in zip(colours, found.items(), strict=True):
        lag.semilogy(lags, {"clockwork": ".", "peephole": "--"}.get(name, "-"), color=colour, label=name)
    lag.set(ylim=(1e-14, 100), xlabel="steps back", title="norm of the gradient before training")
    lag.legend(bbox_to_anchor=(1.01, 1), loc="upper left")
    titles = "parameters", "nats of the next symbol", "accuracy of the first, at the end"
    for axis, title, k in zip(bars, titles, (1, 2, 3), strict=True):
        axis.barh(list(found), [values[k] for values in found.values()], color=colours)
        axis.set_title(title)
    for name, value in results.items():
        if name.startswith(("chance", "baseline")):
            bars[2 if "chance" in name else 1].axvline(value, color="black", ls=":")
    bars[0].invert_yaxis()
    bars[1].set_xlabel("dotted: by counts of 2, 1, 0 before; chance at the right")
    picture("cells_side_by_side", figure)


def main(updates=300, length=40, hidden=24, bias=3.0):
    found, results = {}, baselines(length)
    xs, _ = streams(16, 64, generator())
    for name, cell in CELLS.items():
        restart()
        model = Recurrent(*cell, inputs=SYMBOLS + 1, hidden=hidden, bias=bias)
        silent = 6 * (hidden // 4) ** 2 + hidden if name == "clockwork" else 0  # what no block reads
        lags, size = gradients(model, xs), sum(p.size for p in model.parameters()) - silent
        found[name] = lags, size, *learned(model, hidden, updates, length)
        for key, k in (("parameters", 1), ("nats", 2), (f"accuracy at lag {length}", 3)):
            results[f"{name}: {key}"] = found[name][k]
        results[f"{name}: gradient at lag 50"] = float(lags[50])
    drawn(found, results)
    return results | {"largest difference from nn": max(from_nn(name, xs) for name in IN_NN)}


if __name__ == "__main__":
    run(main)
