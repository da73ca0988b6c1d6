"""Polysemy: a word with two meanings has one vector in word2vec, but two clusters of states in an LSTM.

Money is taken out of a bank, and one sits on the bank of a river; an apple is eaten, and Apple sells laptops.
word2vec gives such a word one vector, between its two kinds of company. An LSTM that learns the next word,

    h_t, c_t = LSTM(x_t, h_(t-1), c_(t-1)),    p(x_(t+1)) = softmax(W h_t + b),

has another state each time it reads the word. Nobody tells it the meanings: its states at the word are put
into two clusters (k-means), which are compared with the meanings in new sentences. Each sentence names a
thing of either meaning, and only its grammar says which one counts ("a boat instead of a cheque took him to
the bank"). From each state the mean of those in sentences that begin alike is taken away, or the clusters would
be those of the grammar. Baselines, treated alike: the mean of the words before, the first thing that is named
(right in two of three forms of sentence), and the states of an LSTM that was not trained.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, generator, label, picture, restart, run, steps, train_word2vec
from shared.two_meanings import MEANINGS, part_of, sentences, without_form
from sklearn.cluster import KMeans

import nn
from minigrad import no_grad
from nn.text import Vocabulary, WordVectors, pad_rows

PUBLISHED = "states of language models as vectors of words: ELMo (Peters et al., 2018)"


class LanguageModel(nn.Module):
    """The scores of each next word, and the states they come from."""

    def __init__(self, words, size, hidden):
        self.embed, self.lstm = nn.Embedding(words, size), nn.LSTM(size, hidden, batch_first=True)
        self.out = nn.Linear(hidden, words)

    def forward(self, x):
        states, _ = self.lstm(self.embed(x))
        return self.out(states), states


def learn(model, x, updates):
    """By cross-entropy of the next word; padding does not count."""
    rng, optimizer = generator(3), nn.optim.Adam(model.parameters(), lr=0.01)
    for step in steps(updates, model, optimizer, rng):
        rows = x[rng.integers(0, len(x), 64)]
        scores = model(rows[:, :-1])[0].swapaxes(1, 2)  # (N, words, T)
        loss = nn.functional.cross_entropy(scores, rows[:, 1:], ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: {loss.item():.3f} nats")


def states_at(model, x, at):
    """The hidden states just after it has read the word with two meanings."""
    with no_grad():
        return model(x)[1].numpy()[np.arange(len(x)), at]


def mean_before(vectors, texts, at):
    """The mean of word2vec's vectors of the words before it."""
    befores = [text.split()[:i] for text, i in zip(texts, at, strict=True)]
    return np.array([np.mean([vectors[w] for w in words], axis=0) for words in befores])


def first_named(vectors, texts):
    """The vector of the word after the first article."""
    words = [text.split() for text in texts]
    return np.array([vectors[row[1 + min(row.index(a) for a in ("a", "the") if a in row)]] for row in words])


def agreement(points, told):
    """Two clusters for each word, found without meanings; how often new states fall where their meaning is."""
    right, points = [], without_form(points, told)
    for word in MEANINGS:
        at, meanings = zip(*(part_of(word, part) for part in told), strict=True)
        found = KMeans(2, n_init=10, random_state=chosen()).fit(points[0][at[0]])
        turned = (found.labels_ == meanings[0]).mean() < 0.5
        right.append((found.predict(points[1][at[1]]) == meanings[1]) != turned)
    return float(np.concatenate(right).mean())


def draw(vectors, points, new):
    """Above the one vector of each word among its company, below its states, coloured by meaning."""
    figure, axes = plt.subplots(2, 4, figsize=(14, 7.4), layout="constrained")
    for above, below, word in zip(*axes, MEANINGS, strict=True):
        around = [lead for lead, _ in MEANINGS[word]]
        places = nn.inspect.pca(np.array([vectors[w] for w in (*around[0], *around[1], word)]))
        at, meanings = part_of(word, new)
        shown = nn.inspect.pca(points[at])
        above.plot(*places[-1], "k*", markersize=14)
        for meaning, here in enumerate(np.split(places[:-1], [len(around[0])])):
            above.plot(*here.T, "o", color=f"C{meaning}")
            side = 1 if here[:, 0].mean() > places[:-1, 0].mean() else -1  # to the outside
            label(above, around[meaning], *here.T, side, f"C{meaning}", gap=0.075 * np.ptp(places[:, 1]))
            name = f"as with {around[meaning][0]}"
            below.plot(*shown[meanings == meaning].T, "o", color=f"C{meaning}", markersize=4, label=name)
        above.margins(0.6, 0.2)
        above.set(title=f"{word}: one vector of word2vec (star)", xticks=[], yticks=[])
        below.set(title=f"{word}: states of the LSTM", xticks=[], yticks=[])
        below.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2, frameon=False)
    picture("polysemy", figure)


def main(count=700, updates=450, hidden=64):
    told = [sentences(count, generator(1))]
    told.append(sentences(800, generator(2), without=set(told[0])))
    texts = [[text for *_, text in part] for part in told]
    vocabulary = Vocabulary.of_words(texts[0], special=("<pad>",))
    x = [pad_rows([[*vocabulary.encode(text), 0] for text in part])[0] for part in texts]
    at = [np.array([text.split().index(word) for word, _, text in part]) for part in told]
    inside, _, known, _ = train_word2vec(texts[0], updates=updates // 2, rare=1)
    vectors = WordVectors(known.symbols, inside)
    means = [mean_before(vectors, *both) for both in zip(texts, at, strict=True)]
    restart()
    model = LanguageModel(len(vocabulary), 32, hidden)
    untrained = [states_at(model, *both) for both in zip(x, at, strict=True)]
    learn(model, x[0], updates)
    learned = [states_at(model, *both) for both in zip(x, at, strict=True)]
    first = [first_named(vectors, part) for part in texts]
    draw(vectors, without_form(learned, told)[1], told[1])
    return {
        "meanings right by the clusters of states": agreement(learned, told),
        "baseline: clusters of the mean of the words before": agreement(means, told),
        "baseline: clusters of the first thing named": agreement(first, told),
        "baseline: clusters of states, not trained": agreement(untrained, told),
        "chance": 0.5,
        "new sentences that stand in training": len(set(texts[0]) & set(texts[1])),
    }


if __name__ == "__main__":
    run(main)
