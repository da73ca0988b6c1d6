"""Many to one: a plain RNN, a GRU, an LSTM, an LSTM in both directions and a CNN read a sentence; is it praise or not?

The recurrent ones read word by word, h[t] = tanh(W x[t] + U h[t-1] + b) or the gated forms of it, and the last state
decides: P = softmax(V h[T] + c). The CNN slides filters of 3, 4 and 5 words along the sentence, and the largest answer of
each filter decides (Kim, 2014). All have vectors of words of their own, the same dropout and the same updates. A word that
training does not have is <unk>. The sentences are made so that single words do not tell: "although the plot was not bad,
the music was dull". No sentence of the test stands in training. With --data they are those of film reviews.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, bag_of_words, pad_rows

PUBLISHED = "rt-polarity, ten folds: 76.1 % for the CNN with vectors of its own, 81.5 % with word2vec's (Kim, 2014)"

THINGS = "plot music acting script film ending dialogue scenery cast story humour editing"
GOOD = "good brilliant moving clever fine funny warm honest bright lovely"
BAD = "bad dull clumsy boring weak stale noisy empty crude tired"
#: How two clauses make a sentence; 0 and 1 is the clause that decides.
JOINED = [("{} , but {}", 1), ("although {} , {}", 1), ("{} , although {}", 0), ("{} , even if {}", 0)]
JOINED += [("{} ; what decides is that {}", 1), ("never mind that {} : {}", 1)]


def made(count, rng):
    """Different sentences, and whether they praise."""
    found = {}
    while len(found) < count:
        clauses, praise = [], []
        for _ in range(2):
            good, negated = rng.random(2) < 0.5
            words = [str(rng.choice(["really", "very", "all that", "so"]))] * int(rng.random() < 0.5)
            words = ["not"] * int(negated) + words + [str(rng.choice((GOOD if good else BAD).split()))]
            clauses.append(f"the {rng.choice(THINGS.split())} was {' '.join(words)}")
            praise.append(good != negated)
        form, decides = JOINED[rng.integers(len(JOINED))]
        found[form.format(*clauses)] = int(praise[decides])
    return list(found), np.array(list(found.values()))


def load(data, count):
    """Different sentences, and whether they praise."""
    if data is None:
        return made(count, generator())
    files = [(data / f"rt-polarity.{end}").read_text("utf-8", "replace").splitlines() for end in ("neg", "pos")]
    found = {line.strip(): label for label, lines in enumerate(files) for line in lines}
    return list(found), np.array(list(found.values()))


class Recurrent(nn.Module):
    def __init__(self, kind, both, words, size, hidden):
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.rnn = getattr(nn, kind)(size, hidden, bidirectional=both, batch_first=True)
        self.out = nn.Linear((1 + both) * hidden, 2)

    def forward(self, x, lengths):
        state = self.rnn(self.dropout(self.embed(x)), lengths=lengths)[1]
        state = state[0] if isinstance(state, tuple) else state  # an LSTM has h and c
        return self.out(self.dropout(np.concatenate(list(state), axis=1)))


class Convolutional(nn.Module):
    def __init__(self, words, size, hidden):
        self.embed, self.dropout = nn.Embedding(words, size, padding_idx=0), nn.Dropout(0.5)
        self.filters = nn.ModuleList([nn.Conv1d(size, hidden, width, padding=width - 1) for width in (3, 4, 5)])
        self.out = nn.Linear(3 * hidden, 2)

    def forward(self, x, lengths):
        h = self.dropout(self.embed(x)).transpose(0, 2, 1)  # (N, size, T)
        largest = [nn.functional.relu(slide(h)).max(axis=2) for slide in self.filters]
        return self.out(self.dropout(np.concatenate(largest, axis=1)))


def seconds_of_training(name, model, x, lengths, labels, updates):
    optimizer, rng, began = nn.optim.Adam(model.parameters(), lr=3e-3), generator(2), time.process_time()
    for step in steps(updates, model, optimizer, rng, name=name):
        rows = rng.integers(0, len(labels), 50)
        loss = nn.functional.cross_entropy(model(x[rows, : lengths[rows].max()], lengths[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            print(f"{name}, update {step}: loss {loss.item():.3f}", flush=True)
    return time.process_time() - began


def naive_bayes(rows, labels, asked, words):
    """Which class is more probable by how often each word stood in it."""
    counts = np.stack([bag_of_words([rows[i] for i in np.flatnonzero(labels == k)], words).sum(axis=0) + 1 for k in (0, 1)])
    weights = np.log(counts / counts.sum(axis=1, keepdims=True))
    return (bag_of_words(asked, words) @ (weights[1] - weights[0]) + np.log((labels == 1).mean() / (labels == 0).mean())) > 0


def main(updates=450, size=32, hidden=48, count=3000, data=None):
    texts, labels = load(data, count)
    order = generator(1).permutation(len(texts))
    known, test = np.split(order, [int(0.9 * len(order))])
    words = Vocabulary.of_words([texts[i] for i in known], special=("<pad>", "<unk>"))
    rows = [words.encode(text) for text in texts]
    x, mask = pad_rows(rows)
    lengths, scores = mask.sum(axis=1), {}
    print("as they read it:", *(words.symbols[i] for i in x[test[0]]))
    results = {"unknown words of the test": float((x[test] == 1).sum() / mask[test].sum())}
    makers = {kind: (Recurrent, kind, False) for kind in ("RNN", "GRU", "LSTM")}
    makers |= {"LSTM, both directions": (Recurrent, "LSTM", True), "CNN": (Convolutional,)}
    for name, (kind, *more) in makers.items():
        restart()
        model = kind(*more, len(words), size, hidden)
        seconds = seconds_of_training(name, model, x[known], lengths[known], labels[known], updates)
        model.eval()
        with no_grad():
            said = np.concatenate([model(x[part], lengths[part]).numpy().argmax(axis=1) for part in np.array_split(test, 8)])
        scores[name] = float((said == labels[test]).mean())
        results |= {f"accuracy: {name}": scores[name], f"parameters: {name}": sum(p.size for p in model.parameters())}
        results[f"seconds: {name}"] = seconds
    bayes = naive_bayes([rows[i] for i in known], labels[known], [rows[i] for i in test], len(words))
    most = float(max(labels[test].mean(), 1 - labels[test].mean()))
    compared = {"chance: larger class": most, "baseline: naive Bayes": float((bayes == labels[test]).mean())}
    figure, axis = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for name, score in scores.items():
        axis.plot(results[f"seconds: {name}"], score, "o", markersize=results[f"parameters: {name}"] ** 0.5 / 12, label=name)
    for name, style in zip(compared, (":", "--"), strict=True):
        axis.axhline(compared[name], color="grey", linestyle=style, label=name.split(": ")[1])
    axis.set(xlabel="seconds of training, one thread", ylabel="accuracy on the test", title="larger: more parameters")
    figure.legend(loc="outside right upper")
    picture("many_to_one", figure)
    return results | compared | {"test sentences in training": len({texts[i] for i in known} & {texts[i] for i in test})}


FULL = {"updates": 3000, "size": 300, "hidden": 100}

if __name__ == "__main__":
    run(main)
