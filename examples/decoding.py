"""Decoding: greedy or by beam, the source reversed, after its own words or the right ones.

A translator without attention (the state of the encoder is all it has) gives p(y_t | y_1 ... y_{t-1}, x).
Its training is stopped early, so that it is often unsure. Wanted is the most probable sentence, with the
largest sum_t log p(y_t | y_1 ... y_{t-1}, x). Greedy search takes the best word each time; a beam of k keeps
the k best beginnings. Teacher forcing asks for the next word after the *right* beginning, as in training;
after its own words, one mistake leads to the next. All of it with the source as it is, and reversed. The
sentences are the numbers of number_phrases.py, whose small vocabulary lets the beam be followed: "trois cent
vingt et un" is 321, and its digits are the words of BLEU. Stopped so early, the translator is below the
linear layer; a beam finds more probable sentences, hardly more right ones beyond 2, and reversing the source
helps a little in most seeds.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Phrases, Translator, picture, restart, run, train_seq2seq, written

import nn
from minigrad import no_grad
from nn.metrics import bleu
from nn.text import beam_search, greedy

PUBLISHED = (
    "English to French, beam of 12: BLEU 26.17, source reversed 30.59; five networks, reversed: "
    "33.00 greedy, 34.50 with a beam of 2, 34.81 with 12 (Sutskever, Vinyals and Le, 2014)"
)
BEAMS = (1, 2, 8)


def search(model, data, row, beam):
    """The sentence that a beam finds, as numbers, end included; a beam of 1 is greedy search."""

    def step(token, state):
        scores, state = model.decode(np.array([[token]]), state)
        return scores.numpy()[0, 0], state

    state = model.encode(data.source[[row]], data.lengths[[row]])
    start, end = (data.digits[symbol] for symbol in ("<s>", "</s>"))
    if beam == 1:
        return greedy(step, start, end, data.target.shape[1], state=state)
    return beam_search(step, start, end, data.target.shape[1], beam, state=state)[0].tokens


def log_probability(model, data, row, tokens):
    """sum_t log p(y_t | y_1 ... y_{t-1}, x) of a sentence."""
    before = np.array([[data.digits["<s>"], *tokens[:-1]]])
    scores = model(data.source[[row]], data.lengths[[row]], before)[0]
    return -nn.functional.cross_entropy(scores, np.array(tokens), reduction="sum").item()


def right_by_place(model, data, rows):
    """The share of right words at each place (T,): after right ones, and after the model's own."""
    y = data.target[rows][:, :7]
    forced = model(data.source[rows], data.lengths[rows], y[:, :-1]).numpy().argmax(axis=2)
    there = y[:, 1:] != 0
    guesses = forced, written(model, data, rows)[:, :6]
    return [((guess == y[:, 1:]) & there).sum(axis=0) / there.sum(axis=0) for guess in guesses]


def main(updates=250, hidden=128, batch=64, examples=8000, sentences=100):
    results, (figure, axes) = {}, plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
    for shift, (name, turned) in enumerate((("as it is", False), ("reversed", True))):
        restart()
        data = Phrases(examples, turned=turned)
        model = Translator(*data.sizes, hidden)
        train_seq2seq(model, data, updates, batch, 3e-3, name)
        rows, likely, exact = data.test[:sentences], {}, []
        with no_grad():
            for beam in BEAMS:
                found = [search(model, data, row, beam) for row in rows]
                pairs = zip(rows, found, strict=True)
                likely[beam] = np.array([log_probability(model, data, row, tokens) for row, tokens in pairs])
                said = [data.digits.decode(tokens) for tokens in found]
                wanted = [str(number) for number in data.numbers[rows]]
                exact.append(float(np.mean([a == b for a, b in zip(said, wanted, strict=True)])))
                way = "greedy" if beam == 1 else f"beam of {beam}"
                results[f"exact, {way}, source {name}"] = exact[-1]
                results[f"BLEU, {way}, source {name}"] = 100 * bleu(said, [[text] for text in wanted])
            forced, own = right_by_place(model, data, data.test)
        results[f"more probable than greedy, beam of {BEAMS[-1]}, source {name}"] = float(
            (likely[BEAMS[-1]] > likely[1] + 1e-4).mean()
        )
        axes[0].bar(np.arange(len(BEAMS)) + 0.35 * shift, exact, 0.35, label=f"source {name}")
        places, colour = range(1, len(own) + 1), f"C{shift}"
        axes[1].plot(places, forced, "o-", color=colour, label=f"{name}, after right ones")
        axes[1].plot(places, own, "o:", color=colour, label=f"{name}, after its own")
        results[f"right digits after right ones, source {name}"] = float(forced.mean())
        results[f"right digits after its own, source {name}"] = float(own.mean())
    axes[0].set_xticks(np.arange(len(BEAMS)) + 0.175, ["greedy", *(f"beam of {k}" for k in BEAMS[1:])])
    axes[0].set(ylabel="exact", ylim=(0, 1), title=f"{sentences} numbers never seen")
    axes[1].set(xlabel="digit, from the first", ylabel="share right", ylim=(0, 1.02))
    axes[1].set_title("Teacher forcing, and its own digits")
    for axis in axes:
        axis.legend()
    picture("decoding", figure)
    return {**results, "baseline: exact, linear layer of words by place": Phrases(examples).linear()}


FULL = {"updates": 7500, "hidden": 1000, "batch": 128, "examples": 100_000, "sentences": 300}

if __name__ == "__main__":
    run(main)
