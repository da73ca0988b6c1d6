"""A Hopfield network remembers pictures, and finds them again from a part of one."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_digits

import nn

PUBLISHED = "about 0.14 patterns for each unit can be stored (Hopfield, 1982; Amit et al., 1985)"


def capacity(units, patterns, rng):
    """The share of random patterns that stay as they are, but for 3 % of their units at most."""
    stored = rng.choice([-1.0, 1.0], (patterns, units))
    net = nn.Hopfield(units, binary=True)
    net.store(stored)
    return float(((net(stored).numpy() == stored).mean(axis=1) > 0.97).mean())


def main(units=200):
    images = load_digits().images[[0, 3, 9]]
    patterns = np.where(images > 7, 1.0, -1.0).reshape(3, 64)
    net = nn.Hopfield(64, binary=True)
    net.store(patterns)
    part = patterns.copy()
    part[:, 40:] = -1.0  # the lower part is missing
    recalled = net(part).numpy()
    picture("hopfield", nn.inspect.image_grid(np.concatenate([patterns, part, recalled]).reshape(-1, 8, 8), columns=3))
    rng = np.random.default_rng(0)
    results = {"pixels right after recall": float((recalled == patterns).mean())}
    results["energy before and after"] = f"{net.energy(part).numpy().sum():.0f}, {net.energy(recalled).numpy().sum():.0f}"
    for load in (0.05, 0.14, 0.3):
        results[f"kept at {load} patterns for each unit"] = capacity(units, int(load * units), rng)
    return results


if __name__ == "__main__":
    run(main)
