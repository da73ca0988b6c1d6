"""A network of fifty layers with and without checkpointing: what it keeps, and what it computes twice."""

import time
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, checkpoint

PUBLISHED = "memory falls to the square root of the depth for one more forward pass (Chen, Xu, Zhang and Guestrin, 2016)"


def main(layers=50, width=256, batch=2048, segment=7):
    blocks = [nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(layers)]
    model = nn.Sequential(*blocks)
    x = Tensor(np.random.default_rng(0).normal(size=(batch, width)).astype(np.float32))
    parts = [nn.Sequential(*blocks[i : i + segment]) for i in range(0, layers, segment)]

    def plain():
        return model(x).sum()

    def forgetful():
        h = x
        for part in parts:
            h = checkpoint(part)(h)  # keeps its input alone, and computes again on the way back
        return h.sum()

    results = {"parameters": sum(p.size for p in model.parameters())}
    results["megabytes of activations"] = 2 * layers * batch * width * 4 / 2**20
    gradients, bars = [], {}
    for name, forward in (("kept", plain), ("checkpointed", forgetful)):
        model.zero_grad()
        forward().backward()  # to warm up
        model.zero_grad()
        tracemalloc.start()
        forward().backward()
        bars[name] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        gradients.append([p.grad.numpy().copy() for p in model.parameters()])
        model.zero_grad()
        started = time.perf_counter()
        forward().backward()
        results[f"peak of a step in megabytes, {name}"] = bars[name]
        results[f"seconds, {name}"] = time.perf_counter() - started
    figure, axis = plt.subplots(figsize=(6, 2))
    axis.barh(list(bars), list(bars.values()))
    axis.set(xlabel="megabytes at the peak of a step, gradients included")
    picture("checkpoint_memory", figure)
    return results | {"gradients are the same": all(np.array_equal(a, b) for a, b in zip(*gradients, strict=True))}


if __name__ == "__main__":
    run(main)
