"""English to French with attention, scored by BLEU on sentences that are new.

The network is that of attention.py: a_i = sum_t p_t x_t, p_t = softmax_t v^T tanh(W y_{i-1} + U x_t).
Without --data the sentences are those of a small grammar (184,320 of them): adjectives agree and change
places, verbs have five forms, and "do not" becomes "ne ... pas"; the adjective and the noun of a test
sentence never stand together in training. With --data they are pairs of Tatoeba; no English sentence of the
test is in training, whatever its marks and where rare words are <unk>, and all its translations count as
references. Baselines: the same without attention, the translation of the nearest training sentence, and
word for word by the table of IBM's first model.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Attentive, Sentences, picture, restart, run, train_seq2seq, written

from minigrad import no_grad
from nn.metrics import bleu

PUBLISHED = (
    "on news, English to French, all sentences: BLEU 26.75 with attention, 17.82 without "
    "(Bahdanau, Cho and Bengio, 2015)"
)


def score(texts, data, rows):
    """BLEU with all references of these rows, and the share of translations that are one of them."""
    references = [data.references[i] for i in rows]
    right = np.mean([text in known for text, known in zip(texts, references, strict=True)])
    words = [text.split() for text in texts]
    return 100 * bleu(words, [[text.split() for text in known] for known in references]), float(right)


def heat(axis, model, data, row, text):
    """Where the decoder looked while it wrote a sentence."""
    words, said = data.english[row].split(), [*text.split(), "end"]
    with no_grad():
        state = model.encode(data.source[[row]], data.lengths[[row]])
        before = np.array([data.target_words.encode(text, start=True)])
        looked = model.decode(before, state)[1][-1]
    axis.imshow([w.numpy()[0, : len(words)] for w in looked], cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(words)), words, rotation=45, ha="right")
    axis.set_yticks(range(len(said)), said)


def main(updates=250, hidden=64, batch=64, examples=2500, data=None):
    data = Sentences(data, examples)
    ways = {"nearest": data.nearest(data.test), "word for word": data.word_for_word(data.test)}
    for name, kind in (("no attention", "none"), ("attention", "additive")):
        restart()
        model = Attentive(*data.sizes, hidden, kind)
        train_seq2seq(model, data, updates, batch, 5e-3, name, decay=1e-2)
        ways[name] = said = data.texts(written(model, data, data.test))
    for i in range(8):
        print(f"{data.english[data.test[i]]:<40} -> {said[i]}")
    scores = {name: score(texts, data, data.test) for name, texts in ways.items()}
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.5), layout="constrained", width_ratios=(1, 1.2, 1.2))
    axes[0].bar(list(scores), [b for b, _ in scores.values()], color=["silver"] * 3 + ["tab:blue"])
    axes[0].set(ylabel="BLEU", title="Sentences never seen", ylim=(0, 100))
    axes[0].tick_params(axis="x", rotation=20)
    longest = sorted(range(len(said)), key=lambda i: -len(data.english[data.test[i]].split()))[:2]
    for axis, i in zip(axes[1:], longest, strict=True):
        heat(axis, model, data, data.test[i], said[i])
        axis.set_title("right" if said[i] in data.references[data.test[i]] else "wrong")
    picture("translation", figure)
    return {
        "BLEU on sentences never seen": scores["attention"][0],
        **{f"baseline: BLEU, {name}": scores[name][0] for name in ways if name != "attention"},
        "exact": scores["attention"][1],
        **{f"baseline: exact, {name}": scores[name][1] for name in ways if name != "attention"},
        "test sentences": len(data.test),
        "left out, in training but for rare words": data.left_out,
    }


FULL = {"updates": 50_000, "hidden": 1000, "batch": 80, "examples": 100_000}

if __name__ == "__main__":
    run(main)
