"""Style transfer: one photograph with the textures of another, by gradients with respect to the pixels.

F[c, p] is the map c of a layer at place p. The Gram matrix forgets places: it says which features occur together,

    G[c, d] = mean over p of F[c, p] F[d, p]
    style = sum over layers of |G(x) - G(style)|^2 / |G(style)|^2
    loss = style + 10 weight * mean of (blurred brightness of x - that of the content)^2

and x, which begins as the content, goes down. The features are those of random filters of three sizes, which carry
texture too (Ustyuzhaninov et al., 2016), or of a VGG-16 from a safetensors file by `--data`. So that the
numbers mean something, style is measured with filters that the descent never saw: beside it stand the content, the
content with the colours alone of the style, and another part of the style's own photograph.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "with a trained VGG: Gatys, Ecker and Bethge, 2016; with random filters: Ustyuzhaninov et al., 2016"


def network(data):
    """Shallow convolutions of several sizes with random filters, or the first layers of a VGG-16."""
    if data is None:
        layers = [nn.Conv2d(3, 64, k, padding=k // 2, padding_mode="reflect", bias=k == 1) for k in (1, 3, 7, 11)]
        for layer in layers[1:]:  # blind to plain colour, which the first sees
            layer.weight.data -= layer.weight.data.mean(axis=(2, 3), keepdims=True)
        return [nn.Sequential(layer, nn.ReLU()).requires_grad_(False) for layer in layers]
    weights, layers, channels = nn.load(data), [], 3
    for index, out in ((0, 64), (2, 64), (5, 128), (7, 128)):
        layer = nn.Conv2d(channels, out, 3, padding=1)
        layer.load_state_dict({k: weights[f"features.{index}.{k}"] for k in ("weight", "bias")})
        layers += [layer, nn.ReLU(), *([nn.AvgPool2d(2)] if index == 2 else [])]
        channels = out
    return [nn.Sequential(*layers[:n]).requires_grad_(False) for n in (4, 7, len(layers))]


def gram(maps):
    """Which features occur together, wherever in the picture: (C, C)."""
    flat = maps.reshape(maps.shape[1], -1)
    return flat @ flat.T / flat.shape[1]


def distance(towers, x, wanted):
    """How far the Gram matrices of an image are from those wanted."""
    pairs = zip(towers, wanted, strict=True)
    return sum(((gram(tower(x)) - g) ** 2).sum() / (g**2).sum() for tower, g in pairs)


def recoloured(content, style):
    """The content with the mean and the covariance of the style's colours."""
    x, y = (image[0].reshape(3, -1) for image in (content, style))

    def root(image, power):
        values, vectors = np.linalg.eigh(np.cov(image))
        return vectors * values**power @ vectors.T

    mixed = root(y, 0.5) @ root(x, -0.5) @ (x - x.mean(axis=1, keepdims=True)) + y.mean(axis=1, keepdims=True)
    return mixed.reshape(content.shape).clip(0, 1).astype(np.float32)


def outline(x):
    """The content: brightness, blurred."""
    return nn.functional.avg_pool2d(x.mean(axis=1, keepdims=True), 4)


def descend(towers, content, wanted, updates, weight):
    """The image with the style of `wanted`, near the content."""
    x = Tensor(content.copy(), requires_grad=True)
    optimizer = nn.optim.Adam([x], lr=0.03)
    goal = outline(Tensor(content))
    for step in range(updates):
        style = distance(towers, x, wanted)
        loss = style + 10 * weight * ((outline(x) - goal) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        x.data[:] = np.clip(x.data, 0, 1)
        if step % 50 == 49:
            print(f"step {step + 1}: style {style.item():.3f}")
    return x.detach().numpy()


def draw(images):
    figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
    for axis, (name, image) in zip(axes, images.items(), strict=True):
        axis.imshow(np.moveaxis(image[0], 0, 2))
        axis.set(title=name, xticks=[], yticks=[])
    picture("style_transfer", figure)


def main(updates=100, size=96, weight=1.0, data=None):
    photos = [np.moveaxis(image / np.float32(255), 2, 0)[None] for image in load_sample_images().images]
    style, content, part = (
        nn.functional.avg_pool2d(Tensor(photos[n][:, :, : 4 * size, where]), 4).numpy()
        for n, where in ((0, slice(4 * size)), (1, slice(4 * size)), (0, slice(-4 * size, None)))
    )
    towers = network(data)
    with no_grad():
        wanted = [gram(tower(Tensor(style))) for tower in towers]
    both = descend(towers, content, wanted, updates, weight)
    others = network(None)  # filters that the descent never saw
    colours = recoloured(content, style)
    images = {
        "distance to the style": both, "baseline: the content itself": content, "baseline: colours alone": colours,
        "baseline: another part of the style's photograph": part,
    }  # fmt: skip
    with no_grad():
        seen = [gram(tower(Tensor(style))) for tower in others]
        results = {name: float(distance(others, Tensor(image), seen).numpy()) for name, image in images.items()}
    away = {"distance to the content": both, "baseline: of the style to the content": style}
    results |= {
        name: float(((outline(Tensor(image)) - outline(Tensor(content))) ** 2).mean().numpy())
        for name, image in away.items()
    }
    draw({"content": content, "style": style, "colours alone": colours, "both": both})
    return results


if __name__ == "__main__":
    run(main)
