"""Where does a name come from? A recurrent network reads it character by character.

The class RNN of PyTorch's tutorial is i2h, h2o and LogSoftmax: h[t] = W_i2h [x[t], h[t-1]] + b, out = log softmax(W_h2o
h[t] + c), with x[t] the character as a unit vector. It has no nonlinearity between its steps; the same with tanh, and a
GRU in both directions, stand beside it. Every name is in training or in the test, never in both; characters that training
has not seen are <unk>, and shorter names are filled up with <pad>, which changes no state. Without --data the names are
made of pieces, some of them the language's own, some another's, so that no reader is always right. Counting which runs of
1 to 4 characters a language's names have is the baseline, and it wins: 1,800 names are few for a network that has to find
out by itself which runs matter.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import by_ngrams, generator, picture, restart, run, train_reader

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "the class and the task are of PyTorch's tutorial (Robertson, 2017), which gives no number on names kept apart"
#: What tells a language at the beginning, in the middle, at the end of a name.
SOUNDS = {
    "Italian": ("gio fer gua chi", "cci gli zza ppe", "elli ucci etti ani"),
    "Russian": ("vol kuz zhu gri", "sla vye tro dmi", "sky enko ovich yev"),
    "German": ("schm kr hof str", "uer ied oss ech", "mann stein bach rich"),
    "Japanese": ("ya tsu hi kyo", "shi mura tsu ka", "moto saki hara gawa"),
    "Greek": ("pap kon the xan", "tho phi gia dop", "poulos idis akis ellis"),
}
COMMON = ("ma ba ro sa te ni", "ra li na do se mi", "o a in er is an")


def invented(count, rng):
    """Different names, their languages: each piece is of the name's (40 %), one drawn anew (16 %), or any (44 %)."""
    languages, found = [*SOUNDS.values()], {}
    while len(found) < count:
        label = int(rng.integers(len(languages)))
        sounds = [(languages[label] if n < 20 else languages[n % 5] if n < 28 else COMMON) for n in rng.integers(0, 50, 4)]
        pieces = [rng.choice(sound[place].split()) for sound, place in zip(sounds, (0, 1, 1, 2), strict=True)]
        if rng.random() < 0.1:
            pieces[1] = chr(rng.integers(0xE0, 0x17F))  # a rare character
        found["".join(pieces).capitalize()] = label
    return list(found), np.array(list(found.values())), list(SOUNDS)


def load(data):
    """Different names, the languages' numbers (the commonest where a name has several), and the languages."""
    files, found = sorted(data.glob("*.txt")), {}
    if len(files) < 2:
        raise ValueError(f"{data} must be a folder with a file for each language, Italian.txt and so on, a name on each line")
    for label, file in enumerate(files):
        for name in filter(None, map(str.strip, file.read_text(encoding="utf-8").splitlines())):
            found.setdefault(name, []).append(label)
    return list(found), np.array([np.bincount(k).argmax() for k in found.values()]), [file.stem for file in files]


class RNN(nn.Module):  # the tutorial's; with an activation, Elman's network
    def __init__(self, characters, hidden, classes, activation=None):
        self.i2h, self.h2o = nn.Linear(characters + hidden, hidden), nn.Linear(hidden, classes)
        self.softmax, self.activation = nn.LogSoftmax(axis=1), activation
        self.unit = np.eye(characters, dtype=np.float32)

    def forward(self, x, lengths):
        hidden = np.zeros((len(x), self.h2o.in_features), np.float32)  # initHidden
        for t in range(x.shape[1]):
            after = self.i2h(np.concatenate([self.unit[x[:, t]], hidden], axis=1))
            after = self.activation(after) if self.activation else after
            hidden = np.where((t < lengths)[:, None], after, hidden)  # padding changes nothing
        return self.softmax(self.h2o(hidden))


class GRU(nn.Module):
    def __init__(self, characters, hidden, classes):
        self.embed, self.out = nn.Embedding(characters, 32, padding_idx=0), nn.Linear(2 * hidden, classes)
        self.gru = nn.GRU(32, hidden, bidirectional=True, batch_first=True)

    def forward(self, x, lengths):
        h = self.gru(self.embed(x), lengths=lengths)[1]
        return nn.functional.log_softmax(self.out(np.concatenate([h[0], h[1]], axis=1)), axis=1)


def main(updates=600, hidden=64, data=None):
    names, labels, languages = load(data) if data else invented(2000, generator())
    train_rows, test = np.split(generator(1).permutation(len(names)), [int(0.9 * len(names))])
    known, asked = [names[i] for i in train_rows], [names[i] for i in test]
    characters = Vocabulary.of_characters(known, special=("<pad>", "<unk>"))
    x, mask = pad_rows([characters.encode(name) for name in names])
    lengths = mask.sum(axis=1)
    shown = [*test[(x[test] == 1).any(axis=1)][:2], test[0]]
    print("as the network reads them:", *("".join(characters.symbols[c] for c in x[row]) for row in shown), sep="\n  ")
    models = {"RNN, linear": [RNN], "RNN with tanh": [RNN, nn.functional.tanh], "GRU, both directions": [GRU]}
    results = {"names": len(names), "unknown characters of the test": float((x[test] == 1).sum() / mask[test].sum())}
    for name, (kind, *more) in models.items():
        restart()
        model = kind(len(characters), hidden, len(languages), *more)
        seen = x[train_rows], lengths[train_rows], labels[train_rows]
        train_reader(name, model, *seen, updates, batch=32, lr=5e-3, loss=nn.functional.nll_loss)
        with no_grad():
            scores = model(x[test], lengths[test]).numpy()
        results[f"test accuracy: {name}"] = nn.metrics.accuracy(scores, labels[test])
    table = nn.metrics.confusion_matrix(scores, labels[test], len(languages))
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, axis = plt.subplots(figsize=(7.5, 6.5), layout="constrained")
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(languages)), languages, rotation=90)
    axis.set_yticks(range(len(languages)), languages)
    for row, column in np.argwhere(share >= 0.05):
        color = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=color, size=8)
    axis.set(xlabel="language said", ylabel="language of the name", title="GRU: share of the names of each language")
    picture("names", figure)
    most = np.bincount(labels[train_rows]).argmax()
    for name, guessed in by_ngrams(known, labels[train_rows], asked, 4, "char").items():
        results[f"baseline: {name} of 1 to 4 characters"] = float((guessed == labels[test]).mean())
    return results | {
        "chance: largest class": float((labels[test] == most).mean()),
        "test names in training": len(set(known) & set(asked)),
    }


FULL = {"updates": 3000, "hidden": 128}

if __name__ == "__main__":
    run(main)
