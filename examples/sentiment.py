"""Good or bad? A bag of words, a convolution over words, and an LSTM read the same sentences."""

import matplotlib.pyplot as plt
import numpy as np
from bag_of_words import load
from shared import picture, run

import minigrad
import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "on rt-polarity: CNN with random vectors 76.1 %, with word2vec's 81.5 % (Kim, 2014)"


class Bag(nn.Module):
    """The mean of the words' vectors: their order is lost."""

    def __init__(self, words, size):
        self.embed, self.out = nn.Embedding(words, size, padding_idx=0), nn.Linear(size, 2)

    def forward(self, x, lengths):
        return self.out(self.embed(x).sum(axis=1) / lengths[:, None])


class Convolution(nn.Module):
    """Windows of 2, 3 and 4 words, and for each filter its strongest answer (Kim, 2014)."""

    def __init__(self, words, size, filters=48):
        self.embed = nn.Embedding(words, size, padding_idx=0)
        self.convs = [nn.Conv1d(size, filters, k, padding=k - 1) for k in (2, 3, 4)]
        self.dropout, self.out = nn.Dropout(0.5), nn.Linear(3 * filters, 2)

    def forward(self, x, lengths):
        e = self.embed(x).swapaxes(1, 2)  # (N, size, T)
        return self.out(self.dropout(np.concatenate([nn.functional.relu(c(e)).max(axis=2) for c in self.convs], axis=1)))


class Recurrent(nn.Module):
    """An LSTM in both directions; its last states."""

    def __init__(self, words, size, hidden=32):
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.3)
        self.lstm, self.out = nn.LSTM(size, hidden, bidirectional=True, batch_first=True), nn.Linear(2 * hidden, 2)

    def forward(self, x, lengths):
        _, (h, _) = self.lstm(self.dropout(self.embed(x)), lengths=lengths)
        return self.out(np.concatenate([h[0], h[1]], axis=1))


def main(epochs=6, size=48, data=None):
    lines, labels = load(data)
    order = np.random.default_rng(1).permutation(len(lines))
    train, test = np.split(order, [int(0.9 * len(order))])
    words = Vocabulary.of_words([lines[i] for i in train], min_count=2)
    x, mask = pad_rows([words.encode(line) for line in lines])
    lengths = mask.sum(axis=1)
    scores = {}
    for kind in (Bag, Convolution, Recurrent):
        minigrad.random.manual_seed(0)
        rng, model, found = np.random.default_rng(0), kind(len(words), size), []
        optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(epochs):
            model.train()
            for rows in np.array_split(rng.permutation(train), len(train) // 32):
                t = lengths[rows].max()
                loss = nn.functional.cross_entropy(model(x[rows, :t], lengths[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with no_grad():
                found.append(nn.metrics.accuracy(model(x[test], lengths[test]).numpy(), labels[test]))
        scores[kind.__name__] = found
        print(f"{kind.__name__}: {found[-1]:.3f}")
    figure, axis = plt.subplots()
    for name, found in scores.items():
        axis.plot(range(1, epochs + 1), found, "o-", label=name)
    axis.set(xlabel="epoch", ylabel="test accuracy")
    axis.legend()
    picture("sentiment", figure)
    return {f"test accuracy, {name}": found[-1] for name, found in scores.items()}


FULL = {"epochs": 20, "size": 300}

if __name__ == "__main__":
    run(main)
