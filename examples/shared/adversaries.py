"""Generator against discriminator: what the scripts of generative adversarial networks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import nn
from minigrad import Tensor, random

from .resuming import steps
from .seeds import generator


class Both:
    """Two optimizers as one, for `steps` to keep."""

    def __init__(self, *optimizers: Any) -> None:
        self.optimizers = optimizers

    def state_dict(self) -> dict[str, Any]:
        return {str(i): optimizer.state_dict() for i, optimizer in enumerate(self.optimizers)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for i, optimizer in enumerate(self.optimizers):
            optimizer.load_state_dict(state[str(i)])


def play(
    make: nn.Module, judge: nn.Module, optimizers: tuple[Any, Any], total: int, batch: int, noise: int,
    draw: Callable[[np.random.Generator], np.ndarray], each: Callable[[int, dict[str, Any]], None] = lambda step, kept: None,
) -> dict[str, Any]:  # fmt: skip
    """Train a generator and a discriminator against each other.

    Args:
        make: the generator, noise (N, noise) to what is made.
        judge: the discriminator, to a score (N, 1): the log-odds that it is real.
        optimizers: the generator's and the discriminator's.
        draw: real samples by a generator of numbers, as many as `batch`.
        each: what is to be done before each step; what it puts into its second argument is kept.

    Returns:
        The discriminator's "losses" at each step, log 4 where it cannot tell, and what `each` has kept.
    """
    makes, judges = optimizers
    rng, kept = generator(0), dict[str, Any](losses=[])
    softplus = nn.functional.softplus  # -log D is softplus(-score), -log(1 - D) is softplus(score)
    for step in steps(total, nn.ModuleList([make, judge]), Both(makes, judges), rng, kept):
        each(step, kept)
        real, false = Tensor(draw(rng)), make(random.randn(batch, noise))
        loss = softplus(-judge(real)).mean() + softplus(judge(false.detach())).mean()
        judges.zero_grad()
        loss.backward()
        judges.step()
        fooled = softplus(-judge(false)).mean()
        makes.zero_grad()
        fooled.backward()
        makes.step()
        kept["losses"].append(loss.item())
        if (step + 1) % max(total // 4, 1) == 0:
            print(f"step {step + 1}: discriminator {loss.item():.3f}, generator {fooled.item():.3f}")
    return kept
