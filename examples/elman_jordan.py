"""Elman's and Jordan's networks: what comes next in a stream of syllables, and which of them remembers enough.

    Elman    h_t = tanh(W_h x_t + U_h h_{t-1} + b_h),   y_t = softmax(W_y h_t + b_y)
    Jordan   h_t = tanh(W_h x_t + U_h y_{t-1} + b_h),   y_t = softmax(W_y h_t + b_y)

The task is Elman's: consonants come in random order, and each is followed by its vowels, b by a, d by ii, g by
uuu. The consonant cannot be predicted (log 3 nats are the least), all within a syllable can. The last u of three
looks like the first two: to know that a consonant follows, one must count. Elman's network keeps its hidden state,
and counts; Jordan's keeps only what it has predicted. A table of pairs sees one character; one of four characters in
a row (it sees the consonant and all of uu) is the floor. In the picture both networks read the same characters.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run

import nn
from minigrad import Tensor, no_grad
from nn.functional import softmax

PUBLISHED = "the error is high at consonants, low within syllables (Elman, 1990; a picture, no number)"
SYLLABLES, CHARACTERS = ("ba", "dii", "guuu"), "bdgaiu"
EYE = np.eye(len(CHARACTERS), dtype=np.float32)


def stream(syllables, rng):
    """The numbers of the characters."""
    return np.array([CHARACTERS.index(c) for c in "".join(rng.choice(SYLLABLES, syllables))])


def distribution(scores):
    return softmax(scores, axis=-1)


def trained(model, numbers, updates):
    """Both give probabilities out, and minimise the same cross-entropy."""
    rng, optimizer = generator(1), nn.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(updates):
        start = rng.integers(0, len(numbers) - 41, 16)
        rows = numbers[start + np.arange(41)[:, None]]  # (T + 1, B)
        loss = np.mean(losses(model, rows))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def losses(model, rows):
    """-log p of each next character, (T, B)."""
    p, _ = model(Tensor(EYE[rows[:-1]]))
    return -np.log(np.sum(p * EYE[rows[1:]], axis=-1) + 1e-6)


def counted(numbers, test, seen):
    """The loss at each character, by counts of what followed the last `seen` characters."""
    rows = [np.stack([text[i : len(text) - seen + i] for i in range(seen + 1)]) for text in (numbers, test)]
    table = np.full((len(CHARACTERS),) * (seen + 1), 1e-6)
    np.add.at(table, tuple(rows[0]), 1)
    return -np.log((table / table.sum(axis=-1, keepdims=True))[tuple(rows[1])])


def main(updates=500, hidden=20):
    numbers, test = stream(600, generator()), stream(400, generator(2))
    found = {}
    for name, network in (("Elman", nn.Elman), ("Jordan", nn.Jordan)):
        restart()
        model = network(6, hidden, 6, output_activation=distribution)
        trained(model, numbers, updates)
        with no_grad():
            found[name] = losses(model, test[:, None]).numpy()[:, 0]
    found["baseline: pairs"] = counted(numbers, test, 1)
    floor = counted(numbers, test, 4)
    figure, axis = plt.subplots(figsize=(11.5, 4))
    for (name, values), style in zip(found.items(), ("o-", "s-", "k:"), strict=True):
        axis.plot(values[:40], style, label=name.replace("baseline: ", "table of "), alpha=0.8)
    axis.axhline(np.log(3), color="0.6", ls="--", label="log 3")
    axis.set_xticks(range(40), [CHARACTERS[i] for i in test[1:41]])
    axis.set(ylabel="cross-entropy in nats", xlabel="predicted character", title="High where a syllable begins")
    axis.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    picture("elman_jordan", figure)
    first = test[1:] < 3
    results = {}
    for name, values in found.items():
        results |= {f"{name}, nats at a consonant": float(values[first].mean())}
        results |= {f"{name}, nats within a syllable": float(values[~first].mean())}
    results["baseline: table of four characters before, the floor, nats at a consonant"] = float(floor[first[3:]].mean())
    results["baseline: table of four characters before, the floor, nats within a syllable"] = float(floor[~first[3:]].mean())
    return results | {"chance: nats": float(np.log(6))}


if __name__ == "__main__":
    run(main)
