"""Sequence tagging: what is each name in a line of Python? All names look alike, so that only the line around them tells.

An LSTM reads the symbols of the line, h[t] = LSTM(x[t], h[t-1]), and tags each of them, P[t] = softmax(W h[t] + b); with a
second LSTM that reads from the right, [h[t], g[t]] stands in place of h[t]. Every name is the symbol NAME, and Python's own
parser says what it is. A symbol that training does not have is <unk>, a short line is filled up with <pad>. No line of the
test stands in training, as symbols. The baselines count which tag was commonest among the same symbols: five to the left,
or three on each side, or these and the line's first symbol (each with fewer where they are new). Each network beats what
counts on its own side; with both sides, counting is nearly as good.
"""

import argparse
import ast
import inspect
import io
import keyword
import logging
import pathlib
import tarfile
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

#: What a name can be; names that one neighbour tells (an attribute after a dot, a function after def) have no tag.
TAGS = ("read", "assigned", "loop variable", "parameter", "keyword of a call")
MODULES = argparse, inspect, logging, pathlib, tarfile, tokenize


def roles(source):
    """The tags of names by their place, (line, column)."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.For, ast.comprehension)):
            found |= {(n.lineno, n.col_offset): 2 for n in ast.walk(node.target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Name):
            found.setdefault((node.lineno, node.col_offset), int(isinstance(node.ctx, ast.Store)))
        elif isinstance(node, (ast.arg, ast.keyword)):
            found[node.lineno, node.col_offset] = 3 if isinstance(node, ast.arg) else 4
    return found


def load():
    """Different logical lines, as symbols and tags; -100 where there is none."""
    lines = {}
    for source in map(inspect.getsource, MODULES):
        known, symbols, tags = roles(source), [], []
        for t in tokenize.generate_tokens(io.StringIO(source).readline):
            if t.type == tokenize.NAME and not keyword.iskeyword(t.string):
                symbols.append("NAME")
                tags.append(known.get(t.start, -100))
            elif t.string.strip() and t.type != tokenize.COMMENT:
                symbols.append({tokenize.NUMBER: "NUMBER", tokenize.STRING: "STRING"}.get(t.type, t.string))
                tags.append(-100)
            if t.type == tokenize.NEWLINE:
                if 3 <= len(symbols) <= 30 and max(tags) >= 0:
                    lines.setdefault(" ".join(symbols), tags)
                symbols, tags = [], []
    return list(lines), list(lines.values())


class Tagger(nn.Module):
    def __init__(self, symbols, both, hidden):
        self.embed = nn.Embedding(symbols, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, hidden, bidirectional=both, batch_first=True)
        self.out = nn.Linear((1 + both) * hidden, len(TAGS))

    def forward(self, x, lengths):
        return self.out(self.lstm(self.embed(x), lengths=lengths)[0])


def by_counts(x, y, train, test, left, right, first=False):
    """The commonest tag among the same symbols on the left and right; with fewer symbols, where these are new."""
    counts, said = {}, np.zeros(y.shape, int)

    def around(row, t):
        line = np.pad(x[row], max(left, right))
        middle, sizes = t + max(left, right), range(max(left, right), -1, -1)
        keys = [(n, *line[middle - min(n, left) : middle + min(n, right) + 1]) for n in sizes]
        return [(x[row, 0], *key) for key in keys] + keys if first else keys

    for row, t in zip(*np.nonzero(y >= 0), strict=True):
        for key in around(row, t) if train[row] else ():
            counts.setdefault(key, np.zeros(len(TAGS)))[y[row, t]] += 1
    for row, t in zip(*np.nonzero((y >= 0) & test[:, None]), strict=True):
        said[row, t] = next(counts[key].argmax() for key in around(row, t) if key in counts)
    return said


def tagged(both, x, y, lengths, train, updates, hidden, symbols):
    restart()
    model, rng = Tagger(symbols, both, hidden), generator(2)
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(updates):
        rows = rng.choice(np.flatnonzero(train), 32)
        t = lengths[rows].max()
        scores = model(x[rows, :t], lengths[rows])
        loss = nn.functional.cross_entropy(scores.reshape(-1, len(TAGS)), y[rows, :t].reshape(-1), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with no_grad():
        return model(x, lengths).numpy().argmax(axis=-1)


def main(updates=400, hidden=48):
    lines, tags = load()
    train = generator().random(len(lines)) < 0.85
    symbols = Vocabulary.of_words([line for line, t in zip(lines, train, strict=True) if t], special=("<pad>", "<unk>"))
    (x, mask), (y, _) = pad_rows([symbols.encode(line) for line in lines]), pad_rows(tags, padding=-100)
    print("one line of the test:", *(symbols.symbols[i] for i in next((r for r in x[~train] if 1 in r), x[~train][0])))
    asked = (y >= 0) & ~train[:, None]
    kinds, lengths = {"LSTM from the left": False, "LSTM from both sides": True}, mask.sum(axis=1)
    said = {name: tagged(both, x, y, lengths, train, updates, hidden, len(symbols)) for name, both in kinds.items()}
    sides = {"5 to the left": (5, 0), "3 on each side": (3, 3), "3 on each side and the first symbol": (3, 3, True)}
    counted = {f"counts, {name}": by_counts(x, y, train, ~train, *side) for name, side in sides.items()}
    figure, axis = plt.subplots(figsize=(9, 6), layout="constrained")
    for i, (name, values) in enumerate((said | counted).items()):
        f1 = nn.metrics.precision_recall_f1(values[asked], y[asked], len(TAGS)).f1
        axis.barh(np.arange(len(TAGS)) + 0.16 * i, f1, 0.16, label=name, color=("C0", "C1", "0.75", "0.55", "0.35")[i])
    axis.set_yticks(np.arange(len(TAGS)) + 0.32, TAGS)
    axis.set(xlabel="F1", title="what a name is", xlim=(0, 1), ylim=(4.85, -0.2))
    figure.legend(loc="outside lower center", ncol=2)
    picture("tagging", figure)
    accuracy = {name: float((values == y)[asked].mean()) for name, values in (said | counted).items()}
    return {
        **{f"accuracy: {name}": accuracy[name] for name in said},
        "chance: commonest tag": float(np.bincount(y[asked]).max() / asked.sum()),
        **{f"baseline: {name}": accuracy[name] for name in counted},
        "unknown symbols of the test": float((x[~train] == 1).sum() / lengths[~train].sum()),
        "test lines in training": len({*np.array(lines)[train]} & {*np.array(lines)[~train]}),
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
