"""word2vec: words become vectors by guessing their neighbours, with skip-gram or a bag of words (CBOW)."""

import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor
from nn.functional import negative_sampling_loss
from nn.text import Vocabulary, WordVectors, cbow_windows, skip_gram_pairs

PUBLISHED = "king - man + woman = queen (Mikolov, Yih and Zweig, 2013)"

PEOPLE = {
    "king": "queen",
    "man": "woman",
    "prince": "princess",
    "actor": "actress",
    "uncle": "aunt",
    "father": "mother",
    "boy": "girl",
}
RANKS = {
    "king": "rules the castle with a crown",
    "man": "walks in the street to work",
    "prince": "waits in the castle for the crown",
    "actor": "plays on the stage in the town",
    "uncle": "visits the family with a cake",
    "father": "feeds the family at home",
    "boy": "runs in the yard after school",
}
OF_HIM, OF_HER = (
    ["he shaves his beard", "his brother calls him"],
    ["she combs her hair", "her sister calls her"],
)


def corpus(data, rng, sentences=6000):
    """Words of a file; without one sentences of a small world, in which people differ by sex and by what they do."""
    if data is not None:
        return data.read_text(encoding="utf-8").lower().split()
    words = []
    for _ in range(sentences):
        male = rng.choice(list(PEOPLE))
        her = rng.random() < 0.5
        who = PEOPLE[male] if her else male
        words += f"the {who} {RANKS[male]} . the {who} says {rng.choice(OF_HER if her else OF_HIM)} .".split()
    return words


def main(kind="skip-gram", steps=3000, dimensions=24, window=4, negatives=5, data=None):
    rng = np.random.default_rng(0)
    words = corpus(data, rng)
    vocabulary = Vocabulary.of_words(" ".join(words), min_count=1 if data is None else 10, special=("<unk>",))
    numbers = np.array(vocabulary.encode(" ".join(words)))
    counts = np.bincount(numbers, minlength=len(vocabulary))
    often = counts / counts.sum()
    kept = numbers[rng.random(len(numbers)) < np.minimum(1, np.sqrt(0.01 / np.maximum(often, 1e-9)))[numbers]]  # fewer of "the"
    if kind == "skip-gram":
        centres, contexts = skip_gram_pairs(kept, window)
    else:
        contexts, centres = cbow_windows(kept, window // 2)
    noise = counts**0.75 / (counts**0.75).sum()
    inside, outside = (
        nn.Embedding(len(vocabulary), dimensions, sparse=True),
        nn.Embedding(len(vocabulary), dimensions, sparse=True),
    )
    inside.weight.data *= 0.1
    outside.weight.data *= 0
    optimizer = nn.optim.Adagrad([*inside.parameters(), *outside.parameters()], lr=0.2)
    for step in range(1, steps + 1):
        rows = rng.integers(0, len(centres), 256)
        false = outside(rng.choice(len(vocabulary), (256, negatives), p=noise))
        given = inside(centres[rows]) if kind == "skip-gram" else inside(contexts[rows]).mean(axis=1)
        wanted = outside(contexts[rows] if kind == "skip-gram" else centres[rows])
        loss = negative_sampling_loss(given, wanted, false)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            print(f"step {step}: loss {loss.item():.3f}")
    vectors = WordVectors(vocabulary.symbols, inside.weight.detach().numpy())
    if data is not None:
        shown = vocabulary.symbols[1:60]
    else:
        shown = [*PEOPLE, *PEOPLE.values()]
    picture("word2vec", nn.inspect.plot_points(nn.inspect.pca(Tensor(np.array([vectors[w] for w in shown]))), shown))
    if data is not None:
        return {f"nearest to {w}": ", ".join(n for n, _ in vectors.nearest(w, 5)) for w in ("king", "the", "war") if w in vectors}
    asked = [(a, b) for a in PEOPLE for b in PEOPLE if a != b]
    right = [PEOPLE[b] in [w for w, _ in vectors.analogy(a, PEOPLE[a], b, n=1)] for a, b in asked]
    return {"king - man + woman": vectors.analogy("man", "king", "woman", n=1)[0][0], "analogies solved": float(np.mean(right))}


FULL = {"steps": 200_000, "dimensions": 300}

if __name__ == "__main__":
    run(main)
