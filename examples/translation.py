"""Short sentences from English to French, with attention; scored by BLEU."""

import re

import matplotlib.pyplot as plt
import numpy as np
from attention import Attentive
from shared import picture, run

import nn
from minigrad import no_grad
from nn.metrics import bleu
from nn.text import Vocabulary, pad_rows

PUBLISHED = "on news, not on such short sentences: 26.75 with attention (Bahdanau et al., 2015, all sentences)"

#: A little grammar for a run without --data: English and French of who, what they do, and to which thing.
WHO = {"i": "je", "you": "tu", "she": "elle", "we": "nous"}
VERBS = {
    "see": "vois vois voit voyons",
    "want": "veux veux veut voulons",
    "take": "prends prends prend prenons",
    "find": "trouve trouves trouve trouvons",
}
THINGS = {
    "cat": ("le", "chat"),
    "house": ("la", "maison"),
    "book": ("le", "livre"),
    "flower": ("la", "fleur"),
    "bread": ("le", "pain"),
    "car": ("la", "voiture"),
}
ADJECTIVES = {"black": ("noir", "noire"), "green": ("vert", "verte"), "small": ("petit", "petite"), "great": ("grand", "grande")}


def load(data):
    """Pairs of sentences, of a file of lines "english<TAB>french", or of the grammar: adjectives agree and change places."""
    if data is not None:
        lines = [line.split("\t")[:2] for line in data.read_text(encoding="utf-8").splitlines()]
        return [tuple(" ".join(re.findall(r"[\w']+|[.?!,]", side.lower())) for side in pair) for pair in lines]
    pairs = []
    for i, (who, qui) in enumerate(WHO.items()):
        for verb, forms in VERBS.items():
            for thing, (article, chose) in THINGS.items():
                for adjective, genders in ADJECTIVES.items():
                    word = genders[article == "la"]
                    group = f"{word} {chose}" if adjective in ("small", "great") else f"{chose} {word}"
                    does = verb + "s" * (who == "she")
                    pairs.append((f"{who} {does} the {adjective} {thing}", f"{qui} {forms.split()[i]} {article} {group}"))
    return pairs


def main(updates=1000, hidden=96, batch=32, data=None):
    pairs = load(data)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(pairs))
    train, test = np.split(order, [int(0.9 * len(pairs))])
    sides = [Vocabulary.of_words([pairs[i][k] for i in train], min_count=1 if data is None else 2) for k in (0, 1)]
    x, mask = pad_rows([sides[0].encode(a) for a, _ in pairs])
    y, _ = pad_rows([sides[1].encode(b, start=True, end=True) for _, b in pairs])
    lengths = mask.sum(axis=1)
    model = Attentive(len(sides[0]), len(sides[1]), hidden, "additive")
    optimizer, losses = nn.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2), []
    while len(losses) < updates:
        rows = rng.choice(train, batch)
        length = int((y[rows] != 0).sum(axis=1).max())
        scores = model(x[rows], lengths[rows], y[rows, : length - 1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y[rows, 1:length].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if len(losses) % 200 == 0:
            print(f"{len(losses)} updates: loss {np.mean(losses[-50:]):.3f}")
    rows = test[:300]
    with no_grad():
        state, token, said = model.encode(x[rows], lengths[rows]), y[rows, :1], []
        for _ in range(y.shape[1] - 1):
            scores, state = model.decode(token, state)
            token = scores.numpy().argmax(axis=-1)
            said.append(token[:, 0])
    end = sides[1]["</s>"]
    texts = [sides[1].decode(row[: list(row).index(end)] if end in row else row) for row in np.array(said).T]
    for i in range(5):
        print(f"{pairs[rows[i]][0]:<40} -> {texts[i]}")
    wanted = [pairs[i][1] for i in rows]
    figure, axis = plt.subplots()
    axis.plot(np.convolve(losses, np.ones(20) / 20, "valid"))
    axis.set(xlabel="update", ylabel="loss", title=f"{pairs[rows[0]][0]} -> {texts[0]}")
    picture("translation", figure)
    score = bleu([t.split() for t in texts], [[w.split()] for w in wanted])
    return {
        "BLEU on sentences never seen": 100 * score,
        "exact": float(np.mean([a == b for a, b in zip(texts, wanted, strict=True)])),
    }


FULL = {"updates": 50_000, "hidden": 512}

if __name__ == "__main__":
    run(main)
