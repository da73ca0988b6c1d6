"""Greedy or beam search: what keeping several beginnings finds that taking the best letter each time does not."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

from nn.text import beam_search, greedy

PUBLISHED = "beams of 2 already gain most (Sutskever, Vinyals and Le, 2014)"


def model_of(words, rng):
    """Letters of random words, each with its probability: a chain over prefixes in which the best start may mislead."""
    p = rng.dirichlet(np.full(len(words), 0.6))

    def step(token, prefix):
        prefix = "" if token == 0 else prefix + "abc"[token - 2]
        scores = np.full(5, -30.0)  # start, end, a, b, c
        fits = [(w, q) for w, q in zip(words, p, strict=True) if w.startswith(prefix)]
        total = sum(q for _, q in fits)
        for w, q in fits:
            token = 1 if w == prefix else 2 + "abc".index(w[len(prefix)])
            scores[token] = np.logaddexp(scores[token], np.log(q / total))
        return scores, prefix

    return step, dict(zip(words, np.log(p), strict=True))


def main(models=300, beams=8):
    rng = np.random.default_rng(0)
    sizes = list(range(1, beams + 1))
    lost = {"greedy": 0.0} | dict.fromkeys(sizes, 0.0)
    found = {"greedy": 0} | dict.fromkeys(sizes, 0)
    for _ in range(models):
        words = sorted({"".join(rng.choice(list("abc"), rng.integers(2, 7))) for _ in range(40)})
        step, log_p = model_of(words, rng)
        best = max(log_p.values())
        answers = {"greedy": greedy(step, 0, 1, 10, state="")}
        answers |= {k: beam_search(step, 0, 1, 10, beam=k, state="")[0].tokens for k in sizes}
        for k, tokens in answers.items():
            value = log_p["".join("abc"[t - 2] for t in tokens if t > 1)]
            lost[k] += (best - value) / models
            found[k] += bool(value > best - 1e-9)
    figure, axis = plt.subplots()
    axis.plot(sizes, [found[k] / models for k in sizes], "o-")
    axis.axhline(found["greedy"] / models, linestyle=":", label="greedy")
    axis.set(xlabel="beam", ylabel="most probable sequence found")
    axis.legend()
    picture("beam_search", figure)
    return {
        f"found, {name}": found[k] / models for name, k in (("greedy", "greedy"), ("beam of 2", 2), (f"beam of {beams}", beams))
    }


if __name__ == "__main__":
    run(main)
