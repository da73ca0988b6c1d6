"""Sequences of different lengths: padded to the longest, in buckets of like length, or packed; timed side by side."""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor
from nn.text import bucket_by_length


def main(sequences=512, longest=120, hidden=64, batch=32):
    rng = np.random.default_rng(0)
    lengths = np.minimum(5 + rng.exponential(20, sequences).astype(int), longest)  # many short ones, few long ones
    x = rng.normal(size=(sequences, lengths.max(), 16)).astype(np.float32)
    x *= np.arange(lengths.max())[None, :, None] < lengths[:, None, None]
    lstm = nn.LSTM(16, hidden, batch_first=True)

    def seconds(batches, cut):
        """One pass forwards and backwards over all; and the last states, in the order of the sequences."""
        started, states = time.perf_counter(), np.zeros((sequences, hidden), np.float32)
        for rows in batches:
            t = lengths[rows].max() if cut else x.shape[1]
            _, (h, _) = lstm(Tensor(x[rows, :t]), lengths=lengths[rows])
            h.sum().backward()
            states[rows] = h.detach().numpy()[0]
        return time.perf_counter() - started, states

    in_order = np.array_split(np.arange(sequences), sequences // batch)
    ways = {
        "all padded to the longest": (in_order, False),
        "each batch to its own longest": (in_order, True),
        "buckets of like length": (bucket_by_length(lengths, batch), True),
    }
    seconds(in_order, True)  # to warm up
    times, states = {}, []
    for name, (batches, cut) in ways.items():
        runs = [seconds(batches, cut) for _ in range(3)]
        times[name] = float(np.median([t for t, _ in runs]))
        states.append(runs[0][1])
    figure, axis = plt.subplots(figsize=(6, 2.5))
    axis.barh(list(times), list(times.values()))
    axis.set(xlabel="seconds for one pass over the data")
    picture("padding", figure)
    same = max(float(np.abs(s - states[0]).max()) for s in states)
    return {f"seconds, {name}": t for name, t in times.items()} | {"largest difference of the results": same}


if __name__ == "__main__":
    run(main)
