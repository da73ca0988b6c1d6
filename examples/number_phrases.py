"""Encoder and decoder: "trois cent vingt et un" becomes 321; the phrase as it is, or reversed.

The encoder reads words x_1 ... x_S, h_t = f(h_{t-1}, x_t), and all of the phrase becomes its last state c =
h_S. The decoder begins there and writes digits until it writes the end:
    s_0 = c,   s_t = f(s_{t-1}, y_{t-1}),   p(y_t | y_1 ... y_{t-1}, x) = softmax(W s_t)
f is a GRU. In training the right digits so far are given (teacher forcing), afterwards the decoder's own
are.

Sutskever, Vinyals and Le read the source reversed (turned around, from its last word to its first): the first
words, which are needed first, are then read last, a few steps before they are written. With phrases of a few
words that makes hardly any difference. Numbers have three to six digits, and none of the test stands in
training. The baseline, a linear layer, is told more, each word's place from the end; both are level with it.
"""

import matplotlib.pyplot as plt
from shared import Phrases, Translator, agree, exact, french, picture, restart, run, train_seq2seq

PUBLISHED = (
    "English to French: perplexity 5.8 as it is, 4.7 reversed; "
    "BLEU 25.9 and 30.6 (Sutskever, Vinyals and Le, 2014)"
)


def main(updates=500, hidden=128, batch=64, examples=8000):
    results = {}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for name, turned in (("as it is", False), ("reversed", True)):
        restart()
        data = Phrases(examples, turned=turned)
        model = Translator(*data.sizes, hidden)
        kept = train_seq2seq(model, data, updates, batch, 6e-3, name)
        results[f"exact, source {name}"] = exact(model, data, data.test)
        left.plot(kept["seen"], kept["exact"], "o-", label=f"source {name}")
        six = data.test[data.numbers[data.test] >= 100_000]
        right.plot(range(1, 7), 1 - agree(model, data, six)[:, :6].mean(axis=0), "o-", label=f"source {name}")
    linear = Phrases(examples).linear()
    left.axhline(linear, color="grey", linestyle=":", label="linear layer of words by place")
    left.set(xlabel="updates", ylabel="exact on 200 numbers never seen", ylim=(0, 1))
    left.set_title(f"{french(4321)} → 4321")
    right.set(xlabel="digit, from the first", ylabel="share of wrong digits", ylim=(0, None))
    right.set_title("Numbers of six digits: where the mistakes are")
    left.legend(loc="lower right")
    right.legend()
    picture("number_phrases", figure)
    return {**results, "baseline: linear layer of words by place": linear}


FULL = {"updates": 7500, "hidden": 1000, "batch": 128, "examples": 100_000}

if __name__ == "__main__":
    run(main)
