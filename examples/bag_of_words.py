"""A bag of words: is a film review good or bad, by counting its words alone?

A review is the set of its words, x in {0, 1}^V, and p(good) = sigmoid(w . x + b) is fitted: the order of the
words is lost, so "not good, but clever" and "good, but not clever" are the same. Pairs of neighbouring words
bring a little of it back ("not_good"). Words that occur once, or not at all, in the training are <unk>. Naive
Bayes, log p(word | good) - log p(word | bad), is only counted, without any training. On the default reviews it is
hardly behind the fitted weights of words alone, and behind those with pairs in all but one seed; on rt-polarity it is
ahead of both. The default reviews are made up (shared/reviews.py), all different; `--data FOLDER` takes rt-polarity.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, naive_bayes, picture, restart, reviews, rt_polarity, run, split, steps

import nn
from minigrad import Tensor
from nn.text import Vocabulary, bag_of_words

PUBLISHED = "rt-polarity: naive Bayes 77.9 %, with pairs 79.0 %; SVM 76.2, 77.7 % (Wang and Manning, 2012)"


def with_pairs(text):
    """The words of a text, and after them the pairs of neighbouring ones."""
    words = text.split()
    return " ".join([*words, *map("_".join, zip(words, words[1:], strict=False))])


def fit(rows, labels, size, epochs, name):
    """A linear layer from the bag to one score."""
    restart()
    model, rng = nn.Linear(size, 1), generator(3)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    for _ in steps(epochs * len(rows) // 64, model, optimizer, rng, name=name):
        batch = rng.integers(0, len(rows), 64)
        x = bag_of_words([rows[i] for i in batch], size, binary=True)
        target = Tensor(labels[batch].astype(np.float32))
        loss = nn.functional.binary_cross_entropy_with_logits(model(Tensor(x))[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(epochs=10, test=0.2, data=None):
    (texts, labels), (new, truth) = split(*(reviews(3000, generator()) if data is None else rt_polarity(data)), test)
    results, drawn = {}, plt.subplots(1, 2, figsize=(10, 5.5), layout="constrained")
    for axis, name, made in zip(drawn[1], ("words", "words and pairs"), (str, with_pairs), strict=True):
        known = Vocabulary.of_words([made(text) for text in texts], min_count=2, special=("<unk>",))
        rows, later = ([np.unique(known.encode(made(text))) for text in part] for part in (texts, new))
        model = fit(rows, labels, len(known), epochs, name.replace(" ", "-"))
        weights, bias = model.weight.detach().numpy()[0], model.bias.item()
        right = (np.array([weights[row].sum() + bias for row in later]) > 0) == truth
        results[f"test accuracy, {name}"] = float(right.mean())
        bayes = naive_bayes(rows, labels, later, len(known))
        results[f"baseline: naive Bayes, {name}"] = float((bayes == truth).mean())
        shown = np.argsort(weights)[np.r_[:14, -14:0]]
        axis.barh(range(28), weights[shown], color=["C3"] * 14 + ["C2"] * 14)
        axis.set_yticks(range(28), [known.symbols[i].replace("_", " ") for i in shown], fontsize=8)
        axis.set(title=f"{name}: the largest weights", xlabel="weight (right: good)")
    picture("bag_of_words", drawn[0])
    words = Vocabulary.of_words(texts, min_count=2, special=("<unk>",))
    unknown = np.concatenate([np.array(words.encode(text)) == 0 for text in new])
    return results | {
        "chance: the more frequent class": float(max(truth.mean(), 1 - truth.mean())),
        "share of <unk> in the test": float(unknown.mean()),
        "test reviews that stand in training": len(set(texts) & set(new)),
    }


FULL = {"epochs": 30, "test": 0.1}

if __name__ == "__main__":
    run(main)
