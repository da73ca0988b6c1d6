"""What do single cells follow? A language model of source code, and its cells for position, quotes, brackets and indentation."""

import argparse
import ast
import inspect
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, picture, run

import nn
from nn.text import Vocabulary, batchify, bptt_windows

PUBLISHED = "cells for line position, quotes and nesting (Karpathy, Johnson and Fei-Fei, 2015)"


def main(updates=2500, hidden=128, shown=4000, data=None):
    text = (
        data.read_text(encoding="utf-8")
        if data is not None
        else "\n".join(inspect.getsource(m) for m in (inspect, argparse, tokenize, ast))
    )
    letters = Vocabulary.of_characters(text)
    columns = batchify(letters.encode(text), 32)
    embed, lstm, out = nn.Embedding(len(letters), 32), nn.LSTM(32, hidden), nn.Linear(hidden, len(letters))
    parameters = [p for module in (embed, lstm, out) for p in module.parameters()]
    optimizer, losses = nn.optim.Adam(parameters, lr=4e-3), []
    while len(losses) < updates:
        state = None
        for x, y in bptt_windows(columns, 60):
            state = None if state is None else tuple(s.detach() for s in state)
            h, state = lstm(embed(x), state)
            loss = nn.functional.cross_entropy(out(h).reshape(-1, len(letters)), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == updates:
                break
        print(f"{len(losses)} updates: {np.mean(losses[-50:]):.3f} nats")
    passage = text[20_000 : 20_000 + shown]
    states = nn.inspect.unroll(lstm, embed(np.array(letters.encode(passage))))["c"]
    table = nn.inspect.find_cells(passage, states, most=1)
    print(table)
    page = []
    for name, cell, r in table.rows:
        coloured = nn.inspect.colour_text(passage, states, cell)
        page.append(f"<h2>{name}: cell {cell}, correlation {r:.2f}</h2>{coloured.html}")
    print(nn.inspect.colour_text(passage[:160], states[:160], table.rows[0][1]))
    OUT.mkdir(exist_ok=True)
    (OUT / "cells.html").write_text('<meta charset="utf-8">' + "".join(page), encoding="utf-8")
    figure, axes = plt.subplots(len(table.rows), 1, figsize=(10, 1.6 * len(table.rows)), squeeze=False)
    properties = nn.inspect.text_properties(passage)
    for axis, (name, cell, _) in zip(axes[:, 0], table.rows, strict=True):
        axis.plot(properties[name][:300] / max(properties[name][:300].max(), 1), alpha=0.5)
        axis.plot(states[:300, cell])
        axis.set(title=f"{name}: cell {cell}")
    figure.tight_layout()
    picture("cells", figure)
    return {"nats for each letter": float(np.mean(losses[-50:]))} | {
        f"{name}: correlation": f"{r:+.2f}" for name, _, r in table.rows
    }


FULL = {"updates": 100_000, "hidden": 512}

if __name__ == "__main__":
    run(main)
