"""Music as text: an LSTM learns jigs in ABC notation, character by character, and writes tunes of its own.

    p(character t | all before) = softmax(W h_t + b),  where c_t = f c_{t-1} + i g,  h_t = o tanh(c_t)

Each tune has a key, a motif of six notes, its answer a step higher or lower, the motif again, and a close on the
key note. A table of the two characters before knows which notes follow each other, and no more. That a bar has
six eighths takes counting, which the LSTM soon learns; that the third bar is the first again takes a memory of
fourteen characters, which comes late: in about two tunes of three the LSTM has it.
The motif nobody can predict: the entropy of the tunes is the floor of the nats. The baseline is the best count of
1 to 8 characters in a row. Tunes to test on that stand in training, too, are left out.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, generator, ngram_nats, picture, restart, run, steps
from shared.tunes import SCALE, entropy, tune

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows, sample

PUBLISHED = "23,000 folk tunes, 3 layers of 512 (Sturm et al., 2016; judged by musicians, no number)"
FULL = {"layers": 3, "hidden": 512, "epochs": 100}


def bars_of(text):
    """The bars of each tune."""
    return [line.strip("|:").split("|") for line in text.splitlines() if line.startswith("|:")]


def shares(text):
    """Of the bars those of six eighths; of the tunes those whose third bar is the first again."""
    tunes = bars_of(text)
    beats = [sum(int(c) - 1 if c.isdigit() else c.isalpha() for c in bar) for bars in tunes for bar in bars]
    return float(np.mean([b == 6 for b in beats])), float(np.mean([len(b) > 2 and b[0] == b[2] for b in tunes]))


class Table:
    """How often each character follows each two, and each counted 0.01 times more."""

    def __init__(self, numbers, size):
        self.counts = np.full((size, size, size), 0.01)
        np.add.at(self.counts, (numbers[:-2], numbers[1:-1], numbers[2:]), 1)
        self.counts /= self.counts.sum(axis=-1, keepdims=True)

    def step(self, character, before):
        return np.log(self.counts[character if before is None else before, character]), character


def trained(model, numbers, epochs):
    """The loss of each update; the state is carried on from window to window."""
    windows = list(bptt_windows(batchify(numbers, 32), 50))
    optimizer, kept = nn.optim.Adam(model.parameters(), lr=5e-3), {"state": None, "losses": []}
    for step in steps(epochs * len(windows), model, optimizer, kept=kept):
        x, y = windows[step % len(windows)]
        h, state = model[1](model[0](x), kept["state"] if step % len(windows) else None)
        kept["state"] = [s.detach() for s in state]
        loss = nn.functional.cross_entropy(model[2](h).reshape(-1, model[2].out_features), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        kept["losses"].append(loss.item())
    return kept["losses"]


def roll(axis, text, title):
    """The notes of four bars, height over time."""
    start, bars = 0, [bar for tune_bars in bars_of(text) for bar in tune_bars]
    for bar in bars[:4]:
        for note, following in zip(bar, bar[1:] + " ", strict=True):
            length = int(following) if following.isdigit() else 1
            if note in SCALE:
                axis.barh(SCALE.index(note), length - 0.2, left=start + 0.1, color="C0")
                start += length
        axis.axvline(start, color="0.7", lw=1)
    axis.set_title(title, loc="left", size=10)
    axis.set(xlim=(0, 26), ylim=(-1, 12), yticks=range(0, 12, 3), yticklabels=SCALE[::3])


def main(epochs=20, layers=1, hidden=96, tunes=8000, data=None):
    rng = generator()
    text = "".join(tune(rng) for _ in range(tunes)) if data is None else data.read_text(encoding="utf-8")
    cut = text.find("\n\n", len(text) * 9 // 10) + 2
    if cut == 1:
        raise ValueError(f"{data} must have many tunes in ABC notation, with an empty line after each")
    known = set(text[:cut].split("\n\n"))
    held = "".join(f"{t}\n\n" for t in text[cut:].split("\n\n") if t and t not in known)
    characters = Vocabulary.of_characters(text)
    train, test, size = np.array(characters.encode(text[:cut])), np.array(characters.encode(held)), len(characters)
    restart()
    model = nn.Sequential(nn.Embedding(size, 24), nn.LSTM(24, hidden, layers), nn.Linear(hidden, size))
    losses, table = trained(model, train, epochs), Table(train, size)

    def step(character, state):
        h, state = model[1](model[0](np.array([[character]])), state)
        return model[2](h).numpy()[0, 0], state

    with no_grad():
        scores = model[2](model[1](model[0](test[:-1, None]))[0][:, 0])
        nats = nn.functional.cross_entropy(scores, test[1:]).item()
        ours, theirs = (characters.decode(sample(by, characters["\n"], None, 4000)) for by in (step, table.step))
    figure = plt.figure(figsize=(11.5, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.4])
    axis = left.subplots()
    axis.plot(losses, label="LSTM, training")
    counted = ngram_nats(train, test, size, 8)
    compared = {"baseline: nats, the best count of 1 to 8 characters": min(counted), "baseline: nats, trigrams": counted[2]}
    compared["chance: nats, all alike"] = float(np.log(size))
    compared |= {"floor: nats, entropy of the tunes": entropy()} if data is None else {}
    for style, (name, value) in zip(("--", ":", "-.", "-"), compared.items(), strict=False):
        axis.axhline(value, color="0.4", ls=style, label=name.split(": ")[1].removeprefix("nats, "))
    axis.axhline(nats, color="C1", label="LSTM, test")
    axis.set(xlabel="update", ylabel="nats for each character", ylim=(0, 3.2))
    left.legend(loc="outside lower center", ncols=2)
    names = "from the corpus", "written by the LSTM", "written by the table"
    for axis, written, title in zip(right.subplots(3, 1, sharex=True), (held, ours, theirs), names, strict=True):
        roll(axis, written, title)
    axis.set(xlabel="eighths")
    picture("music", figure)
    (OUT / "music.abc").write_text(ours, encoding="utf-8")
    results = {"test tunes": len(bars_of(held)), "nats": nats, **compared}
    for name, written in (("", ours), ("baseline: table, ", theirs)):
        six, again = shares(written)
        results |= {f"{name}bars of six eighths": six, f"{name}third bar is the first": again}
    return results


if __name__ == "__main__":
    run(main)
