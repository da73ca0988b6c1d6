"""What does a unit look for? Images made by gradient ascent, for single maps and for whole classes.

Start from noise x, and climb the activation a of a unit with respect to the pixels, the weights staying as they are:

    x <- clip(x + rate * g / |g|),    g = da/dx                                    (Erhan et al., 2009)
    at each step x is moved by up to two pixels, and after every fourth blurred    (jitter and blur)

Without jitter and blur the score of a class rises as high, but by a pattern of single pixels. So what an image shows
is asked of a judge: a second network with other weights and other training scenes. It reads all ten images made with
jitter and blur, and seven to nine of those without. The last rows show what ten maps of each convolution look for,
edges and stripes at best; some maps are dead, and their images stay blurred noise.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from shared import digits, generator, picture, restart, run, scattered
from shared.cnn import learn, network

import nn
from minigrad import Tensor, no_grad
from nn.metrics import accuracy

PUBLISHED = "Erhan, Bengio, Courville and Vincent, 2009; of classes: Simonyan, Vedaldi and Zisserman, 2014"
SIZE = 24


def climb(score, count, updates, natural, rng):
    """Images that make each its own score large: (count, 1, SIZE, SIZE); `score` gives one number for each image."""
    x = (0.1 + 0.1 * rng.random((count, 1, SIZE, SIZE))).astype(np.float32)
    for step in range(updates):
        move = tuple(rng.integers(-2, 3, 2)) if natural else (0, 0)
        moved = Tensor(np.roll(x, move, (2, 3)), requires_grad=True)
        score(moved).sum().backward()
        g = moved.grad.numpy()
        g /= np.sqrt((g**2).mean(axis=(1, 2, 3), keepdims=True)) + 1e-12
        x = np.roll((moved.detach().numpy() + 0.05 * g).clip(0, 1), (-move[0], -move[1]), (2, 3))
        if natural and step % 4 == 0:
            x = gaussian_filter(x, (0, 0, 0.6, 0.6))
    return x


def of_class(model):
    """The score of class i for image i, above the mean of all."""

    def score(x):
        scores = model(x)
        return scores[np.arange(10), np.arange(10)] - scores.mean(axis=1)

    return score


def of_maps(model, depth, count):
    """The mean activation of map i of a layer for image i."""
    part = nn.Sequential(*list(model)[:depth])
    return lambda x: part(x)[np.arange(count), np.arange(count)].mean(axis=(1, 2))


def judged(model, judge, images):
    """The mean probability of the wanted class, for the network itself, and how often the judge says it."""
    with no_grad():
        own = nn.functional.softmax(model(Tensor(images)), axis=1).numpy()
        other = judge(Tensor(images)).numpy()
    return float(own.diagonal().mean()), accuracy(other, np.arange(10))


def draw(classes, maps):
    """The images of the classes, and of the maps of each layer."""
    rows = {**classes, **maps}
    figure, axes = plt.subplots(len(rows), 10, figsize=(11, 1.15 * len(rows)), layout="constrained")
    for number, (line, (name, images)) in enumerate(zip(axes, rows.items(), strict=True)):
        line[0].set_ylabel(name if name in maps else f"classes,\n{name}", rotation=0, ha="right", va="center")
        for unit, (axis, image) in enumerate(zip(line, images[:, 0], strict=True)):
            axis.imshow(image, cmap="gray")
            axis.set(xticks=[], yticks=[])
            if number == 0:
                axis.set_title(f"class {unit}", fontsize="medium")
    picture("activation_maximisation", figure)


def main(scenes=2000, epochs=6, updates=80):
    train, test = digits()
    networks = []
    for stream in (1, 2):  # the network, and its judge
        x, y = scattered(*train, scenes, generator(stream), SIZE, pieces=1)
        if stream == 1:
            restart()
        networks.append(learn(network(), x[:, None], y, epochs, f"network {stream}").requires_grad_(False))
    model, judge = networks
    held, truth = scattered(*test, 300, generator(3), SIZE, pieces=1)
    with no_grad():
        right = accuracy(judge(Tensor(held[:, None])).numpy(), truth)
    classes, results = {}, {"accuracy of the judge on real scenes": right}
    for name, natural in (("pixel by pixel", False), ("jitter, blur", True)):
        classes[name] = climb(of_class(model), 10, updates, natural, generator(4))
        own, other = judged(model, judge, classes[name])
        results |= {f"probability of the class, {name}": own, f"right for the judge, {name}": other}
    maps = {}
    for number, depth in ((1, 3), (2, 7), (3, 11)):  # after each ReLU
        maps[f"maps of layer {number}"] = climb(of_maps(model, depth, 10), 10, updates, True, generator(4))
    draw(classes, maps)
    noise = judged(model, judge, climb(of_class(model), 10, 0, False, generator(4)))
    return results | {"baseline: probability before climbing": noise[0], "chance: right for the judge": noise[1]}


if __name__ == "__main__":
    run(main)
