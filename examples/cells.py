"""What do single cells follow? A character model of source code, and its cells for lines, quotes, comments and more.

An LSTM, c_t = f c_{t-1} + i g, h_t = o tanh(c_t), learns to predict each next character of Python's library.
Then it reads a module that it has never seen, and tanh(c_t) of each cell is held against what the code is at each
character: the position in its line, inside quotes (strings of one line, no docstrings), in a comment, in the body
of an if, the depth of brackets, the indentation. The cell that follows a property best is found on every second
block of 500 characters, and its correlation measured on the others. An untrained network has such cells, too, since
what was read leaves traces: it is the baseline of each property. Most cells have no meaning that one could see; the
last panel shows one. Passages are where cell and property change together most, underlined where it is high.

In all of five seeds there is a cell for the depth of brackets, far above an untrained one's, and a weak one for
comments; indentation is followed better in most. One for quotes is found in one seed only; for the position in the
line an untrained cell is nearly as good, and the body of an if no cell follows (`--full` is larger). Each property has
the best cell for it, which can be the same for several: where the cell is the same, it stands for none of them alone.
"""

import argparse
import ast
import inspect
import io
import shlex
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, mean_nats, ngram_nats, picture, restart, run, train_on_columns

import nn
from minigrad import no_grad, viz
from nn.text import Vocabulary, batchify

PUBLISHED = "cells for line position, quotes, comments, nesting (Karpathy, Johnson and Fei-Fei, 2015; no number)"
FULL = {"updates": 20_000, "hidden": 512}


def properties(code):
    """Of each character of Python code: what it is in."""
    found = nn.inspect.text_properties(code)
    starts = np.cumsum([0, *(len(line) for line in code.splitlines(keepends=True))])
    found |= {name: np.zeros(len(code)) for name in ("inside quotes", "comment", "body of an if")}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = {tokenize.STRING: "inside quotes", tokenize.COMMENT: "comment"}.get(token.type)
        if kind and token.start[0] == token.end[0] and not token.string.startswith('"""'):
            (row, column), (last, end) = token.start, token.end
            found[kind][starts[row - 1] + column : starts[last - 1] + end] = 1
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.If):
            found["body of an if"][starts[node.body[0].lineno - 1] : starts[node.body[-1].end_lineno]] = 1
    return found


class Model(nn.Module):
    def __init__(self, characters, hidden):
        self.embed, self.lstm = nn.Embedding(characters, 32), nn.LSTM(32, hidden)
        self.out = nn.Linear(hidden, characters)

    def forward(self, x, state=None):
        h, state = self.lstm(self.embed(x), state)
        return self.out(h), state

    def cells(self, numbers):
        """tanh(c) after each character of a text."""
        with no_grad():
            return nn.inspect.unroll(self.lstm, self.embed(numbers))["c"]


def best(text, states, found):
    """For each property its cell, chosen in every second block, and the correlation in the others."""
    odd = np.arange(len(text)) // 500 % 2 == 1
    kept = {name: values[~odd] for name, values in found.items()}
    table = nn.inspect.find_cells(" " * int(np.sum(~odd)), states[~odd], kept, most=1)
    correlations = {name: np.corrcoef(states[odd, cell], found[name][odd])[0, 1] for name, cell, _ in table.rows}
    return {name: (cell, abs(float(correlations[name]))) for name, cell, _ in table.rows}


def panel(axis, code, states, values, title, rows=3, width=84):
    """Lines of the code where cell and property change together most, coloured by the cell; underlined where it is high."""
    lines = code.splitlines(keepends=True)
    starts = np.cumsum([0, *map(len, lines)])
    full = [all(line.strip() for line in lines[k : k + rows]) for k in range(len(lines) - rows)]
    together = [np.cov(states[a:b], values[a:b])[0, 1] for a, b in zip(starts[:-rows], starts[rows:], strict=True)]
    top = int(np.argmax(np.abs(together[: len(full)]) * full))
    most, image = np.abs(states).max(), np.full((rows, width, 4), 1.0)
    for row in range(rows):
        for column, character in enumerate(lines[top + row].rstrip("\n")[:width]):
            image[row, column] = plt.get_cmap("RdBu_r")(0.5 + 0.4 * states[starts[top + row] + column] / most)
            axis.text(column, row, character, ha="center", va="center", family="monospace", size=9.5)
            if values[starts[top + row] + column] > values.mean():
                axis.plot([column - 0.5, column + 0.5], [row + 0.44] * 2, "k", lw=1.5)
    axis.imshow(image, aspect="auto")
    axis.set_title(title, loc="left", size=10)
    axis.set(xticks=[], yticks=[])


def main(updates=1500, hidden=96, shown=12_000, data=None):
    library = [inspect.getsource(module) for module in (inspect, argparse, tokenize, ast)]
    text, code = "\n".join(library) if data is None else data.read_text("utf-8"), inspect.getsource(shlex)
    characters, found = Vocabulary.of_characters(text + code), properties(code)
    code, found = code[:shown], {name: values[:shown] for name, values in found.items()}
    train, test = np.array(characters.encode(text)), np.array(characters.encode(code))
    restart()
    model, cut = Model(len(characters), hidden), int(0.95 * len(train))
    untrained = best(code, model.cells(test), found)
    train_on_columns(model, batchify(train[:cut], 32), batchify(train[cut:], 8), updates, 5e-3, 50)
    states, nats = model.cells(test), mean_nats(model, test[:, None], len(test))
    cells = best(code, states, found)
    everything = np.abs([np.corrcoef(states.T, values)[-1, :-1] for values in found.values()]).max(axis=0)
    dull = int(np.argmin(everything - (states.std(axis=0) > 0.2)))
    shown = [
        (f"{name}: cell {cell}, correlation {r:.2f} (untrained {untrained[name][1]:.2f})", cell, found[name])
        for name, (cell, r) in cells.items()
    ]
    title = f"no visible meaning: cell {dull}, no correlation above {everything[dull]:.2f}"
    shown.append((title, dull, found["inside quotes"]))
    figure, axes = plt.subplots(len(shown), 1, figsize=(11.5, 9), layout="constrained")
    scale = plt.cm.ScalarMappable(plt.Normalize(-1.25, 1.25), "RdBu_r")  # as in panel
    bar = figure.colorbar(scale, ax=axes, shrink=0.4, label="tanh(c), relative to the cell's largest", ticks=(-1, 0, 1))
    bar.ax.set_ylim(-1, 1)
    for axis, (title, cell, values) in zip(axes, shown, strict=True):
        panel(axis, code, states[:, cell], values, title)
    picture("cells", figure)
    page = (f"<h2>{title}</h2>{viz.colour_text(code, states, cell).html}" for title, cell, _ in shown)
    (OUT / "cells.html").write_text('<meta charset="utf-8">' + "".join(page), encoding="utf-8")
    counts = ngram_nats(train, test, len(characters), 5)
    results = {"nats": nats} | {f"baseline: nats by counts of {n} in a row": counts[n - 1] for n in (1, 2, 5)}
    for name, (_, r) in cells.items():
        results |= {f"{name}: correlation": r, f"baseline: {name}, untrained": untrained[name][1]}
    return results


if __name__ == "__main__":
    run(main)
