"""Good or bad? A bag of vectors, a convolution over words, and an LSTM read the same reviews.

Words are numbers; those that the training has only once are <unk>, and short reviews end in <pad>. From the
vectors e_1 ... e_T of a review's words:

    bag          softmax(W mean_t e_t + b): the order is lost
    convolution  c_t = relu(F [e_t ... e_(t+k-1)] + b), k = 3, 4, 5; softmax of max_t c_t (Kim, 2014)
    LSTM         softmax(W [h_T forwards, h_1 backwards] + b); padding is not read

In made-up reviews (shared/reviews.py) "not" turns a word, and what comes after "but" outweighs what stands
before it; the picture follows the scores while two reviews are read. `--data FOLDER` takes rt-polarity.
"""

import matplotlib.pyplot as plt
import numpy as np
from bag_of_words import load, naive_bayes, split
from shared import generator, picture, restart, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "rt-polarity, ten folds: CNN with random vectors 76.1 %, with word2vec's 81.5 % (Kim, 2014)"


class Bag(nn.Module):
    """The mean of the words' vectors."""

    def __init__(self, words, size, width):
        self.embed, self.out = nn.Embedding(words, size, padding_idx=0), nn.Linear(size, 2)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x, lengths):
        return self.out(self.dropout(self.embed(x).sum(axis=1) / lengths[:, None]))


class Convolution(nn.Module):
    """Windows of 3, 4 and 5 words, and for each filter its largest answer."""

    def __init__(self, words, size, width):
        self.embed = nn.Embedding(words, size, padding_idx=0)
        self.convs = [nn.Conv1d(size, width, k, padding=k - 1) for k in (3, 4, 5)]
        self.dropout, self.out = nn.Dropout(0.5), nn.Linear(3 * width, 2)

    def forward(self, x, lengths):
        e = self.embed(x).swapaxes(1, 2)  # (N, size, T)
        found = [nn.functional.relu(conv(e)).max(axis=2) for conv in self.convs]
        return self.out(self.dropout(np.concatenate(found, axis=1)))


class LSTM(nn.Module):
    """Both directions; their last states."""

    def __init__(self, words, size, width):
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.lstm = nn.LSTM(size, width, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * width, 2)

    def forward(self, x, lengths):
        _, (h, _) = self.lstm(self.embed(x), lengths=lengths)
        return self.out(self.dropout(np.concatenate([h[0], h[1]], axis=1)))


def scores(model, x, lengths):
    """Of many reviews, in small batches."""
    model.eval()
    with no_grad():
        parts = [model(x[i : i + 256], lengths[i : i + 256]).numpy() for i in range(0, len(x), 256)]
    model.train()
    return np.concatenate(parts)


def learn(model, train, test, epochs, batch):
    """The accuracy in the test after each epoch."""
    (x, lengths, y), found, rng = train, {"accuracy": []}, generator(3)
    optimizer, each = nn.optim.Adam(model.parameters(), lr=2e-3), len(x) // batch
    for step in steps(epochs * each, model, optimizer, rng, found, name=type(model).__name__):
        rows = rng.integers(0, len(x), batch)
        t = lengths[rows].max()
        loss = nn.functional.cross_entropy(model(x[rows, :t], lengths[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % each == 0:
            found["accuracy"].append(nn.metrics.accuracy(scores(model, *test[:2]), test[2]))
            print(f"{type(model).__name__}, epoch {len(found['accuracy'])}: {found['accuracy'][-1]:.3f}")
    return found["accuracy"]


def draw(models, curves, words, shown):
    """Accuracy by epoch; and how good a review seems after each of its words."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained", width_ratios=(1, 1.2, 1.2))
    for colour, (name, curve) in enumerate(curves.items()):
        axes[0].plot(range(1, len(curve) + 1), curve, "o-", markersize=4, color=f"C{colour}", label=name)
        for axis, text in zip(axes[1:], shown, strict=True):
            numbers = [*words.encode(text), words.pad, words.pad]
            x, _ = pad_rows([numbers[: i + 1] for i in range(len(numbers))])
            read = np.minimum(np.arange(len(numbers)) + 1, len(numbers) - 2)
            p = np.exp(nn.functional.log_softmax(scores(models[colour], x, read), axis=1))[:, 1]
            axis.plot(p, "o-", markersize=4, color=f"C{colour}", label=name)
            axis.axhline(0.5, color="0.8", zorder=0)
            axis.set_xticks(range(len(numbers)), [words.symbols[i] for i in numbers], rotation=70, ha="right")
            axis.set(ylim=(-0.02, 1.02), ylabel="probability of good", title="a review, read word by word")
    axes[0].set(xlabel="epoch", ylabel="accuracy in the test", title="learning")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    picture("sentiment", figure)


def main(epochs=8, size=32, width=32, batch=32, test=0.2, data=None):
    (texts, labels), (new, truth) = split(*load(data), test)
    words = Vocabulary.of_words(texts, min_count=2, special=("<pad>", "<unk>"))
    rows, later = ([words.encode(text) for text in part] for part in (texts, new))
    sets, models, curves = [], [], {}
    for part, classes in ((rows, labels), (later, truth)):
        x, mask = pad_rows(part)
        sets.append((x, mask.sum(axis=1), classes))
    for kind in (Bag, Convolution, LSTM):
        restart()
        models.append(kind(len(words), size, width))
        curves[kind.__name__] = learn(models[-1], *sets, epochs, batch)
    x, lengths, _ = sets[1]
    unknown = next(text for text in new if "<unk>" in words.decode(words.encode(text)).split())
    draw(models, curves, words, ["although the music is boring , the acting is never dull", unknown])
    bayes = naive_bayes(rows, labels, later, len(words))
    return {f"test accuracy, {name}": curve[-1] for name, curve in curves.items()} | {
        "baseline: naive Bayes": float((bayes == truth).mean()),
        "chance: the more frequent class": float(max(truth.mean(), 1 - truth.mean())),
        "share of <unk> in the test": float((x == words["<unk>"]).sum() / lengths.sum()),
        "share of <pad> in the test": float((x == words.pad).mean()),
        "test reviews that stand in training": len(set(texts) & set(new)),
    }


FULL = {"epochs": 25, "size": 300, "width": 100, "batch": 50, "test": 0.1}

if __name__ == "__main__":
    run(main)
