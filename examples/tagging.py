"""Sequence tagging: what is each token of Python source, told from its characters' kinds and its neighbours?"""

import argparse
import inspect
import io
import keyword
import textwrap
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.text import pad_rows

#: What a name can be; the tagger sees every name as the same symbol, so that only the sentence around tells.
TAGS = ("other", "function called", "attribute", "parameter named in a call", "variable assigned", "function defined")


def tagged(line):
    """Symbols and tags of a logical line: names are all NAME, numbers NUMBER, strings STRING."""
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(line).readline) if t.string.strip()]
    symbols, tags, depth = [], [], 0
    for i, t in enumerate(tokens):
        before, after = (tokens[j].string if 0 <= j < len(tokens) else "" for j in (i - 1, i + 1))
        depth += (t.string in "([{") - (t.string in ")]}")
        tag = 0
        if t.type == tokenize.NAME and not keyword.iskeyword(t.string):
            symbols.append("NAME")
            if before == "def":
                tag = 5
            elif before == ".":
                tag = 2
            elif after == "(":
                tag = 1
            elif after == "=":
                tag = 3 if depth else 4
        elif t.type == tokenize.NUMBER:
            symbols.append("NUMBER")
        elif t.type == tokenize.STRING:
            symbols.append("STRING")
        else:
            symbols.append(t.string)
        tags.append(tag)
    return symbols, tags


def load(modules):
    rows = []
    for module in modules:
        for line in inspect.getsource(module).splitlines():
            try:
                symbols, tags = tagged(textwrap.dedent(line))
            except (tokenize.TokenError, IndentationError, SyntaxError):
                continue
            if 3 <= len(symbols) <= 30 and any(tags):
                rows.append((symbols, tags))
    return rows


class Tagger(nn.Module):
    """A tag for each symbol, from both sides, or from what came before alone."""

    def __init__(self, symbols, both, hidden=48):
        self.embed = nn.Embedding(symbols, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, hidden, bidirectional=both, batch_first=True)
        self.out = nn.Linear((1 + both) * hidden, len(TAGS))

    def forward(self, x, lengths):
        return self.out(self.lstm(self.embed(x), lengths=lengths)[0])


def main(epochs=5):
    rows = load([tokenize, inspect, argparse, textwrap])
    known = ["<pad>", *sorted({s for symbols, _ in rows for s in symbols})]
    numbers = {s: i for i, s in enumerate(known)}
    x, mask = pad_rows([[numbers[s] for s in symbols] for symbols, _ in rows])
    y, _ = pad_rows([tags for _, tags in rows], padding=-100)
    lengths = mask.sum(axis=1)
    order = np.random.default_rng(0).permutation(len(rows))
    train, test = np.split(order, [int(0.9 * len(order))])
    results, f1 = {"lines": len(rows)}, {}
    for name, both in (("from both sides", True), ("from the left alone", False)):
        model, rng = Tagger(len(known), both), np.random.default_rng(0)
        optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(epochs):
            for batch in np.array_split(rng.permutation(train), len(train) // 32):
                t = lengths[batch].max()
                scores = model(x[batch, :t], lengths[batch])
                loss = nn.functional.cross_entropy(scores.reshape(-1, len(TAGS)), y[batch, :t].reshape(-1), ignore_index=-100)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with no_grad():
            said = model(x[test], lengths[test]).numpy().argmax(axis=-1)[mask[test]]
        true = y[test][mask[test]]
        results[f"accuracy {name}"] = float((said == true).mean())
        f1[name] = nn.metrics.precision_recall_f1(said, true, len(TAGS)).f1
    figure, axis = plt.subplots()
    for i, (name, values) in enumerate(f1.items()):
        axis.barh(np.arange(len(TAGS)) + 0.4 * i, values, 0.4, label=name)
    axis.set_yticks(np.arange(len(TAGS)) + 0.2, TAGS)
    axis.set(xlabel="F1")
    axis.legend()
    picture("tagging", figure)
    return results | {"share of 'other'": float((true == 0).mean())}


if __name__ == "__main__":
    run(main)
