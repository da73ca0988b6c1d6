"""A language model of characters writes C like Linux's headers, or, with --data, like Shakespeare or Wikipedia.

It reads a character and says how probable each next one is: h[t] = LSTM(x[t], h[t-1]), P[t] = softmax(W_P h[t] + b_P).
Its loss is -log P[t] of the character that came, in nats. The text lies in columns which are read side by side; each
window of 50 characters begins with the state that the one before ended with, and no gradient goes back beyond it
(truncated backpropagation through time). To write, a character is drawn from P[t] and read as the next one.

The text is the system's C headers of Linux, where it has them, in an order that the seed draws: the last twentieth of
the text is for the test, the one before it for validation; the weights that were best in validation are tested.
`--text python` takes modules of Python's library. The baselines are counts: how often each character followed the
0, 1, 2 or 5 before it.
"""

import importlib
import inspect
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from shared import at_the_side, generator, mean_nats, ngram_nats, picture, run, train_on_columns

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, sample

PUBLISHED = (
    "tiny Shakespeare, an LSTM with 3 layers of 512: char-rnn (Karpathy, 2015; no number); "
    "a Transformer of 10.7 M parameters: 1.47 nats on its last tenth (nanoGPT, Karpathy, 2022)"
)
HEADERS = Path("/usr/include/linux")
GRAMS = ("one character", "bigrams", "trigrams", "", "", "6-grams")
#: The reports of training that a text is written for, besides the last: "at first", "train more".
SHOWN = (0, 1, 3)
PLAIN = str.maketrans({"`": "'", "|": "¦"})  # for a table
MODULES = "argparse ast decimal inspect logging pathlib smtplib tarfile tokenize turtle typing zipfile"


def load(data, text, size):
    """What the text is, and its three parts: training, validation, test."""
    if data is not None and data.is_dir():  # WikiText-2's files
        paths = [path for part in ("train", "valid", "test") if (path := data / f"{part}.txt").exists()]
        if len(paths) < 2 or paths[-1].stem != "test":
            raise ValueError(f"{data} has no test.txt beside a train.txt or valid.txt")
        parts = [path.read_text(encoding="utf-8") for path in paths]
        if len(parts) == 2:
            cut = int(0.9 * len(parts[0]))
            parts = [parts[0][:cut], parts[0][cut:], parts[1]]
        return data.name, parts
    if data is not None:
        name, whole = data.stem, data.read_text(encoding="utf-8")
    else:
        if text == "linux" and HEADERS.is_dir():
            name = "Linux's headers"
            files = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(HEADERS.glob("*.h"))]
        else:
            name = "Python's library"
            files = [inspect.getsource(importlib.import_module(module)) for module in MODULES.split()]
        whole = "\n".join(files[i] for i in generator().permutation(len(files)))[:size]
    first, second = int(0.9 * len(whole)), int(0.95 * len(whole))
    return name, [whole[:first], whole[first:second], whole[second:]]


class Model(nn.Module):
    def __init__(self, kind, characters, hidden, layers, dropout):
        self.embed = nn.Embedding(characters, min(hidden, 64))
        self.rnn = getattr(nn, kind)(min(hidden, 64), hidden, layers, dropout=dropout)
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(hidden, characters)

    def forward(self, x, state=None):  # (T, B)
        h, state = self.rnn(self.embed(x), state)
        return self.out(self.dropout(h)), state


def write(model, characters, length, temperature=0.7):
    """A text drawn from the model, character by character."""

    def step(character, state):
        scores, state = model(np.array([[character]]), state)
        return scores.numpy()[0, 0], state

    model.eval()
    with no_grad():
        written = characters.decode(sample(step, characters["\n"], None, length, temperature=temperature))
    model.train()
    return written


def draw(name, reports, baselines, texts):
    figure, (axis, page) = plt.subplots(1, 2, figsize=(11.5, 5.4), width_ratios=(1, 1.1), layout="constrained")
    updates, training, valid, _ = zip(*reports, strict=True)
    axis.plot(updates, training, label="training")
    axis.plot(updates, valid, label="validation")
    at_the_side(axis, {name.removeprefix("baseline: ").replace(" by", "\nby"): value for name, value in baselines.items()}, 0.09)
    axis.set(xlabel="updates", ylabel="nats for each character", title=name)
    axis.legend()
    page.set_axis_off()
    for place, (done, text) in zip((1, 0.75, 0.5, 0.25), texts.items(), strict=False):
        lines = [line for row in text.expandtabs(4).splitlines() for line in textwrap.wrap(row, 64, drop_whitespace=False)]
        lines = [line.encode("ascii", "replace").decode() for line in lines if len(line.strip()) > 2][:5]
        page.text(0, place, f"after {done} updates", va="top", weight="bold")
        page.text(0, place - 0.05, "\n".join(lines), va="top", family="monospace", size=8, parse_math=False)
    picture("char_language_model", figure)


def main(
    kind="LSTM", hidden=128, layers=1, updates=1200, batch=32, length=50, lr=8e-3, dropout=0.0, text="linux",
    size=1_000_000, data=None,
):  # fmt: skip
    name, parts = load(data, text, size)
    characters = Vocabulary.of_characters(parts[0], special=("<unk>",))
    numbers = [np.array(characters.encode(part)) for part in parts]
    columns = [batchify(part, width) for part, width in zip(numbers, (batch, 64, 64), strict=True)]
    model = Model(kind, len(characters), hidden, layers, dropout)
    reports = train_on_columns(
        model, columns[0], columns[1], updates, lr, length, write=lambda: write(model, characters, 300), shown=SHOWN
    )
    counted = ngram_nats(numbers[0], numbers[2], len(characters), len(GRAMS))
    baselines = {f"baseline: {n} by counts": counted[i] for i, n in enumerate(GRAMS) if n}
    seen = set(parts[0].splitlines())
    lines = [line for line in parts[2].splitlines() if line.strip()]
    texts = {done: written for done, _, _, written in reports if written}
    draw(name, reports, baselines, texts)
    return {
        "text": f"{name}, {sum(map(len, parts)):,} characters",
        "parameters": sum(p.size for p in model.parameters()),
        "updates": updates,
        "test nats": mean_nats(model, columns[2], length),
        "validation nats": min(report[2] for report in reports),
        "chance: all alike": float(np.log(len(characters))),
        **baselines,
        "unknown characters in the test": float((numbers[2] == 0).mean()),
        "lines of the test that stand in training": float(np.mean([line in seen for line in lines])),
        **{f"written after {n} updates": f"`{' '.join(t[:160].translate(PLAIN).split())}`" for n, t in texts.items()},
    }


FULL = {"hidden": 512, "layers": 3, "updates": 8000, "lr": 2e-3, "dropout": 0.3, "batch": 50, "size": 5_000_000}

if __name__ == "__main__":
    run(main)
