"""A language model of words: columns of text, truncated backpropagation with the state carried on, perplexity.

h[t] = LSTM(x[t], h[t-1]), P[t] = softmax(E h[t] + b), where E is the table that embeds the words too (Press and Wolf,
2017), with dropout before and after the LSTM (Zaremba et al., 2014). Perplexity is exp of the mean of -log P[t] of the
word that came: as if the model had to choose among so many words that are all alike. Rare words are <unk>, which makes
a perplexity lower: the share of them stands beside it. The text is the documentation in Python's library, no entry twice,
the test on modules of its own; with --data it is WikiText-2: its train.txt where that is there, else the first nine
tenths of valid.txt.
"""

import ast
import inspect
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from shared import at_the_side, generator, mean_nats, ngram_nats, picture, run, train_on_columns

import nn
from minigrad import no_grad
from nn.metrics import perplexity
from nn.text import Vocabulary, batchify, sample

PUBLISHED = (
    "WikiText-2 with its own training set of 2.1 M words: 68.6 in validation, 65.8 on the test (AWD-LSTM, Merity et al., "
    "2018), 99.3 on the test for a plain LSTM (Grave et al., 2017)"
)
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef


def documentation():
    """What the modules of Python's library say of themselves, as words: a text for each module, no entry twice."""
    texts, seen = [], set()
    for path in sorted(Path(inspect.__file__).parent.glob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, DOCUMENTED)]
        entries = [" ".join(re.findall(r"[a-z]+|[.,:()]", (ast.get_docstring(node) or "").lower())) for node in nodes]
        new = [entry for entry in dict.fromkeys(entries) if entry and entry not in seen]
        seen.update(new)
        texts.append("".join(f"{entry} <eos> " for entry in new))
    return texts


def load(data):
    """Three texts: training, validation, test."""
    if data is not None:
        paths = [path for part in ("train", "valid", "test") if (path := data / f"{part}.txt").exists()]
        if len(paths) < 2 or paths[-1].stem != "test":
            raise ValueError(f"{data} has no test.txt beside a train.txt or valid.txt")
        texts = [path.read_text(encoding="utf-8").replace("\n", " <eos> ") for path in paths]
        cut = texts[0].rindex(" ", 0, int(0.9 * len(texts[0])))
        return texts if len(texts) == 3 else [texts[0][:cut], texts[0][cut:], texts[1]]
    texts = documentation()
    order = generator().permutation(len(texts))
    parts = np.split(order, [int(0.8 * len(order)), int(0.9 * len(order))])
    return ["".join(texts[i] for i in part) for part in parts]


class Model(nn.Module):
    """Embedding, LSTM, and the embedding once more to score words."""

    def __init__(self, words, size, layers, dropout):
        self.embed, self.dropout = nn.Embedding(words, size), nn.Dropout(dropout)
        self.lstm = nn.LSTM(size, size, layers, dropout=dropout)
        self.embed.weight.data *= 0.1
        self.bias = nn.Parameter(np.zeros(words, np.float32))

    def forward(self, x, state=None):  # (T, B)
        h, state = self.lstm(self.dropout(self.embed(x)), state)
        return self.dropout(h) @ self.embed.weight.T + self.bias, state


def write(model, words, length, temperature=0.8):
    """A text drawn from the model, word by word."""

    def step(word, state):
        scores, state = model(np.array([[word]]), state)
        return scores.numpy()[0, 0], state

    model.eval()
    with no_grad():
        written = words.decode(sample(step, words["<eos>"], None, length, temperature=temperature))
    model.train()
    return written


def draw(reports, baselines):
    figure, axis = plt.subplots(figsize=(10, 5), layout="constrained")
    updates, training, valid, _ = zip(*reports, strict=True)
    axis.plot(updates, np.exp(training), "o-", label="LSTM, training, with dropout")
    axis.plot(updates, np.exp(valid), "o-", label="LSTM, validation")
    axis.set(xlabel="updates", ylabel="perplexity", yscale="log", title="how many words it hesitates between")
    at_the_side(axis, {name.split(": ")[1]: value for name, value in baselines.items()})
    axis.legend(loc="upper right", bbox_to_anchor=(1, 0.95))
    picture("word_language_model", figure)


def main(size=96, layers=1, updates=600, batch=20, length=30, max_words=2000, dropout=0.3, lr=1e-2, data=None):
    texts = load(data)
    words = Vocabulary.of_words(texts[0], max_size=max_words, special=("<unk>",))
    numbers = [np.array(words.encode(text)) for text in texts]
    columns = [batchify(part, width) for part, width in zip(numbers, (batch, 20, 20), strict=True)]
    model = Model(len(words), size, layers, dropout)
    reports = train_on_columns(
        model, columns[0], columns[1], updates, lr, length, clip=1.0, write=lambda: write(model, words, 40)
    )
    counted = ngram_nats(numbers[0], numbers[2], len(words), 3)
    baselines = {"chance: all words alike": float(len(words))}
    for name, nats in zip(("unigrams", "bigrams", "trigrams"), counted, strict=True):
        baselines[f"baseline: {name} by counts"] = perplexity(nats)
    draw(reports, baselines)
    return {
        "words in training": len(numbers[0]),
        "different words": len(words),
        "unknown words of the test": float((numbers[2] == words["<unk>"]).mean()),
        "validation perplexity": perplexity(min(report[2] for report in reports)),
        "test perplexity": perplexity(mean_nats(model, columns[2], length)),
        **baselines,
    }


FULL = {"size": 650, "layers": 2, "updates": 40_000, "max_words": 33_278, "dropout": 0.5, "lr": 1e-3, "length": 35}

if __name__ == "__main__":
    run(main)
