"""A bag of words: is a film review good or bad, by counting its words alone?"""

import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor
from nn.text import Vocabulary, bag_of_words

PUBLISHED = "77 to 80 % on this set with counts of words (Wang and Manning, 2012)"

GOOD = [
    "wonderful",
    "moving",
    "brilliant",
    "charming",
    "touching",
    "superb",
    "delightful",
    "clever",
    "warm",
    "gripping",
    "honest",
    "fresh",
]
BAD = ["dull", "boring", "awful", "clumsy", "tired", "predictable", "flat", "lifeless", "stale", "messy", "shallow", "pointless"]


def load(data):
    """Sentences and whether they are good; without a folder made of a grammar that says "not" now and then."""
    if data is not None:
        texts = [
            (data / f"rt-polarity.{end}").read_text(encoding="utf-8", errors="replace").splitlines() for end in ("neg", "pos")
        ]
        return texts[0] + texts[1], np.repeat([0, 1], [len(texts[0]), len(texts[1])])
    rng, lines, labels = np.random.default_rng(0), [], []
    for _ in range(2000):
        good, turned = rng.random(2) < (0.5, 0.15)
        words = rng.choice(GOOD if good != turned else BAD, 2)
        lines.append(f"the {rng.choice(['film', 'story', 'acting'])} is {'not ' * bool(turned)}{words[0]} and {words[1]}")
        labels.append(int(good))
    return lines, np.array(labels)


def main(epochs=12, data=None):
    lines, labels = load(data)
    order = np.random.default_rng(1).permutation(len(lines))
    train, test = np.split(order, [int(0.9 * len(order))])
    words = Vocabulary.of_words([lines[i] for i in train], min_count=2)
    x = bag_of_words([words.encode(line) for line in lines], len(words), binary=True).astype(np.float32)
    model = nn.Linear(len(words), 1)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.003, weight_decay=1e-4)
    rng = np.random.default_rng(2)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(train), len(train) // 64):
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(Tensor(x[rows]))[:, 0], Tensor(labels[rows].astype(np.float32))
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    weights = model.weight.detach().numpy()[0]
    by_weight = np.argsort(weights)
    for name, chosen in (("bad", by_weight[:8]), ("good", by_weight[-8:])):
        print(f"{name}:", ", ".join(words.symbols[i] for i in chosen))
    shown = np.r_[by_weight[:12], by_weight[-12:]]
    picture("bag_of_words", nn.inspect.plot_points(np.c_[weights[shown], np.arange(24)], [words.symbols[i] for i in shown]))
    return {"test accuracy": float(((model(Tensor(x[test])).detach().numpy()[:, 0] > 0) == labels[test]).mean())}


if __name__ == "__main__":
    run(main)
