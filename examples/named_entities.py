"""Named entities: which words are a person, a place, a firm? Known by their characters, by the words around, or by both.

Each word has a vector of its own, <unk> where it is rare, as every name is; and one from its characters, the last states
of a GRU that reads them in both directions. An LSTM in both directions reads these vectors, and P[t] = softmax(W h[t] + b)
is over tags: B-PERSON begins a name, I-PERSON goes on with it, O is none (Lample et al., 2016, without their CRF).
F1 is of whole names: first word, last word and kind must be right. No name of the test stands in training. The
sentences are made of templates, of which some tell the kind and some do not; so do the endings of the names.
"""

import re

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "CoNLL-2003, news in English: F1 0.909, with a CRF and pretrained vectors (Lample et al., 2016)"

TAGS = ("O", "B-PERSON", "I-PERSON", "B-PLACE", "I-PLACE", "B-FIRM", "I-FIRM")
ENDINGS = ("mir sen ette olf", "burg ford stan ville", "tex corp soft tron", "an el or is en a")  # the last: of any kind
SYLLABLES = "bra ke lo mi tan vu re so da fil gor ny pel ru sha ti wen zo"
#: 0, 1, 2: a name of that kind; ?: of any kind, which the sentence does not tell; *: a capital that begins no name.
TEMPLATES = (
    "mayor 0 spoke to the press / 0 was born in 1 / he lives near 1 with 0 / shares of 2 fell again / 2 hired 0 last week / "
    "the road to 1 is closed / the board of 2 met 0 / ? is in the news / we heard of ? yesterday / * said that ? has changed / "
    "* they wrote about ? and ? / people like ? for its food / * the river by 1 is deep / my aunt 0 works for 2 / "
    "the office of ? is closed / on Monday ? was quiet"
)


def name(kind, rng, used):
    """One word or two that no sentence had before."""
    words, wanted = {}, 1 + (rng.random() < 0.4)
    while len(words) < wanted:
        ending = rng.choice(ENDINGS[kind if rng.random() < 0.67 else 3].split())
        word = "".join([*rng.choice(SYLLABLES.split(), rng.integers(1, 3)), ending]).capitalize()
        words |= {} if word in used else {word: None}
    used.update(words)
    return list(words)


def sentences(count, rng, used):
    """Words and tags of sentences."""
    found = []
    for _ in range(count):
        words, tags = [], []
        for word in str(rng.choice(TEMPLATES.split(" / "))).replace("* ", "*").split():
            kind = int(rng.integers(3)) if word == "?" else "012".find(word)
            named = name(kind, rng, used) if kind >= 0 else [word[1:].capitalize() if word[0] == "*" else word]
            words += named
            tags += [1 + 2 * kind, 2 + 2 * kind][: len(named)] if kind >= 0 else [0]
        found.append((words, tags))
    return found


class Tagger(nn.Module):
    def __init__(self, characters, words, letters, context, hidden=32):
        self.letters, self.context = letters, context
        self.embed, self.spell = nn.Embedding(words, hidden, padding_idx=0), nn.Embedding(characters, 16, padding_idx=0)
        self.gru = nn.GRU(16, hidden // 2, bidirectional=True, batch_first=True)
        self.lstm = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden if context else hidden, len(TAGS))

    def forward(self, words, spelled, lengths):  # (N, T), (N, T, C), (N,)
        vectors = self.embed(words) if self.context else 0.0
        if self.letters:
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


def trained(sizes, letters, context, words, spelled, lengths, tags, updates):
    restart()
    model, rng = Tagger(*sizes, letters, context), generator(2)
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
    train, test = sentences(count, rng, used), sentences(400, rng, used)
    known = Vocabulary.of_words([" ".join(words) for words, _ in train], min_count=5, special=("<pad>", "<unk>"))
    characters = Vocabulary.of_characters([word for words, _ in train for word in words], special=("<pad>", "<unk>"))

    def arrays(rows):
        words, mask = pad_rows([known.encode(" ".join(row)) for row, _ in rows])
        letters, _ = pad_rows([characters.encode(word) for row, _ in rows for word in row])
        spelled = np.zeros((*mask.shape, letters.shape[1]), int)
        spelled[mask] = letters
        return words, spelled, mask.sum(axis=1), pad_rows([row for _, row in rows], -100)[0]

    data, asked, true, scores = arrays(train), arrays(test), [tags for _, tags in test], {}
    sizes = len(characters), len(known)
    print(*test[0][0], "->", *(known.symbols[i] for i in asked[0][0]))
    for title, letters, context in (("letters alone", True, False), ("words around", False, True), ("both", True, True)):
        model = trained(sizes, letters, context, *data, updates)
        with no_grad():
            said = model(*asked[:3]).numpy().argmax(axis=-1)
        scores[title] = f1([row[:n].tolist() for row, n in zip(said, asked[2], strict=True)], true)
    names = [{w for words, tags in part for w, t in zip(words, tags, strict=True) if t} for part in (train, test)]
    share = np.bincount([t for _, tags in train for t in tags])
    drawn = [rng.choice(len(TAGS), len(tags), p=share / share.sum()) for tags in true]
    large = [np.array([word[0].isupper() for word in words]) for words, _ in test]
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
    }


if __name__ == "__main__":
    run(main)
