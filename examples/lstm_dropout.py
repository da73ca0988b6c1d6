"""Dropout in an LSTM: none, at its inputs and outputs, and of its states with one mask for all steps.

Two places for dropout, in the formulas of the gates (i, o, f and the candidate alike):

    i_t = sigmoid(W_i (m_h * h_{t-1}) + U_i (m_x * x_t) + b_i)

Input dropout (Zaremba et al.) draws m_x, and the mask of the output, anew at each step, and leaves h alone:
drawn anew it would wear the memory away. Recurrent dropout (Gal and Ghahramani) drops h as well, with the
same m_h at all steps of a sequence: `nn.LSTM(recurrent_dropout=)`. The model is one of characters; its
training text is small, and without dropout soon known far better than new text is. Measured is the perplexity of new
text, exp of the mean cross-entropy, where validation was best. Stopped so, the four hardly differ: recurrent
dropout is a little ahead of none in four of five seeds, both at once are too much for so few updates, and
counts of five characters in a row are about as good. On Shakespeare (`--data`, one seed) the four differ as
little, and the counts are far behind.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import documentation, mean_nats, ngram_nats, picture, restart, run, train_on_columns

import nn
from nn.text import Vocabulary, batchify

PUBLISHED = (
    "of words, on Penn Treebank, test perplexity: 114.5 of 2 x 200 units without dropout, 78.4 of 2 x 1500 with that of "
    "inputs and outputs (Zaremba et al., 2014); 73.4 with recurrent dropout too, the mean over many masks (Gal and "
    "Ghahramani, 2016)"
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

    def forward(self, x, state=None):
        h, state = self.lstm(self.drop(self.embed(x)), state)
        return self.out(self.drop(h)), state


def main(size=100, updates=600, characters=12_000, rows=25, data=None):
    text = documentation(data)[: 2 * characters]
    vocabulary = Vocabulary.of_characters(text)
    numbers = np.array(vocabulary.encode(text))
    learned, valid, test = (numbers[: characters], *np.array_split(numbers[characters:], 2))
    columns, held, new = (batchify(part, 16) for part in (learned, valid, test))
    curves, results = {}, {}
    for name, (inputs, states) in WAYS.items():
        restart()
        model = Model(len(vocabulary), size, inputs, states)
        curves[name] = np.array([r[:3] for r in train_on_columns(model, columns, held, updates, 6e-3, rows, 0.5)])
        results[f"test perplexity, {name}"] = float(np.exp(mean_nats(model, new, rows)))
        results[f"validation perplexity in the end, {name}"] = float(np.exp(curves[name][-1, 2]))
    counts = np.exp(ngram_nats(learned, test, len(vocabulary), 5))
    tables = {f"baseline: perplexity by counts of {n} in a row": float(counts[n - 1]) for n in (1, 2, 5)}
    draw(curves, float(np.exp(ngram_nats(learned, valid, len(vocabulary), 5)[-1])))
    return results | tables | {"chance: perplexity": len(vocabulary)}


def draw(curves, counted):
    figure = plt.figure(figsize=(12, 4.2), layout="constrained")
    axes = figure.subplot_mosaic("AAB;AAC")
    for i, (name, curve) in enumerate(curves.items()):
        axes["A"].plot(curve[:, 0], np.exp(curve[:, 2]), "o-", markersize=3, color=f"C{i}", label=name)
        axes["A"].plot(curve[:, 0], np.exp(curve[:, 1]), color=f"C{i}", linestyle=":")
    axes["A"].axhline(counted, color="grey", linestyle="--", label="counts of 5 in a row")
    axes["A"].set(xlabel="updates", ylabel="perplexity", yscale="log", ylim=(1.5, 13), title="validation; dotted: in training")
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
