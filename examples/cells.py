"""What do single cells follow? A character model of source code, and its cells for lines, quotes, comments and more.

An LSTM, c_t = f c_{t-1} + i g, h_t = o tanh(c_t), learns to foretell each next character of Python's library.
Then it reads a module that it has never seen, and tanh(c_t) of each cell is held against what the code is at each
character: the position in its line, inside quotes, in a comment, in the body of an if, the depth of brackets, the
indentation. The cell that follows a property best is found on every second block of 500 characters, and its
correlation measured on the others. An untrained network has such cells, too, since what was read leaves traces:
after the short training of the default only bracket depth and the position in the line stand above it; the others
take longer (`--full`). Most cells have no meaning that one could see; the last panel shows one. Passages are where
the property changes most, underlined where it is high.
"""

import argparse
import ast
import inspect
import io
import textwrap
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, picture, restart, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows

PUBLISHED = "cells for line position, quotes, comments, nesting (Karpathy, Johnson and Fei-Fei, 2015; no number)"
FULL = {"updates": 20_000, "hidden": 512}


def properties(code):
    """Of each character of Python code: what it is in."""
    found = nn.inspect.text_properties(code)
    starts = np.cumsum([0, *(len(line) for line in code.splitlines(keepends=True))])
    found |= {name: np.zeros(len(code)) for name in ("inside quotes", "comment", "body of an if")}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = {tokenize.STRING: "inside quotes", tokenize.COMMENT: "comment"}.get(token.type)
        if kind:
            (row, column), (last, end) = token.start, token.end
            found[kind][starts[row - 1] + column : starts[last - 1] + end] = 1
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.If):
            found["body of an if"][starts[node.body[0].lineno - 1] : starts[node.body[-1].end_lineno]] = 1
    return found


def trained(model, numbers, updates):
    """The last losses; the state is carried on from window to window."""
    columns = batchify(numbers, 32)
    windows = list(bptt_windows(columns, 50))
    optimizer, kept = nn.optim.Adam(model.parameters(), lr=5e-3), {"state": None, "losses": []}
    for step in steps(updates, model, optimizer, kept=kept):
        x, y = windows[step % len(windows)]
        h, state = model[1](model[0](x), kept["state"] if step % len(windows) else None)
        kept["state"] = [s.detach() for s in state]
        loss = nn.functional.cross_entropy(model[2](h).reshape(-1, model[2].out_features), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        kept["losses"].append(loss.item())


def read(model, numbers):
    """tanh(c) after each character of a text, and the nats of each next one."""
    with no_grad():
        embedded = model[0](np.array(numbers))
        states = nn.inspect.unroll(model[1], embedded)
        return states["c"], nn.functional.cross_entropy(model[2](states["h"][:-1]), np.array(numbers[1:])).item()


def best(text, states, found):
    """For each property its cell, chosen in every second block, and the correlation in the others."""
    odd = np.arange(len(text)) // 500 % 2 == 1
    kept = {name: values[~odd] for name, values in found.items()}
    table = nn.inspect.find_cells(" " * int(np.sum(~odd)), states[~odd], kept, most=1)
    correlations = {name: np.corrcoef(states[odd, cell], found[name][odd])[0, 1] for name, cell, _ in table.rows}
    return {name: (cell, abs(float(correlations[name]))) for name, cell, _ in table.rows}


def counted(train, test, size):
    """Nats of a table of pairs, where each pair is counted once more than it was seen."""
    table = np.ones((size, size))
    np.add.at(table, (train[:-1], train[1:]), 1)
    return float(-np.mean(np.log((table / table.sum(axis=1, keepdims=True))[test[:-1], test[1:]])))


def panel(axis, code, states, values, title, rows=3, width=84):
    """Lines of the code where a property changes most, coloured by a cell; underlined where it is high."""
    lines = code.splitlines(keepends=True)
    starts = np.cumsum([0, *map(len, lines)])
    full = [all(line.strip() for line in lines[k : k + rows]) for k in range(len(lines) - rows)]
    spread = [values[starts[k] : starts[k + rows]].std() * full[k] for k in range(len(full))]
    top = int(np.argmax(spread))
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


def main(updates=600, hidden=96, shown=8000, data=None):
    library = [inspect.getsource(module) for module in (inspect, argparse, tokenize, ast)]
    text, code = "\n".join(library) if data is None else data.read_text(), inspect.getsource(textwrap)
    characters, found = Vocabulary.of_characters(text + code), properties(code)
    code, found = code[:shown], {name: values[:shown] for name, values in found.items()}
    train, test = np.array(characters.encode(text)), np.array(characters.encode(code))
    restart()
    size = len(characters)
    model = nn.Sequential(nn.Embedding(size, 32), nn.LSTM(32, hidden), nn.Linear(hidden, size))
    untrained = best(code, read(model, test)[0], found)
    trained(model, train, updates)
    states, nats = read(model, test)
    cells = best(code, states, found)
    everything = np.abs([np.corrcoef(states.T, values)[-1, :-1] for values in found.values()]).max(axis=0)
    dull = int(np.argmin(everything - (states.std(axis=0) > 0.2)))
    shown = [(f"{name}: cell {cell}, correlation {r:.2f}", cell, found[name]) for name, (cell, r) in cells.items()]
    title = f"no visible meaning: cell {dull}, no correlation above {everything[dull]:.2f}"
    shown.append((title, dull, found["inside quotes"]))
    figure, axes = plt.subplots(len(shown), 1, figsize=(11.5, 9), layout="constrained")
    for axis, (title, cell, values) in zip(axes, shown, strict=True):
        panel(axis, code, states[:, cell], values, title)
    picture("cells", figure)
    page = (f"<h2>{title}</h2>{nn.inspect.colour_text(code, states, cell).html}" for title, cell, _ in shown)
    (OUT / "cells.html").write_text('<meta charset="utf-8">' + "".join(page), encoding="utf-8")
    results = {"nats": nats, "baseline: nats of a table of pairs": counted(train, test, size)}
    for name, (_, r) in cells.items():
        results |= {f"{name}: correlation": r, f"baseline: {name}, untrained": untrained[name][1]}
    return results


if __name__ == "__main__":
    run(main)
