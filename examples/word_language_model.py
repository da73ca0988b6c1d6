"""A language model of words: columns of text, truncated backpropagation with the state carried on, perplexity."""

import inspect
import re

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.metrics import perplexity
from nn.text import Vocabulary, batchify, bptt_windows, sample

PUBLISHED = "LSTMs on WikiText-2's own training set: 99 to 69 (Merity et al., 2016 and 2017)"


def load(data):
    """Words of training and test: WikiText-2's valid and test files in a folder, or the standard library's documentation."""
    if data is not None:
        return [(data / f"{part}.txt").read_text(encoding="utf-8").replace("\n", " <eos> ") for part in ("valid", "test")]
    import argparse
    import collections
    import datetime
    import decimal
    import email.message
    import logging
    import pathlib
    import subprocess
    import typing
    import unittest.mock

    modules = argparse, collections, datetime, decimal, email.message, logging, pathlib, subprocess, typing, unittest.mock
    docs = []
    for module in modules:
        for _, member in inspect.getmembers(module, inspect.isclass):
            docs += [inspect.getdoc(f) or "" for _, f in inspect.getmembers(member)]
    text = [" ".join(re.findall(r"[a-z]+|[.,:]", doc.lower())) + " <eos>" for doc in sorted(set(docs))]
    order = np.random.default_rng(0).permutation(len(text))
    cut = int(0.9 * len(text))
    return [" ".join(text[i] for i in part) for part in (order[:cut], order[cut:])]


class Model(nn.Module):
    """Embedding, LSTM, and the embedding once more to score words (Press and Wolf, 2017)."""

    def __init__(self, words, size, dropout):
        self.embed, self.lstm, self.dropout = nn.Embedding(words, size), nn.LSTM(size, size), nn.Dropout(dropout)
        self.embed.weight.data *= 0.1
        self.bias = nn.Parameter(np.zeros(words, np.float32))

    def forward(self, x, state=None):
        h, state = self.lstm(self.dropout(self.embed(x)), state)
        return self.dropout(h) @ self.embed.weight.T + self.bias, state


def main(size=96, updates=2500, batch=16, steps=30, max_words=4000, dropout=0.5, data=None):
    train_text, test_text = load(data)
    words = Vocabulary.of_words(train_text, max_size=max_words, special=("<unk>",))
    train, test = batchify(words.encode(train_text), batch), batchify(words.encode(test_text), 8)
    model = Model(len(words), size, dropout)
    optimizer = nn.optim.Adam(model.parameters(), lr=4e-3)
    curve, done = [], 0

    def test_perplexity():
        model.eval()
        state, losses = None, []
        with no_grad():
            for x, y in bptt_windows(test, steps):
                scores, state = model(x, state)
                losses.append(nn.functional.cross_entropy(scores.reshape(-1, len(words)), y.reshape(-1)).item())
        model.train()
        return perplexity(float(np.mean(losses)))

    while done < updates:
        state = None
        for x, y in bptt_windows(train, steps):
            state = None if state is None else tuple(s.detach() for s in state)  # the state goes on, its gradient does not
            scores, state = model(x, state)
            loss = nn.functional.cross_entropy(scores.reshape(-1, len(words)), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            done += 1
            if done == updates:
                break
        curve.append((done, test_perplexity()))
        print(f"{done} updates: test perplexity {curve[-1][1]:.1f}")
    counts = np.bincount(words.encode(train_text), minlength=len(words)) + 1
    unigram = -np.log(counts / counts.sum())[words.encode(test_text)].mean()

    def step(word, state):
        scores, state = model(np.array([[word]]), state)
        return scores.numpy()[0, 0], state

    model.eval()
    with no_grad():
        print(words.decode(sample(step, words["<eos>"], None, 60, temperature=0.8)))
    figure, axis = plt.subplots()
    axis.plot(*zip(*curve, strict=True), "o-")
    axis.axhline(np.exp(unigram), linestyle=":", label="by how frequent each word is")
    axis.set(xlabel="updates", ylabel="test perplexity", yscale="log")
    axis.legend()
    picture("word_language_model", figure)
    return {"test perplexity": curve[-1][1], "by frequencies alone": float(np.exp(unigram)), "words": len(words)}


FULL = {"size": 650, "updates": 200_000, "max_words": 33_278, "dropout": 0.5, "batch": 20, "steps": 35}

if __name__ == "__main__":
    run(main)
