"""Sequences of different lengths: padded to the longest, in buckets of like length, or packed, and the time each takes.

A batch is one array (T, B, features), so that short sequences are padded to the longest. What is computed for
padding is wasted: T B steps of the recurrence h_t = f(h_{t-1}, x_t) for sum_i T_i that mean something. Ways
to waste less:

    own longest   each batch is padded to its own longest sequence only
    buckets       sequences of like length share a batch (`nn.text.bucket_by_length`)
    packed        sorted by length, the steps lie one after another without padding (`pack_padded_sequence`):
                  step t has as many rows as sequences still last, batch_sizes[t]; the cell runs on those alone

All give the same states and the same gradients, because `lengths` stops each sequence at its end. `nn.LSTM`
takes packed sequences too, but pads them again inside: one fused op over all steps costs less than the steps
that packing saves. Truncation, that is cutting sequences at a length, is the other way; it is the only one that
loses something.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import chosen, generator, picture, restart, run

import nn
from minigrad import Tensor, concatenate
from nn.text import bucket_by_length
from nn.utils.rnn import pack_padded_sequence


def packed_by_hand(lstm, x, lengths):
    """The last states of an LSTM, in the order of the sequences; the cell runs on the rows that still last."""
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    h, c = (Tensor(np.zeros((len(lengths), lstm.hidden_size), np.float32)) for _ in range(2))
    weights, ended, start = [p for _, p in lstm.named_parameters()], [], 0
    for size in packed.batch_sizes:
        if size < len(h):  # the shorter ones have ended
            ended.append(h[size:])
            h, c = h[:size], c[:size]
        h, c = nn.functional.recurrent.lstm_cell(packed.data[start : start + size], h, c, *weights)
        start += size
    return concatenate([h, *ended[::-1]])[packed.unsorted_indices]


def last_states(lstm, x, lengths):
    return lstm(x, lengths=lengths)[1][0][0]


def through_packed_layer(lstm, x, lengths):
    return lstm(pack_padded_sequence(x, lengths, enforce_sorted=False))[1][0][0]


def one_pass(lstm, states_of, batches, x, lengths, cut):
    """Forwards and backwards over all batches: seconds of the processor, last states, gradients."""
    lstm.zero_grad()
    started, states = time.process_time(), np.zeros((len(lengths), lstm.hidden_size), np.float32)
    for rows in batches:
        steps = lengths[rows].max() if cut else x.shape[0]
        h = states_of(lstm, Tensor(x[:steps, rows]), lengths[rows])
        h.sum().backward()
        states[rows] = h.detach().numpy()
    return (
        time.process_time() - started,
        states,
        np.concatenate([p.grad.numpy().ravel() for p in lstm.parameters()]),
    )


def main(sequences=512, longest=120, hidden=64, batch=32, passes=3):
    rng = generator()
    lengths = np.minimum(
        5 + rng.exponential(20, sequences).astype(int), longest
    )  # many short ones, few long ones
    x = rng.normal(size=(lengths.max(), sequences, 16)).astype(np.float32)
    restart()
    lstm = nn.LSTM(16, hidden)
    in_order = np.array_split(np.arange(sequences), max(1, sequences // batch))
    buckets = bucket_by_length(lengths, batch, seed=chosen())
    own, in_buckets = (sum(lengths[rows].max() * len(rows) for rows in way) for way in (in_order, buckets))
    ways = {
        "baseline: all padded to the longest": (last_states, in_order, False, sequences * lengths.max()),
        "each batch to its own longest": (last_states, in_order, True, own),
        "buckets of like length": (last_states, buckets, True, in_buckets),
        "packed, a loop of cells": (packed_by_hand, in_order, True, lengths.sum()),
        "packed, through nn.LSTM": (through_packed_layer, in_order, True, own),
    }
    seconds, useful, outcomes = {}, {}, []
    for name, (states_of, batches, cut, steps) in ways.items():
        runs = [one_pass(lstm, states_of, batches, x, lengths, cut) for _ in range(passes)]
        seconds[name] = min(run[0] for run in runs)
        useful[name] = float(lengths.sum() / steps)
        outcomes.append(runs[0][1:])
    (states, gradient), *others = outcomes
    draw(lengths, in_order[0], buckets, seconds, useful)
    results = {f"{name}: seconds for a pass": value for name, value in seconds.items()}
    results |= {f"{name}: share of steps that are no padding": value for name, value in useful.items()}
    results["largest difference of the states"] = max(
        float(np.abs(other[0] - states).max()) for other in others
    )
    relative = [float(np.abs(other[1] - gradient).max() / np.abs(gradient).max()) for other in others]
    return results | {"largest difference of the gradients": max(relative)}


def draw(lengths, rows, buckets, seconds, useful):
    figure, axes = plt.subplot_mosaic(
        "abcd", figsize=(14, 3.8), layout="constrained", width_ratios=(1, 1, 1, 1.6)
    )
    middle = sorted(buckets, key=lambda bucket: lengths[bucket].max())[len(buckets) // 2]
    pictures = {
        "a": (lengths[rows], lengths.max(), "padded to the longest of all"),
        "b": (lengths[middle], lengths[middle].max(), "a bucket"),
        "c": (np.sort(lengths[rows])[::-1], lengths[rows].max(), "sorted and packed"),
    }
    for key, (each, steps, title) in pictures.items():
        lasting = np.arange(steps) < each[:, None]
        shown = np.where(lasting, 1.0, np.nan if key == "c" else 0.25)
        axes[key].imshow(shown, cmap="Blues", vmin=0, vmax=1.5, aspect="auto", interpolation="nearest")
        axes[key].set(xlim=(0, lengths.max()), xlabel="step", ylabel="sequence of a batch", title=title)
    figure.get_layout_engine().set(wspace=0.08)
    names = [name.removeprefix("baseline: ") for name in seconds]
    bars = axes["d"].barh(names, list(seconds.values()), color=["grey", "C0", "C0", "C1", "C1"])
    axes["d"].bar_label(bars, [f"{useful[name]:.0%} no padding" for name in seconds], padding=3)
    axes["d"].set(xlabel="seconds of a processor for one pass", xlim=(0, 1.9 * max(seconds.values())))
    axes["d"].invert_yaxis()
    picture("padding", figure)


if __name__ == "__main__":
    run(main)
