"""Image captions: show and tell, then show, attend and tell; on scenes of two coloured shapes."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import minigrad
import nn
from minigrad import Tensor, no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = (
    "on photographs: BLEU-4 of 27.7 (Vinyals et al., 2015) and 25.0 with soft attention more like the picture (Xu et al., 2015)"
)

COLOURS = {"red": (1, 0.2, 0.2), "green": (0.2, 0.9, 0.2), "blue": (0.3, 0.4, 1), "yellow": (1, 0.9, 0.1)}
SHAPES = ("square", "disc", "cross")


def scene(rng, size=24):
    """A picture (3, size, size), and what is in it."""
    image = np.full((3, size, size), 0.1)
    half, things = size // 2, []
    places = rng.choice(4, 2, replace=False)
    y, x = np.mgrid[:size, :size]
    for place in sorted(places):
        colour, shape = rng.choice(list(COLOURS)), rng.choice(SHAPES)
        r, c = (place // 2) * half + rng.integers(4, 8), (place % 2) * half + rng.integers(4, 8)
        inside = {
            "square": (abs(y - r) < 4) & (abs(x - c) < 4), "disc": (y - r) ** 2 + (x - c) ** 2 < 16,
            "cross": ((abs(y - r) < 1.5) & (abs(x - c) < 4)) | ((abs(x - c) < 1.5) & (abs(y - r) < 4)),
        }[shape]  # fmt: skip
        image[:, inside] = np.array(COLOURS[colour])[:, None]
        things.append(f"a {colour} {shape} at the {('top', 'bottom')[place // 2]} {('left', 'right')[place % 2]}")
    return image + 0.05 * rng.normal(size=image.shape), " and ".join(things)


class Captioner(nn.Module):
    """A convolutional network sees, a recurrent one tells; with attention it looks somewhere for each word."""

    def __init__(self, words, attend, hidden=96):
        self.attend = attend
        self.see = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1),
            nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, hidden - 2, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.begin = nn.Sequential(nn.Linear(36 * hidden, hidden), nn.LayerNorm(hidden), nn.Tanh())
        self.embed = nn.Embedding(words, hidden, padding_idx=0)
        self.cell, self.out = nn.GRUCell(2 * hidden if attend else hidden, hidden), nn.Linear(hidden, words)
        self.attention = nn.AdditiveAttention(hidden, hidden, hidden)

    def encode(self, image):
        maps = self.see(image)  # (N, hidden - 2, 6, 6)
        where = np.broadcast_to(np.mgrid[:6, :6].reshape(1, 2, 6, 6) / 5.0, (len(image), 2, 6, 6)).astype(np.float32)
        keys = (
            np.concatenate([maps, Tensor(where)], axis=1).reshape(len(image), -1, 36).swapaxes(1, 2)
        )  # each place, and where it is
        return self.begin(keys.reshape(len(image), -1)), keys

    def step(self, token, h, keys):
        x, weights = self.embed(token), None
        if self.attend:
            context, weights = self.attention(h, keys)
            x = np.concatenate([x, context], axis=1)
        h = self.cell(x, h)
        return self.out(h), h, weights

    def forward(self, image, before):
        h, keys = self.encode(image)
        outs = []
        for t in range(before.shape[1]):
            scores, h, _ = self.step(before[:, t], h, keys)
            outs.append(scores)
        return np.stack(outs, axis=1)

    def tell(self, image, start, length):
        h, keys = self.encode(image)
        token, said, looked = np.full(len(image), start), [], []
        for _ in range(length):
            scores, h, weights = self.step(token, h, keys)
            token = scores.numpy().argmax(axis=1)
            said.append(token)
            looked.append(None if weights is None else weights.numpy())
        return np.array(said).T, looked


def main(steps=600, batch=32, scenes=2400):
    rng = np.random.default_rng(0)
    images, captions = zip(*(scene(rng) for _ in range(scenes)), strict=True)
    images = np.array(images, np.float32)
    words = Vocabulary.of_words(captions)
    y, _ = pad_rows([words.encode(c, start=True, end=True) for c in captions])
    cut, results = scenes - 400, {}
    for name, attend in (("show and tell", False), ("show, attend and tell", True)):
        minigrad.random.manual_seed(0)
        model, draw = Captioner(len(words), attend), np.random.default_rng(0)
        optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
        schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for step in range(1, steps + 1):
            rows = draw.integers(0, cut, batch)
            scores = model(Tensor(images[rows]), y[rows, :-1])
            loss = nn.functional.cross_entropy(scores.reshape(-1, len(words)), y[rows, 1:].reshape(-1), ignore_index=0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % 100 == 0:
                print(f"{name}, step {step}: loss {loss.item():.3f}")
        model.eval()
        with no_grad():
            said, looked = model.tell(Tensor(images[cut:]), words["<s>"], y.shape[1] - 1)
        texts = [words.decode(row[: list(row).index(words["</s>"])] if words["</s>"] in row else row) for row in said]
        results[f"captions all right, {name}"] = float(np.mean([a == b for a, b in zip(texts, captions[cut:], strict=True)]))
        results[f"BLEU, {name}"] = 100 * nn.metrics.bleu([t.split() for t in texts], [[c.split()] for c in captions[cut:]])
    shown = texts[0].split()
    figure, axes = plt.subplots(2, 7, figsize=(12, 4))
    for t, axis in enumerate(axes.ravel()):
        axis.axis("off")
        if t < len(shown):
            axis.imshow(np.clip(np.moveaxis(images[cut], 0, 2), 0, 1))
            axis.imshow(np.kron(looked[t][0].reshape(6, 6), np.ones((4, 4))), alpha=0.55, cmap="gray")
            axis.set_title(shown[t])
    picture("captioning", figure)
    return results


if __name__ == "__main__":
    run(main)
