"""From the probabilities of a model to sequences: greedy and beam search, and sampling.

A model is a function `step(token, state) -> (logits, state)` for one sequence: from the last token and any state it makes the
scores of the next token, (V,), and the state after this one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import random

from ..values import host

__all__ = ["Hypothesis", "beam_search", "filtered", "greedy", "sample"]

Step = Callable[[int, Any], tuple[Any, Any]]


def _log_probabilities(logits: Any) -> np.ndarray:
    values = host(logits).astype(np.float64).reshape(-1)
    values = values - values.max()
    return values - np.log(np.exp(values).sum())


def greedy(step: Step, start: int, end: int | None, max_length: int, state: Any = None) -> list[int]:
    """The most probable token each time, until `end`.

    Args:
        step: the model, `step(token, state) -> (logits, state)`, with scores of the next token, (V,).
        start: the token to begin with, which is not in the result.
        end: the token that ends the sequence, and is its last; None: `max_length` alone does.
        max_length: how many tokens there are at most.
        state: what the model is given at the first step.

    >>> greedy(lambda token, state: (np.eye(4)[(token + 1) % 4], state), start=0, end=3, max_length=9)
    [1, 2, 3]
    """
    out: list[int] = []
    token = start
    for _ in range(max_length):
        logits, state = step(token, state)
        token = int(np.argmax(host(logits)))
        out.append(token)
        if token == end:
            break
    return out


def filtered(logits: Any, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> np.ndarray:
    """The probabilities to sample from.

    Args:
        logits: the scores of the tokens, (V,); their softmax has the model's probabilities.
        temperature: the scores are divided by it: below 1 probable tokens become more probable, above 1 less.
        top_k: only the k most probable tokens (all that tie with the last of them); None: all.
        top_p: only the most probable ones that together reach this probability (Holtzman et al., 2020); None: all.

    Returns:
        (V,), which add up to 1.

    Raises:
        ValueError: the temperature is not above 0.

    >>> filtered(np.log([0.5, 0.3, 0.2]), top_p=0.6).round(3)
    array([0.625, 0.375, 0.   ])
    """
    if temperature <= 0:
        raise ValueError(f"the temperature must be positive, got {temperature}; for temperature 0 there is greedy()")
    p = np.exp(_log_probabilities(host(logits).astype(np.float64) / temperature))
    if top_k is not None:
        p = np.where(p >= np.sort(p)[-min(top_k, p.size)], p, 0.0)
    if top_p is not None:
        order = np.argsort(-p, kind="stable")
        before = np.cumsum(p[order]) - p[order]
        p[order[before >= top_p * p.sum()]] = 0.0
    return p / p.sum()


def sample(
    step: Step, start: int, end: int | None, max_length: int, state: Any = None, temperature: float = 1.0,
    top_k: int | None = None, top_p: float | None = None,
) -> list[int]:  # fmt: skip
    """Tokens drawn from the model's probabilities, by minigrad's generator, until `end`.

    Args:
        step, start, end, max_length, state: as in `greedy`.
        temperature, top_k, top_p: which probabilities tokens are drawn from, as in `filtered`.

    >>> sample(lambda token, state: (10 * np.eye(4)[(token + 1) % 4], state), 0, 3, max_length=9, top_k=1)
    [1, 2, 3]
    """
    out: list[int] = []
    token = start
    for _ in range(max_length):
        logits, state = step(token, state)
        p = filtered(logits, temperature, top_k, top_p)
        token = int(min(np.searchsorted(np.cumsum(p), random.generator().random(), side="right"), np.flatnonzero(p)[-1]))
        out.append(token)
        if token == end:
            break
    return out


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that beam search found.

    Attributes:
        tokens: without the one it began with; `end` is the last where it was reached.
        log_probability: the sum of the logarithms of their probabilities.
        score: that sum after the length penalty, by which sequences are compared.
    """

    tokens: list[int]
    log_probability: float
    score: float


def beam_search(
    step: Step, start: int, end: int, max_length: int, beam: int = 5, length_penalty: float = 0.0, state: Any = None
) -> list[Hypothesis]:
    """The best sequences that keeping the `beam` best beginnings finds, best first.

    Args:
        step, start, state: as in `greedy`.
        end: the token that ends a sequence.
        max_length: how many tokens a sequence has at most; one that does not end by then counts as it is.
        beam: how many beginnings are kept at each step, and how many sequences are returned at most.
        length_penalty: alpha in score = log p / ((5 + length) / 6)^alpha (Wu et al., 2016): above 0 it favours longer ones.

    >>> chain = lambda token, state: (np.log([[1e-9, 0.6, 0.4], [1e-9, 0.1, 0.9], [1e-9, 0.5, 0.5]][token]), state)
    >>> beam_search(chain, start=0, end=2, max_length=3, beam=2)[0].tokens
    [1, 2]
    """
    alive: list[tuple[float, list[int], Any]] = [(0.0, [], state)]
    done: list[Hypothesis] = []

    def score(log_p: float, length: int) -> float:
        return log_p / ((5 + length) / 6) ** length_penalty

    for _ in range(max_length):
        grown = []
        for log_p, tokens, held in alive:
            logits, new_state = step(tokens[-1] if tokens else start, held)
            each = _log_probabilities(logits)
            for token in np.argsort(-each, kind="stable")[: beam + 1]:
                grown.append((log_p + float(each[token]), [*tokens, int(token)], new_state))
        grown.sort(key=lambda item: -item[0])
        alive = []
        for log_p, tokens, held in grown:
            if tokens[-1] == end:
                done.append(Hypothesis(tokens, log_p, score(log_p, len(tokens))))
            else:
                alive.append((log_p, tokens, held))
            if len(alive) == beam:
                break
        done.sort(key=lambda h: -h.score)
        best_left = max(
            (score(log_p, max_length if length_penalty > 0 else len(tokens)) for log_p, tokens, _ in alive), default=-np.inf
        )
        if len(done) >= beam and done[beam - 1].score >= best_left:
            break
    done += [Hypothesis(tokens, log_p, score(log_p, len(tokens))) for log_p, tokens, _ in alive]
    return sorted(done, key=lambda h: -h.score)[:beam]
