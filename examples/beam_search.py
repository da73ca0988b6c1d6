"""Greedy or beam search: what keeping several beginnings finds that the best letter each time does not.

Wanted is the sequence with the largest p(y_1 ... y_T) = product_t p(y_t | y_1 ... y_{t-1}). Greedy search
takes the most probable letter each time; the most probable *word* may begin with another one. Beam search
keeps the k best beginnings, grows each by all letters, and keeps the k best of these. The models are known:
random words of a, b, c with random probabilities; so the best word is known too.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

from nn.text import beam_search, greedy

PUBLISHED = (
    "translation, five networks: BLEU 33.00 greedy, 34.50 with a beam of 2, 34.81 with 12 "
    "(Sutskever, Vinyals and Le, 2014)"
)
LETTERS = "abc"


def model_of(words, rng):
    """A step function over prefixes of random words, and their log-probabilities; 1 is the end."""
    p = rng.dirichlet(np.full(len(words), 0.6))
    asked = [0]

    def step(token, prefix):
        asked[0] += 1
        prefix = "" if token == 0 else prefix + LETTERS[token - 2]
        scores = np.full(2 + len(LETTERS), -30.0)
        fits = [(w, q) for w, q in zip(words, p, strict=True) if w.startswith(prefix)]
        total = sum(q for _, q in fits)
        for w, q in fits:
            token = 1 if w == prefix else 2 + LETTERS.index(w[len(prefix)])
            scores[token] = np.logaddexp(scores[token], np.log(q / total))
        return scores, prefix

    return step, dict(zip(words, np.log(p), strict=True)), asked


def spelled(tokens):
    return "".join(LETTERS[t - 2] for t in tokens if t > 1)


def random_words(rng, count):
    return sorted({"".join(rng.choice(list(LETTERS), rng.integers(2, 7))) for _ in range(count)})


def tree(axis, rng):
    """A model in which greedy search goes wrong: lines as thick as their beginning is probable."""
    while True:
        step, log_p, _ = model_of(random_words(rng, 14), rng)
        taken, best = spelled(greedy(step, 0, 1, 10, state="")), max(log_p, key=log_p.get)
        if taken[0] != best[0] and len(best) > 2:
            break
    words = list(log_p)
    prefixes = sorted({w[:k] for w in words for k in range(len(w) + 1)})

    def place(prefix):
        return len(prefix), np.mean([i for i, w in enumerate(words) if w.startswith(prefix)])

    for prefix in prefixes[1:]:
        (x0, y0), (x1, y1) = place(prefix[:-1]), place(prefix)
        p = sum(np.exp(log_p[w]) for w in words if w.startswith(prefix))
        colour = "C0" if best.startswith(prefix) else "C1" if taken.startswith(prefix) else "0.75"
        axis.plot([x0, x1], [y0, y1], color=colour, linewidth=0.7 + 10 * p, solid_capstyle="round")
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": colour}
        axis.text(x1, y1, prefix[-1], ha="center", va="center", fontsize=9, bbox=box)
    for word, colour, name in ((best, "C0", "best"), (taken, "C1", "greedy")):
        axis.plot([], [], color=colour, linewidth=4, label=f"{name}: {word}, p = {np.exp(log_p[word]):.2f}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    axis.axis("off")
    axis.set_title("a model, as the tree of its beginnings")


def main(models=200, beams=8):
    rng, ways = generator(), ["greedy", *range(1, beams + 1)]
    lost, found, cost = ({way: [] for way in ways} for _ in range(3))
    sampled = []
    for _ in range(models):
        step, log_p, asked = model_of(random_words(rng, 40), rng)
        best = max(log_p.values())
        sampled.append(float(np.exp(best)))
        for way in ways:
            asked[0] = 0
            tokens = greedy(step, 0, 1, 10, state="") if way == "greedy" else (
                beam_search(step, 0, 1, 10, beam=way, state="")[0].tokens
            )  # fmt: skip
            lost[way].append(best - log_p[spelled(tokens)])
            found[way].append(lost[way][-1] < 1e-9)
            cost[way].append(asked[0])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    left.plot(ways[1:], [np.mean(found[k]) for k in ways[1:]], "o-", label="beam search")
    left.axhline(np.mean(found["greedy"]), color="C1", linestyle="--", label="greedy")
    left.axhline(np.mean(sampled), color="grey", linestyle=":", label="a sample")
    left.set(xlabel="beam", ylabel="share of models whose best word is found", ylim=(0, 1.02))
    left.legend(loc="lower right")
    tree(right, generator(1))
    picture("beam_search", figure)
    names = {"baseline: {}, greedy": "greedy", "{}, beam of 2": 2, f"{{}}, beam of {beams}": beams}
    results = {name.format("best word found"): float(np.mean(found[way])) for name, way in names.items()}
    results |= {name.format("log-probability lost"): float(np.mean(lost[way])) for name, way in names.items()}
    results |= {name.format("steps asked for"): float(np.mean(cost[way])) for name, way in names.items()}
    return {"chance: best word found by a sample": float(np.mean(sampled)), **results}


if __name__ == "__main__":
    run(main)
