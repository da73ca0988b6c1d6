"""Named entities: which words are a person, a place, a firm? By their characters, by the words around, or by both.

Each word has a vector of its own, <unk> where it is rare, as every name is; and one from its characters, the last states
of a GRU that reads them in both directions. An LSTM in both directions reads these vectors, and P[t] = softmax(W h[t] + b)
is over tags: B-PERSON begins a name, I-PERSON goes on with it, O is none (as Lample et al., 2016, without their CRF,
with a GRU in place of the LSTM that reads their characters, and the two vectors added, not side by side).
F1 is of whole names: first word, last word and kind must be right. No name of the test stands in training, and no sentence
either when its names are masked: a checksum of the masked sentence says which are the test's. Sentences are joined from a
beginning, a subject and what it does; some tell the kind of a name and some do not; so do the endings of the names.
"""

import re

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from shared.entities import sentences

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "F1 0.909 on other data, the news of CoNLL-2003, with a CRF and pretrained vectors (Lample et al., 2016)"

TAGS = ("O", "B-PERSON", "I-PERSON", "B-PLACE", "I-PLACE", "B-FIRM", "I-FIRM")


class Tagger(nn.Module):
    def __init__(self, characters, words, spelled, context, hidden=32):
        self.spelled, self.context = spelled, context
        self.embed, self.spell = nn.Embedding(words, hidden, padding_idx=0), nn.Embedding(characters, 16, padding_idx=0)
        self.gru = nn.GRU(16, hidden // 2, bidirectional=True, batch_first=True)
        self.lstm = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden if context else hidden, len(TAGS))

    def forward(self, words, spelled, lengths):  # (N, T), (N, T, C), (N,)
        vectors = self.embed(words) if self.context else 0.0
        if self.spelled:
            flat = spelled.reshape(-1, spelled.shape[-1])
            last = self.gru(self.spell(flat), lengths=np.maximum((flat > 0).sum(axis=1), 1))[1]
            vectors = vectors + np.concatenate([last[0], last[1]], axis=1).reshape(*words.shape, -1)
        return self.out(self.lstm(vectors, lengths=lengths)[0] if self.context else vectors)


def spans(tags):
    """The names in a row of tags: (first, after the last, kind)."""
    return {(m.start(), m.end(), m[0][0]) for m in re.finditer("Aa*|Bb*|Cc*", "".join("OAaBbCc"[tag] for tag in tags))}


def f1(said, true):
    found = [(spans(a), spans(b)) for a, b in zip(said, true, strict=True)]
    return 2 * sum(len(a & b) for a, b in found) / max(sum(len(a) + len(b) for a, b in found), 1)


def trained(kind, words, spelled, lengths, tags, updates):
    restart()
    model, rng = Tagger(*kind), generator(2)
    optimizer = nn.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(updates):
        rows = rng.integers(0, len(words), 32)
        scores = model(words[rows], spelled[rows], lengths[rows]).reshape(-1, len(TAGS))
        loss = nn.functional.cross_entropy(scores, tags[rows].reshape(-1), ignore_index=-100)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(updates=300, count=1000):
    rng, used = generator(), set()
    train, test = sentences(count, rng, used, test=False), sentences(400, rng, used, test=True)
    known = Vocabulary.of_words([" ".join(words) for words, *_ in train], min_count=5, special=("<pad>", "<unk>"))
    characters = Vocabulary.of_characters([word for words, *_ in train for word in words], special=("<pad>", "<unk>"))

    def arrays(rows):
        words, mask = pad_rows([known.encode(" ".join(row)) for row, *_ in rows])
        characters_of, _ = pad_rows([characters.encode(word) for row, *_ in rows for word in row])
        spelled = np.zeros((*mask.shape, characters_of.shape[1]), int)
        spelled[mask] = characters_of
        return words, spelled, mask.sum(axis=1), pad_rows([row for _, row, _ in rows], -100)[0]

    data, asked, true, scores = arrays(train), arrays(test), [tags for _, tags, _ in test], {}
    sizes = len(characters), len(known)
    print(*test[0][0], "->", *(known.symbols[i] for i in asked[0][0]))
    for title, spelled, context in (("characters alone", True, False), ("words around", False, True), ("both", True, True)):
        model = trained((*sizes, spelled, context), *data, updates)
        with no_grad():
            said = model(*asked[:3]).numpy().argmax(axis=-1)
        scores[title] = f1([row[:n].tolist() for row, n in zip(said, asked[2], strict=True)], true)
    names = [{w for words, tags, _ in part for w, t in zip(words, tags, strict=True) if t} for part in (train, test)]
    share = np.bincount([t for _, tags, _ in train for t in tags])
    drawn = [rng.choice(len(TAGS), len(tags), p=share / share.sum()) for tags in true]
    large = [np.array([word[0].isupper() for word in words]) for words, *_ in test]
    large = [row * (1 + 2 * share[1::2].argmax() + np.append(0, row[:-1])) for row in large]
    compared = {"chance: tags by their share": f1(drawn, true), "baseline: capitals, commonest kind": f1(large, true)}
    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    bars = axis.barh([*scores, *compared], [*scores.values(), *compared.values()], color=["C0"] * 3 + ["grey"] * 2)
    axis.bar_label(bars, fmt="%.2f", padding=3)
    axis.set(xlabel="F1 of whole names, none of them seen before", xlim=(0, 1.1), ylim=(4.6, -0.6))
    picture("named_entities", figure)
    return {
        **({f"F1: {title}": score for title, score in scores.items()} | compared),
        "unknown words of the test": float((asked[0] == 1).sum() / asked[2].sum()),
        "test names in training": len(names[0] & names[1]),
        "test sentences in training, names masked": len({row[2] for row in train} & {row[2] for row in test}),
        "different test sentences, names masked": len({row[2] for row in test}),
    }


if __name__ == "__main__":
    run(main)
