"""Style transfer: one photograph with the textures of another, by gradients with respect to the pixels."""

import numpy as np
from shared import picture, run
from sklearn.datasets import load_sample_images

import nn
from minigrad import Tensor

PUBLISHED = "Gatys, Ecker and Bethge, 2016; random filters carry texture too: Ustyuzhaninov et al., 2016"


def network(data):
    """Shallow convolutions of several sizes with random filters, or the first layers of a VGG-16 from a safetensors file."""
    if data is not None:
        weights = nn.load(data)
        layers, channels = [], 3
        for index, out in ((0, 64), (2, 64), (5, 128), (7, 128)):
            layer = nn.Conv2d(channels, out, 3, padding=1)
            layer.load_state_dict({k: weights[f"features.{index}.{k}"] for k in ("weight", "bias")})
            layers += [layer, nn.ReLU(), *([nn.AvgPool2d(2)] if index == 2 else [])]
            channels = out
        return [nn.Sequential(*layers[:4]), nn.Sequential(*layers[:7]), nn.Sequential(*layers)]
    return [nn.Sequential(nn.Conv2d(3, 64, k, padding=k // 2, padding_mode="reflect"), nn.ReLU()) for k in (3, 7, 11)]


def gram(maps):
    """Which features occur together, wherever in the picture: (C, C)."""
    flat = maps.reshape(maps.shape[1], -1)
    return flat @ flat.T / flat.shape[1]


def main(steps=150, size=96, weight=1.0, data=None):
    content, style = (
        np.moveaxis(image[: 4 * size : 4, : 4 * size : 4], 2, 0)[None].astype(np.float32) / 255
        for image in load_sample_images().images
    )
    towers = network(data)
    for tower in towers:
        tower.requires_grad_(False)
    wanted = [gram(tower(Tensor(style))) for tower in towers]
    image = Tensor(content.copy(), requires_grad=True)
    optimizer = nn.optim.Adam([image], lr=0.03)
    first = None
    for step in range(1, steps + 1):
        of_style = sum(((gram(tower(image)) - g) ** 2).sum() / (g**2).sum() for tower, g in zip(towers, wanted, strict=True))
        blurred = nn.functional.avg_pool2d(image, 8), nn.functional.avg_pool2d(Tensor(content), 8)
        loss = of_style + weight * ((blurred[0] - blurred[1]) ** 2).mean() * 10
        first = of_style.item() if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        image.data[:] = np.clip(image.data, 0, 1)
        if step % 50 == 0:
            print(f"step {step}: style {of_style.item():.3f}")
    shown = np.concatenate([content, style, image.detach().numpy()])
    picture("style_transfer", nn.inspect.image_grid(shown, columns=3, titles=["content", "style", "both"]))
    return {"distance to the style, before and after": f"{first:.2f}, {of_style.item():.3f}"}


if __name__ == "__main__":
    run(main)
