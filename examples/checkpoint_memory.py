"""A deep network with and without checkpointing: what it keeps for the backward pass, and what it computes twice.

Each of n layers is h = tanh(W h + b). The rule of tanh reads its output, and the next layer's rule reads its input,
which is the same array; nobody reads W h + b again. So a forward pass keeps n arrays of batch x width numbers. With
checkpoints every k layers it keeps n / k of them, and in the backward pass the k of one part, which are computed
again: n / k + k, the least for k = sqrt(n). That costs one more forward pass, here 1 to 16 % more time. What
is under way, two or three arrays, and the gradients of the weights come on top; the layers are narrow and the batch is
large, so that both are small.
"""

import time
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run

import nn
from minigrad import Tensor, checkpoint

PUBLISHED = "a ResNet of 1000 layers: from 48 GB to 7 GB for 30 % more time (Chen, Xu, Zhang and Guestrin, 2016)"


def forward(blocks, x, segment):
    """The sum of the last layer; `segment` layers at a time are forgotten, none if it is 0."""
    if not segment:
        return nn.Sequential(*blocks)(x).sum()
    for start in range(0, len(blocks), segment):
        x = checkpoint(nn.Sequential(*blocks[start : start + segment]))(x)
    return x.sum()


def step(blocks, x, segment):
    """Megabytes kept after the forward pass, megabytes at the peak of a step, and the gradients."""
    for block in blocks:
        block.zero_grad()
    tracemalloc.start()
    out = forward(blocks, x, segment)
    kept = tracemalloc.get_traced_memory()[0] / 1e6
    out.backward()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return kept, peak, [p.grad.numpy().copy() for block in blocks for p in block.parameters()]


def seconds(blocks, x, segment):
    """The processor's time of a step, the better of two."""
    taken = []
    for _ in range(2):
        started = time.process_time()
        forward(blocks, x, segment).backward()
        taken.append(time.process_time() - started)
    return min(taken)


def draw(by_depth, by_segment, one):
    """Peaks by depth, and at full depth by the length of a part."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    depths = np.array(list(by_depth))
    kept, saved = np.array(list(by_depth.values())).T
    left.plot(depths, kept, "C0o-", label="all kept")
    left.plot(depths, depths * one, "C0:", label="n arrays")
    left.plot(depths, saved, "C1o-", label="checkpoints every sqrt(n) layers")
    left.plot(depths, 2 * np.sqrt(depths) * one, "C1:", label="2 sqrt(n) arrays")
    left.set(xlabel="layers n", ylabel="megabytes at the peak of a step", title="by depth", ylim=0)
    left.legend(loc="upper left")
    lengths, n = np.array(list(by_segment)), depths[-1]
    right.plot(lengths, list(by_segment.values()), "C1o-", label="measured")
    right.plot(lengths, (n / lengths + lengths) * one, "C1:", label="n / k + k arrays")
    right.axhline(kept[-1], color="C0", label="all kept")
    right.set(xlabel="layers between checkpoints k", title=f"by the length of a part, {n} layers", ylim=0)
    right.legend(loc="center right")
    picture("checkpoint_memory", figure)


def main(layers=50, width=64, batch=4096):
    blocks = [nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(layers)]
    x = Tensor(generator().normal(size=(batch, width)).astype(np.float32))
    forward(blocks, x, 0).backward()  # to warm up
    one, best = batch * width * 4 / 1e6, round(np.sqrt(layers))
    by_depth = {}
    for depth in sorted({max(1, layers // 10), layers // 4, layers // 2, 3 * layers // 4, layers}):
        by_depth[depth] = [step(blocks[:depth], x, k)[1] for k in (0, round(np.sqrt(depth)))]
    by_segment = {k: step(blocks, x, k)[1] for k in sorted({1, 2, 4, best, 2 * best, layers // 2, layers})}
    draw(by_depth, by_segment, one)
    results = {"parameters": sum(p.size for block in blocks for p in block.parameters())}
    results |= {"megabytes of an array of activations": one, "layers between checkpoints": best}
    gradients = []
    for name, segment, arrays in (("all kept", 0, layers), ("checkpoints", best, layers / best + best)):
        kept, peak, found = step(blocks, x, segment)
        gradients.append(found)
        results |= {f"megabytes after the forward pass, {name}": kept, f"megabytes at the peak, {name}": peak}
        results |= {f"megabytes by the formula, {name}": arrays * one}
    plain = seconds(blocks, x, 0)
    results["time with checkpoints, in times of that without"] = seconds(blocks, x, best) / plain
    same = all(np.array_equal(a, b) for a, b in zip(*gradients, strict=True))
    return results | {"gradients are the same": same}


FULL = {"layers": 1000}

if __name__ == "__main__":
    run(main)
