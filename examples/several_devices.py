"""Basic operations on several devices: the powers of two matrices, on one device and on two at once.

A^n + B^n are n - 1 products for A, then n - 1 for B, and a sum. The two powers do not need each other: with two
processes each computes one, on a GPU of its own where there are two, else on a core, and a reduction over the processes
makes the sum. It is the same to the last bit. On one device the second power waits for the first; on two the time is
that of one power and of the way of a matrix from device to device. Smaller matrices gain nothing: the way costs more
than the work. `mpiexec -n 2 python examples/several_devices.py`; further processes compute nothing here.
Source: Damien, TensorFlow-Examples, "Basic operations on multi-GPU", 2016.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run
from shared.processes import device, started

import minigrad
from minigrad import Tensor, no_grad
from nn import distributed


def power(matrix, n):
    """A^n by n - 1 products, as the source has it."""
    out = matrix
    for _ in range(n - 1):
        out = out @ matrix
    return out


def on_one(a, b, n):
    """Both powers on the first device; the other processes wait."""
    return power(a, n) + power(b, n) if distributed.rank() == 0 else None


def on_two(a, b, n):
    """One power on each device, and their sum on both."""
    rank = distributed.rank()
    if distributed.world_size() == 1:
        return power(a, n) + power(b, n)
    mine = power((a, b)[rank], n) if rank < 2 else minigrad.zeros_like(a)
    return distributed.all_reduce(mine)


def timed(compute, a, b, n, rounds):
    """The result, and the least of the seconds that it took from the moment when all processes were ready."""
    seconds = []
    for _ in range(rounds):
        distributed.barrier()
        began = time.perf_counter()
        out = compute(a, b, n)
        values = None if out is None else out.cpu().numpy()  # which waits for a GPU
        distributed.barrier()
        seconds.append(time.perf_counter() - began)
    return values, min(seconds)


def draw(sizes, times):
    figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, values in times.items():
        axis.loglog(sizes, [1000 * value for value in values], "o-", label=name)
    axis.set_xticks(sizes, sizes)
    axis.minorticks_off()
    axis.set(xlabel="rows of a matrix", ylabel="milliseconds", title="A^n + B^n")
    axis.legend()
    picture("several_devices", figure)


@no_grad()
def main(processes=2, n=10, size=512, rounds=9):
    """Args:
    processes: how many to start where mpiexec has not
    n: the power
    rounds: how often each is timed
    """
    if (found := started(__file__, processes, n=n, size=size, rounds=rounds)) is not None:
        return found
    sizes = [max(size >> shift, 1) for shift in (3, 2, 1, 0)]
    times, same = {"one device": [], "two devices": []}, True
    for side in sizes:
        rng = generator()
        a, b = (Tensor(rng.uniform(0, 2 / side, (side, side)).astype(np.float32)).to(device()) for _ in range(2))
        one, seconds = timed(on_one, a, b, n, rounds)
        times["one device"].append(seconds)
        two, seconds = timed(on_two, a, b, n, rounds)
        times["two devices"].append(seconds)
        same = same and (one is None or bool((one == two).all()))
    devices = distributed.gather(np.frombuffer(device().ljust(8).encode(), np.uint8))
    if distributed.rank() > 0:
        return {}
    draw(sizes, times)
    return {
        "the same on two devices, bit for bit": same,
        "times as fast on two": times["one device"][-1] / times["two devices"][-1],
        "devices": ", ".join(name.tobytes().decode().strip() for name in devices),
        "milliseconds on two devices": 1000 * times["two devices"][-1],
        "baseline: milliseconds on one device": 1000 * times["one device"][-1],
    }


if __name__ == "__main__":
    run(main)
