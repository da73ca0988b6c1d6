"""Attention: the decoder looks back at the words, and its heat map shows which word became which digit.

Instead of one state c for the whole phrase, each step i of the decoder has its own context a_i:
    s_t = AttentionFunction(y_{i-1}, x_t),   p_t = exp(s_t) / sum_t exp(s_t),   a_i = sum_t p_t x_t
with x_t the encoder's state at word t (of both directions) and y_{i-1} the decoder's last state. The
function is v^T tanh(W y + U x) where additive (Bahdanau, Cho and Bengio, 2015), y^T W x where by product
(Luong, Pham and Manning, 2015). It is compared with the same network whose context is always the encoder's
last states; after so few updates that one is below the linear layer, those with attention are far above.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Attentive, Phrases, agree, french, picture, restart, run, train_seq2seq

from minigrad import no_grad

PUBLISHED = "English to French, BLEU: 26.75 with attention, 17.82 without (Bahdanau, Cho and Bengio, 2015)"
COLOURS = {"none": "grey", "additive": "tab:blue", "product": "tab:orange"}


def heat(axis, figure, model, number):
    """Which words the decoder looked at when it wrote each digit of a number."""
    data, words = Phrases(numbers=np.array([number])), french(number).split()
    with no_grad():
        looked = model.decode(data.target[:, :-1], model.encode(data.source, data.lengths))[1][-1]
    image = axis.imshow([w.numpy()[0] for w in looked], cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(words)), words, rotation=40, ha="right")
    axis.set_yticks(range(len(looked)), [*str(number), "end"])
    axis.set_title("Attention $p_t$, additive")
    figure.colorbar(image, ax=axis, shrink=0.8)


def main(updates=250, hidden=64, batch=64, examples=8000, shown=297395):
    data, results = Phrases(examples), {}
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    lengths = data.lengths[data.test]
    for kind, colour in COLOURS.items():
        restart()
        model = Attentive(*data.sizes, hidden, kind)
        train_seq2seq(model, data, updates, batch, 5e-3, kind)
        fine = agree(model, data, data.test).all(axis=1)
        results["baseline: no attention" if kind == "none" else f"exact, {kind}"] = float(fine.mean())
        bins = [lengths // 2 == k for k in range(1, 6)]
        right.plot([2.5, 4.5, 6.5, 8.5, 10.5], [fine[b].mean() for b in bins], "o-", color=colour, label=kind)
        if kind == "additive":
            heat(left, figure, model, shown)
    right.set(xlabel="words of the phrase", ylabel="exact on numbers never seen", ylim=(0, 1.02))
    right.set_title("Long phrases need it most")
    right.legend(title="attention", loc="center left", bbox_to_anchor=(1, 0.5))
    picture("attention", figure)
    return {**results, "baseline: linear layer of words by place": data.linear()}


FULL = {"updates": 7500, "hidden": 1000, "batch": 80, "examples": 100_000}

if __name__ == "__main__":
    run(main)
