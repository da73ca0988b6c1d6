"""Where does a name come from? A recurrent network reads it letter by letter."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "the task of PyTorch's tutorial (Robertson, 2017), which gives no number on names kept apart"

#: Pieces of invented names, in the sound of five languages, for a run without --data FOLDER.
SOUNDS = {
    "Italian": (
        ["Ro", "Ma", "Bel", "Fer", "Car", "Gio", "Mon", "Sal"],
        ["li", "ra", "ti", "na", "do", "ri"],
        ["ni", "ti", "elli", "ini", "etti", "ucci"],
    ),
    "Russian": (
        ["Vol", "Iva", "Pet", "Kuz", "Mor", "Sok", "Bar", "Gri"],
        ["di", "ko", "ni", "to", "ra", "mi"],
        ["ov", "ev", "in", "sky", "enko", "ovich"],
    ),
    "German": (
        ["Schm", "Br", "Kr", "W", "Sch", "Hof", "St", "Berg"],
        ["ei", "au", "oe", "ie", "er", "ar"],
        ["mann", "er", "ler", "stein", "bach", "rich"],
    ),
    "Japanese": (
        ["Ta", "Ki", "Su", "Ya", "Ma", "Na", "Ha", "Ko"],
        ["ka", "mu", "ra", "shi", "ta", "no"],
        ["moto", "da", "mura", "saki", "hara", "gawa"],
    ),
    "Greek": (
        ["Pap", "Kal", "Dim", "Kon", "Stav", "Ant", "Geo", "The"],
        ["a", "o", "i", "e", "ou", "ia"],
        ["poulos", "idis", "akis", "ellis", "opoulos", "akos"],
    ),
}


def load(data):
    """Names and the numbers of their languages."""
    if data is not None:
        files = sorted(data.glob("*.txt"))
        lines = [file.read_text(encoding="utf-8").split() for file in files]
        return (
            [n for names in lines for n in names],
            np.repeat(np.arange(len(files)), [len(n) for n in lines]),
            [f.stem for f in files],
        )
    rng, names, labels = np.random.default_rng(0), [], []
    for label, (first, middle, last) in enumerate(SOUNDS.values()):
        for _ in range(300):
            names.append(
                rng.choice(first)
                + "".join(rng.choice(middle, rng.integers(0, 3)))
                + (rng.choice(last) if rng.random() < 0.8 else rng.choice(middle))
            )
            labels.append(label)
    return names, np.array(labels), list(SOUNDS)


class Reader(nn.Module):
    def __init__(self, letters, classes, hidden):
        self.embed = nn.Embedding(letters, 32, padding_idx=0)
        self.gru, self.out = nn.GRU(32, hidden, bidirectional=True, batch_first=True), nn.Linear(2 * hidden, classes)

    def forward(self, x, lengths):
        _, h = self.gru(self.embed(x), lengths=lengths)
        return self.out(np.concatenate([h[0], h[1]], axis=1))


def main(epochs=6, hidden=64, data=None):
    names, labels, languages = load(data)
    letters = Vocabulary.of_characters(names, special=("<pad>", "<unk>"))
    x, mask = pad_rows([letters.encode(name) for name in names])
    lengths = mask.sum(axis=1)
    order = np.random.default_rng(1).permutation(len(names))
    train, test = np.split(order, [int(0.9 * len(order))])
    model, rng = Reader(len(letters), len(languages), hidden), np.random.default_rng(0)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        for rows in np.array_split(rng.permutation(train), len(train) // 32):
            t = lengths[rows].max()
            loss = nn.functional.cross_entropy(model(x[rows, :t], lengths[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
    with no_grad():
        scores = model(x[test], lengths[test]).numpy()
    table = nn.metrics.confusion_matrix(scores, labels[test], len(languages)).astype(float)
    figure, axis = plt.subplots(figsize=(6, 6))
    axis.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues")
    axis.set_xticks(range(len(languages)), languages, rotation=90)
    axis.set_yticks(range(len(languages)), languages)
    axis.set(xlabel="said", ylabel="true")
    picture("names", figure)
    most = np.bincount(labels[test]).max() / len(test)
    return {"test accuracy": nn.metrics.accuracy(scores, labels[test]), "share of the largest language": float(most)}


FULL = {"epochs": 20, "hidden": 128}

if __name__ == "__main__":
    run(main)
