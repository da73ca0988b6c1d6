"""Impressions of a made-up app store: who was offered what, and installed it."""

from __future__ import annotations

import numpy as np

APPS = 120
SIZES = {"country": 20, "language": 12, "age group": 6, "installed before": APPS, "app": APPS, "kind": 8}
#: Vectors of the users' categories and of the apps, the apps' kinds, and exceptions.
World = tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]


def make_world(rng: np.random.Generator) -> World:
    """Hidden vectors of users' categories and of apps, the kinds of apps, and exceptions for pairs of apps."""
    users = [rng.normal(size=(size, 4)) for size in list(SIZES.values())[:4]]
    exceptions = rng.choice([-4.0, 0, 4.0], (APPS, APPS), p=(0.12, 0.76, 0.12))
    return users, 0.5 * rng.normal(size=(APPS, 4)), rng.integers(0, SIZES["kind"], APPS), exceptions


def impressions(count: int, rng: np.random.Generator, world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Categories (count, 6), the probability of an install, and whether it happened."""
    users, apps, kinds, exceptions = world
    often = 1 / (np.arange(APPS) + 3)
    x = [rng.choice(size, count, p=often[:size] / often[:size].sum()) for size in SIZES.values()]
    x[5] = kinds[x[4]]
    user = sum(table[number] for table, number in zip(users, x, strict=False))
    logit = (user * apps[x[4]]).sum(axis=1) + exceptions[x[3], x[4]] - 1
    p = 1 / (1 + np.exp(-logit))
    return np.stack(x, axis=1), p, (rng.random(count) < p).astype(np.float32)
