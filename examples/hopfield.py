"""A Hopfield network recalls digits from a part where it stores a projection; Hebb's rule fails, as digits are alike.

    binary             a_i <- sign(W_i a), unit by unit: each change lowers the energy E(a) = -a^T W a / 2
                       W = sum_p p p^T / size, without the diagonal, of patterns of 1 and -1 (Hebb's rule)
    saturated linear   a(0) = p,  a(k) = satlims(W a(k - 1)), all units at once, linear from -1 to 1
                       W = 2 P^T (P P^T)^-1 P, twice the projection on the patterns: W p = 2 p, cut to p

Three digits are stored; then their lower part is missing, or a quarter of the pixels is flipped. What a network gives
back is compared with what it was given. Hebb's rule is meant for patterns without correlation: of random ones it keeps
many, but three digits agree in most pixels, p^T q / size is far from 0, and what they have in common drowns what tells
them apart, so that the part as it was given has about as many right pixels as what comes back. Of flipped pixels
Hebb's rule sets many right, but all of them in one of five seeds only. The projection takes the correlation out. Of
random patterns, those count as stable, or recalled from 15 % flipped, that come out right but for 3 % of their units.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import digits, generator, picture, run

import nn

PUBLISHED = "about 0.14 patterns for each unit can be stored (Hopfield, 1982; Amit et al., 1985)"
LOADS = (0.05, 0.1, 0.14, 0.2, 0.3, 0.4)
KINDS = {"binary": True, "saturated linear": False}


def memory(patterns, binary, max_steps=100):
    """A network that has stored the patterns."""
    net = nn.Hopfield(patterns.shape[1], max_steps, binary)
    if binary:
        net.store(patterns)
    else:
        net.weight.data[:] = 2 * np.linalg.pinv(patterns) @ patterns
    return net


def found(units, load, binary, flipped, rng):
    """The share of random patterns that come out right, but for 3 %, from some units flipped."""
    stored = rng.choice([-1.0, 1.0], (max(round(load * units), 1), units))
    given = np.where(rng.random(stored.shape) < flipped, -stored, stored)
    return float(((np.sign(memory(stored, binary)(given).numpy()) == stored).mean(axis=1) > 0.97).mean())


def right(state, patterns):
    """The share of the pixels that have the right sign."""
    return float((np.sign(state) == patterns).mean())


def main(units=200, repeats=4):
    rng = generator()
    (images, labels), _ = digits()
    chosen = [images[rng.choice(np.flatnonzero(labels == digit))] for digit in (0, 3, 7)]
    patterns = np.where(np.array(chosen).reshape(3, -1) > 0.45, 1.0, -1.0)
    part = patterns.copy()
    part[:, 40:] = -1.0  # three of eight lines are missing
    results, runs = {"baseline: the part as it is, pixels right": right(part, patterns)}, {}
    for kind, binary in KINDS.items():
        runs[kind] = [memory(patterns, binary, k)(part).numpy() for k in range(7)]  # after so many steps
        results[f"{kind}: pixels right"] = right(memory(patterns, binary)(part).numpy(), patterns)
    overlap = patterns @ patterns.T / patterns.shape[1]
    results["overlap p^T q / size of two digits, mean"] = float(overlap[np.triu_indices(3, 1)].mean())
    results["chance: overlap of two random patterns, deviation"] = float(1 / np.sqrt(patterns.shape[1]))
    steps = {kind: [right(state, patterns) for state in states] for kind, states in runs.items()}
    shares = {}
    for name, binary, flipped in (
        ("binary: stable", True, 0.0),
        ("binary: recalled", True, 0.15),
        ("saturated linear: recalled", False, 0.15),
    ):
        runs_of = [[found(units, load, binary, flipped, rng) for _ in range(repeats)] for load in LOADS]
        shares[name] = np.mean(runs_of, axis=1).tolist()
        named = zip(LOADS, shares[name], strict=True)
        results |= {f"{name} at {load} patterns a unit": share for load, share in named}
    draw(patterns, runs["saturated linear"], steps, shares)
    flipped = patterns * rng.choice([1.0, -1.0], patterns.shape, p=[0.75, 0.25])
    results["baseline: a quarter flipped, pixels right"] = right(flipped, patterns)
    for kind, binary in KINDS.items():
        back = memory(patterns, binary)(flipped).numpy()
        results[f"{kind}: a quarter flipped, pixels right"] = right(back, patterns)
    return results


def draw(patterns, states, steps, shares):
    """A run of the saturated linear network, how right it is, and what is kept of random patterns."""
    figure = plt.figure(figsize=(14, 4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])
    columns = {"stored": patterns} | {f"a({k})": state for k, state in enumerate(states[:6])}
    axes = left.subplots(3, len(columns))
    for j, (name, images) in enumerate(columns.items()):
        axes[0, j].set_title(name)
        for axis, image in zip(axes[:, j], images, strict=True):
            axis.imshow(image.reshape(8, 8), cmap="gray", vmin=-1, vmax=1)
            axis.axis("off")
    left.suptitle("saturated linear units, step by step")
    axes = right.subplots(1, 2)
    for kind, values in steps.items():
        axes[0].plot(values, "o-", label=kind)
    axes[0].set(title="pixels right", xlabel="step", ylabel="share")
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize="small")
    for (name, values), style in zip(shares.items(), ("o-C0", "o--C0", "o--C1"), strict=True):
        axes[1].plot(LOADS, values, style, label=name)
    axes[1].axvline(0.138, color="grey", linestyle=":", label="0.138 (Amit et al., 1985)")
    axes[1].set(title="random patterns", xlabel="patterns for each unit", ylabel="share")
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize="small")
    picture("hopfield", figure)


if __name__ == "__main__":
    run(main)
