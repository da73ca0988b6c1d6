"""Good or bad? What three readers think while they read a review: a bag of vectors, a convolution, an LSTM.

Words are numbers; those that the training has only once are <unk>, and short reviews end in <pad>. From the
vectors e[1] ... e[T] of a review's words:

    bag          softmax(W mean_t e[t] + b): the order is lost
    convolution  a[t] = relu(F [e[t] ... e[t+k-1]] + b), k = 3, 4, 5; softmax of max_t a[t] (Kim, 2014)
    LSTM         softmax(W [h[T] forwards, h[1] backwards] + b); padding is not read

In made-up reviews (shared/reviews.py) "not" turns a word, and what comes after "but" outweighs what stands
before it: the picture shows where each reader changes its mind, read up to each word. There the order decides, and
the two that see it win. `--data FOLDER` takes rt-polarity, where naive Bayes, which only counts, beats all three.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import (
    Bag,
    Convolutional,
    Recurrent,
    by_ngrams,
    generator,
    picture,
    reader_scores,
    restart,
    reviews,
    rt_polarity,
    run,
    split,
    steps,
)  # fmt: skip

import nn
from nn.text import Vocabulary, pad_rows

PUBLISHED = "rt-polarity, ten folds: CNN with random vectors 76.1 %, with word2vec's 81.5 % (Kim, 2014)"


def learn(name, model, train, test, epochs, batch):
    """The accuracy in the test after each epoch."""
    (x, lengths, y), found, rng = train, {"accuracy": []}, generator(3)
    optimizer, each = nn.optim.Adam(model.parameters(), lr=3e-3), max(1, len(x) // batch)
    for step in steps(epochs * each, model, optimizer, rng, found, name=name):
        rows = rng.integers(0, len(x), batch)
        t = lengths[rows].max()
        loss = nn.functional.cross_entropy(model(x[rows, :t], lengths[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % each == 0:
            found["accuracy"].append(nn.metrics.accuracy(reader_scores(model, *test[:2]), test[2]))
            print(f"{name}, epoch {len(found['accuracy'])}: {found['accuracy'][-1]:.3f}")
    return found["accuracy"]


def draw(models, curves, words, shown):
    """Accuracy by epoch; and how good a review seems after each of its words."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4.6), layout="constrained", width_ratios=(1, 1.2, 1.2))
    for colour, (name, curve) in enumerate(curves.items()):
        axes[0].plot(range(1, len(curve) + 1), curve, "o-", markersize=4, color=f"C{colour}", label=name)
        for axis, (title, text) in zip(axes[1:], shown.items(), strict=True):
            numbers = [*words.encode(text), words.pad, words.pad]
            x, _ = pad_rows([numbers[: i + 1] for i in range(len(numbers))])
            read = np.minimum(np.arange(len(numbers)) + 1, len(numbers) - 2)
            p = np.exp(nn.functional.log_softmax(reader_scores(models[colour], x, read), axis=1))[:, 1]
            axis.plot(p, "o-", markersize=4, color=f"C{colour}", label=name)
            axis.axhline(0.5, color="0.8", zorder=0)
            axis.set_xticks(range(len(numbers)), [words.symbols[i] for i in numbers], rotation=70, ha="right")
            axis.set(ylim=(-0.02, 1.02), title=title)
    axes[1].set(ylabel="probability of good, read up to here")
    axes[0].set(xlabel="epoch", ylabel="accuracy in the test", title="learning")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    picture("sentiment", figure)


def main(epochs=8, size=32, width=32, batch=32, test=0.2, data=None):
    (texts, labels), (new, truth) = split(*(reviews(3000, generator()) if data is None else rt_polarity(data)), test)
    words = Vocabulary.of_words(texts, min_count=2, special=("<pad>", "<unk>"))
    rows, later = ([words.encode(text) for text in part] for part in (texts, new))
    sets, models, curves = [], [], {}
    for part, classes in ((rows, labels), (later, truth)):
        x, mask = pad_rows(part)
        sets.append((x, mask.sum(axis=1), classes))
    makers = {
        "bag": lambda: Bag(len(words), size),
        "convolution": lambda: Convolutional(len(words), size, width),
        "LSTM": lambda: Recurrent("LSTM", True, len(words), size, width),
    }
    for name, make in makers.items():
        restart()
        models.append(make())
        curves[name] = learn(name, models[-1], *sets, epochs, batch)
    x, lengths, _ = sets[1]
    unknown = next((text for text in new if "<unk>" in words.decode(words.encode(text)).split()), new[0])
    shown = {"two clauses and a negation": "although the music is boring , the acting is never dull"}
    draw(models, curves, words, shown | {"a review of the test, with unknown words": unknown})
    counted = {n: by_ngrams(texts, labels, new, n, "word")["naive Bayes"] for n in (1, 3)}
    return {f"test accuracy: {name}": curve[-1] for name, curve in curves.items()} | {
        "baseline: naive Bayes of words": float((counted[1] == truth).mean()),
        "baseline: naive Bayes of 1 to 3 words": float((counted[3] == truth).mean()),
        "chance: the more frequent class": float(max(truth.mean(), 1 - truth.mean())),
        "share of <unk> in the test": float((x == words["<unk>"]).sum() / lengths.sum()),
        "share of <pad> in the test": float((x == words.pad).mean()),
        "test reviews that stand in training": len(set(texts) & set(new)),
    }


FULL = {"epochs": 25, "size": 300, "width": 100, "batch": 50, "test": 0.1}

if __name__ == "__main__":
    run(main)
