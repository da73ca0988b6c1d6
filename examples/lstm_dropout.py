"""Dropout in an LSTM: none, at its inputs and outputs, and of its states with one mask for all steps.

The slide's two places, in the formulas of the gates (i, o, f and the candidate alike):

    i_t = sigmoid(W_i (m_h * h_{t-1}) + U_i (m_x * x_t) + b_i)

Input dropout (Zaremba et al.) draws m_x, and the mask of the output, anew at each step, and leaves h alone:
drawn anew it would wear the memory away. Recurrent dropout (Gal and Ghahramani) drops h as well, with the
same m_h at all steps of a sequence: `nn.LSTM(recurrent_dropout=)`. The model is one of characters; its
training text is small, so that it is soon known by heart, and the perplexity of new text, which is exp of the
mean cross-entropy, falls and rises again.
"""

import matplotlib.pyplot as plt
import numpy as np
from full_or_truncated import by_table, load
from shared import picture, restart, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows

PUBLISHED = (
    "of words, on Penn Treebank, test perplexity of a large LSTM: 114.5 without dropout, 78.4 with that of inputs "
    "and outputs (Zaremba et al., 2014); 75.2 with recurrent dropout too (Gal and Ghahramani, 2016)"
)
#: Probabilities: of inputs and outputs, and of states.
WAYS = {
    "no dropout": (0.0, 0.0),
    "input dropout": (0.3, 0.0),
    "recurrent dropout": (0.0, 0.3),
    "both": (0.3, 0.3),
}


class Model(nn.Module):
    def __init__(self, characters, size, inputs, states):
        self.embed, self.lstm = nn.Embedding(characters, size), nn.LSTM(size, size, recurrent_dropout=states)
        self.drop, self.out = nn.Dropout(inputs), nn.Linear(size, characters)

    def loss(self, x, y, state=None):
        h, state = self.lstm(self.drop(self.embed(x)), state)
        return nn.functional.cross_entropy(self.out(self.drop(h)).reshape(y.size, -1), y.reshape(-1)), state


def perplexity(model, columns):
    model.eval()
    with no_grad():
        found = np.exp(model.loss(columns[:-1], columns[1:])[0].item())
    model.train()
    return float(found)


def train(model, learned, held, rows, updates, name):
    """Truncated backpropagation, the state carried on; perplexities of training and test after each pass."""
    windows = list(bptt_windows(learned, rows))
    optimizer, kept = nn.optim.Adam(model.parameters(), lr=4e-3), {"state": None, "curve": []}
    for step in steps(updates, model, optimizer, kept=kept, name=name):
        place = step % len(windows)
        state = tuple(s.detach() for s in kept["state"]) if place else None
        loss, kept["state"] = model.loss(*windows[place], state)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        if place == len(windows) - 1:
            kept["curve"].append([step + 1, perplexity(model, learned), perplexity(model, held)])
    return np.array(kept["curve"])


def main(size=100, updates=800, characters=12_000, rows=25, data=None):
    text = load(data)[: characters + characters // 3]
    vocabulary = Vocabulary.of_characters(text)
    learned, held = np.split(np.array(vocabulary.encode(text)), [characters])
    curves, results = {}, {}
    for name, (inputs, states) in WAYS.items():
        restart()
        model = Model(len(vocabulary), size, inputs, states)
        curves[name] = train(model, batchify(learned, 16), batchify(held, 16), rows, updates, name)
        results[f"test perplexity, {name}"] = curves[name][-1, 2]
        results[f"training perplexity, {name}"] = curves[name][-1, 1]
    tables = {
        f"{name}, perplexity": float(np.exp(nats))
        for name, nats in by_table(learned, held, len(vocabulary)).items()
    }
    draw(curves)
    return (
        results | {"baseline: no dropout, stopped at its lowest": curves["no dropout"][:, 2].min()} | tables
    )


def draw(curves):
    figure = plt.figure(figsize=(12, 4.2), layout="constrained")
    axes = figure.subplot_mosaic("AAB;AAC")
    for i, (name, curve) in enumerate(curves.items()):
        axes["A"].plot(curve[:, 0], curve[:, 2], color=f"C{i}", label=name)
        axes["A"].plot(curve[:, 0], curve[:, 1], color=f"C{i}", linestyle=":")
    axes["A"].set(
        xlabel="updates", ylabel="perplexity", yscale="log", title="new text; dotted: training text"
    )
    axes["A"].set_yticks((2, 3, 4, 6, 8, 12), (2, 3, 4, 6, 8, 12))
    axes["A"].minorticks_off()
    axes["A"].legend()
    anew, once = (nn.functional.dropout(np.ones((24, steps)), 0.3) for steps in (60, 1))
    for axis, mask, title in (
        ("B", anew, "input dropout: a mask each step"),
        ("C", once, "recurrent: one for all steps"),
    ):
        axes[axis].imshow(
            np.broadcast_to(mask, (24, 60)), cmap="Blues", vmax=3, aspect="auto", interpolation="nearest"
        )
        axes[axis].set(ylabel="units", title=title)
    axes["C"].set(xlabel="steps of one sequence")
    picture("lstm_dropout", figure)


if __name__ == "__main__":
    run(main)
