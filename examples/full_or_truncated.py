"""Backpropagation through time, in full and truncated: what a chunk's length does to gradient, memory and result.

The text stands in columns (batch-ification: a ... f, g ... l, m ... r, s ... x; y and z are left over). The network reads
chunks of k rows; its targets are the rows after them. The hidden state goes on, h_0 of a chunk = h_k of the chunk before,
but the gradient of the chunk's loss goes back to a, its first row, only:

    dL_t / dW = sum_{s = a}^{t} dL_t / dh_t  dh_t / dh_s  d+h_s / dW

d+ holds h_{s-1} fixed; in full, the sum begins at s = 1. By k are compared the gradient's direction with the full one's,
the graph's memory, and what as many updates with as many characters each teach, also where chunks begin with zeros.

With the state carried on, chunks of 5, 20 and 80 rows learn alike; only chunks of 5 that begin with zeros lose. On
Shakespeare (`--data`) the short ones are ahead. What is compared is chunks: after so few updates none of the six is below
the counts of five characters in a row.
"""

import string
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from shared import documentation, ngram_nats, picture, restart, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows

CHARACTERS = 640  # of an update: chunks of k rows have this many / k columns


class Model(nn.Module):
    def __init__(self, characters, size):
        self.embed, self.rnn, self.out = nn.Embedding(characters, size), nn.GRU(size, size), nn.Linear(size, characters)

    def loss(self, x, y, state=None):
        h, state = self.rnn(self.embed(x), state)
        return nn.functional.cross_entropy(self.out(h).reshape(y.size, -1), y.reshape(-1)), state


def gradient(model, columns, chunk):
    """That of the loss of all rows, truncated to chunks, as one vector; and the most memory it took, in bytes."""
    state = None
    for x, y in list(bptt_windows(columns, chunk))[:2]:  # what is compiled for these shapes takes memory once
        loss, state = model.loss(x, y, state)
        loss.backward()
        state = state.detach()
    model.zero_grad()
    state = None
    tracemalloc.start()
    for x, y in bptt_windows(columns, chunk):
        loss, state = model.loss(x, y, state)
        (loss * len(x)).backward()
        state = state.detach()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]), peak


def train(model, numbers, chunk, carried, updates, name):
    windows = list(bptt_windows(batchify(numbers, CHARACTERS // chunk), chunk))
    optimizer, kept = nn.optim.Adam(model.parameters(), lr=5e-3), {"state": None}
    for step in steps(updates, model, optimizer, kept=kept, name=name):
        x, y = windows[step % len(windows)]
        state = kept["state"].detach() if carried and step % len(windows) else None
        loss, kept["state"] = model.loss(x, y, state)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def main(size=64, updates=500, data=None):
    print(alphabet := batchify(np.array(list(string.ascii_lowercase)), 4))
    text = documentation(data)
    numbers = np.array((letters := Vocabulary.of_characters(text)).encode(text))
    learned, held = np.split(numbers, [int(0.9 * len(numbers))])
    rows = batchify(held, 8)
    results, curves = {}, {"carried on": [], "zeros": []}
    for name, nats in curves.items():
        for chunk in (5, 20, 80):
            restart()
            model = Model(len(letters), size)
            train(model, learned, chunk, name == "carried on", updates, f"{chunk}-{name}")
            with no_grad():
                nats.append(model.loss(rows[:-1], rows[1:])[0].item())
            results[f"nats a character, chunks of {chunk}, state {name}"] = nats[-1]
    rows = rows[:161]
    lengths = [1, 5, 10, 20, 40, 160]
    gradients, peaks = zip(*(gradient(model, rows, chunk) for chunk in lengths), strict=True)
    full = gradients[-1]
    cosines = [float(g @ full / np.linalg.norm(g) / np.linalg.norm(full)) for g in gradients]
    for chunk, cosine, peak in list(zip(lengths, cosines, peaks, strict=True))[1::2]:
        results[f"cosine with the full gradient, chunks of {chunk}"] = cosine
        results[f"megabytes, chunks of {chunk}"] = peak / 1e6
    counts = ngram_nats(learned, held, len(letters), 5)
    draw(alphabet, lengths, cosines, peaks, curves, counts[-1])
    return results | {f"baseline: nats by counts of {n} in a row": counts[n - 1] for n in (1, 2, 5)}


def draw(alphabet, lengths, cosines, peaks, curves, counted):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 4), layout="constrained", width_ratios=(1, 1.2, 1.2))
    for (row, column), letter in np.ndenumerate(alphabet):
        left.text(column, row, letter, ha="center", va="center", fontsize=13)
    for chunk in (0, 1):
        left.add_patch(plt.Rectangle((-0.5, 3 * chunk - 0.45), 4, 2.9, facecolor=f"C{chunk}", alpha=0.2))
        left.text(3.7, 3 * chunk + 1, f"chunk {chunk + 1}", va="center", color=f"C{chunk}")
    left.set(xlim=(-0.7, 5.5), ylim=(5.7, -0.7), title="a to z in 4 columns, k = 3:\nthe state goes on, no gradient back")
    left.axis("off")
    memory = middle.twinx()
    middle.semilogx(lengths, cosines, "o-", color="C0")
    middle.set(xlabel="k, rows of a chunk", ylabel="cosine with the full gradient (circles)", ylim=(0, 1.05))
    memory.semilogx(lengths, np.array(peaks) / 1e6, "s--", color="C3")
    memory.set(ylabel="megabytes (squares)", ylim=(0, None), title="gradient of 160 rows")
    for i, (name, nats) in enumerate(curves.items()):
        right.plot(nats, "o-", color=("C2", "C4")[i], label=f"state {name}")
    right.axhline(counted, color="grey", linestyle="--", label="counts of 5 in a row")
    right.set(xlabel="k, rows of a chunk", ylabel="nats a character, new text", title="what is learned")
    figure.get_layout_engine().set(wspace=0.06)
    middle.set_xticks(lengths, lengths, minor=False)
    right.set_xticks(range(3), (5, 20, 80))
    right.legend()
    picture("full_or_truncated", figure)


if __name__ == "__main__":
    run(main)
