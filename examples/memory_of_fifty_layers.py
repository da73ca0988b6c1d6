"""The memory of a network of fifty layers: weights, activations, and what a step of training keeps.

A ResNet-50 reads images of 224 x 224; a number has four bytes. `summary` counts the weights, and how many numbers each
layer puts out. The published activations are the outputs of the convolutions and of the blocks, which are sums. The
backward pass needs more: a normalisation reads the output of the convolution before it, the ReLU that of the
normalisation, and the next convolution that of the ReLU. Training also keeps a gradient for each weight, and Adam two
means. Activations lie in front, where images are large, weights at the end, where maps are many; the weights are there
once, the activations once for each image of the batch.
"""

import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run
from shared.residual import resnet

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "26 million weights, 16 million activations, 168 MB (CSCE 633, Machine Learning: lecture on convolutional networks)"


def outputs(model, x):
    """Of each layer, and of each block: its name, kind, weights, and how many numbers it puts out."""
    rows = [(r.path, r.kind, r.parameters, int(np.prod(r.output))) for r in model.summary(x).rows]
    blocks = []
    with no_grad():
        for number, layer in enumerate(model):
            x = layer(x)
            if type(layer).__name__ == "Block":
                blocks.append((f"{number}", "Block", 0, x.size))
    return rows, blocks


def kept(model, x):
    """Megabytes that a forward pass keeps for the backward pass, and at the peak of a step, without the weights."""
    nn.functional.cross_entropy(model(x), np.zeros(len(x), int)).backward()  # what is compiled takes memory once
    tracemalloc.start()
    loss = nn.functional.cross_entropy(model(x), np.zeros(len(x), int))
    after = tracemalloc.get_traced_memory()[0] / 1e6
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return after, peak


def draw(rows, bars):
    """Weights and outputs of the convolutions from the first to the last, and what adds up to the memory."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    layers = [(weights, out) for _, kind, weights, out in rows if kind in ("Conv2d", "Linear")]
    weights, out = 4 * np.array(layers).T / 1e6
    left.bar(range(len(layers)), out, color="C1", label="activations (output), one image")
    left.bar(range(len(layers)), -weights, color="C0", label="weights")
    left.set(xlabel="convolutions, from the first to the last", ylabel="megabytes", title="layer by layer")
    left.set_yticks(left.get_yticks(), [f"{abs(v):.0f}" for v in left.get_yticks()])
    left.legend(loc="lower left")
    colours = {"weights": "C0", "activations": "C1", "gradients": "C2", "Adam": "C4"}
    for place, parts in enumerate(bars.values()):
        start = 0
        for name, size in parts.items():
            right.barh(place, size, left=start, color=colours[name], label=name if place == len(bars) - 1 else None)
            start += size
        right.text(start, place, f" {start:,.0f}", va="center")
    right.set_yticks(range(len(bars)), list(bars))
    right.set(xlabel="megabytes", title="all together", xlim=(0, 1.12 * start))
    right.legend(loc="lower right")
    picture("memory_of_fifty_layers", figure)


def main(size=224, batch=8):
    model = resnet("ResNet-50")
    x = Tensor(generator().normal(size=(2, 3, size, size)).astype(np.float32))
    rows, blocks = outputs(model, x[:1])
    weights = sum(p.size for p in model.parameters())
    activations = sum(out for _, kind, _, out in rows + blocks if kind in ("Conv2d", "Block"))
    one, peak = kept(model, x[:1])
    two = kept(model, x)[0]
    each, of_weights = two - one, 4 * weights / 1e6
    training = {"weights": of_weights, "gradients": of_weights, "Adam": 2 * of_weights}
    bars = {
        "published": {"weights": 26 * 4, "activations": 16 * 4},
        "counted": {"weights": of_weights, "activations": 4 * activations / 1e6},
        "training, 1 image": training | {"activations": each},
        f"training, {batch} images": training | {"activations": batch * each},
    }
    draw(rows, bars)
    return {
        "weights": weights, "activations, convolutions and blocks": activations,
        "megabytes of both": 4 * (weights + activations) / 1e6,
        "numbers put out by all layers": sum(out for *_, out in rows + blocks),
        "megabytes that a forward pass keeps, measured, per image": each,
        "megabytes at the peak of a step, one image, measured, and the weights": peak + of_weights,
        f"megabytes of training with Adam, {batch} images, by the formula": 4 * of_weights + batch * each,
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
