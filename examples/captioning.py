"""Image captions: show and tell, then show, attend and tell; captions right, nearly right and wrong.

A convolutional network sees, a recurrent one tells. In show and tell the image is seen once, as first state:
    h_0 = tanh(norm(W CNN(I))),   h_t = f(h_{t-1}, S_{t-1}),   p(S_t | S_1 ... S_{t-1}, I) = softmax(V h_t)
with S_t the words. With soft attention it is seen for each word, a_i what is found at place i of 6 x 6:
    e_ti = v^T tanh(W h_{t-1} + U a_i),   alpha_ti = exp(e_ti) / sum_k exp(e_tk),   z_t = sum_i alpha_ti a_i,
and h_t = f(h_{t-1}, [S_{t-1}, z_t]). f is a GRU, in the papers an LSTM. A scene has two coloured shapes at
two of four places. There are 864 captions; those of the test belong to no training scene.
"""

from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from number_phrases import learn, written
from shared import CaptionedScenes, generator, picture, restart, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "on the photographs of MS COCO, BLEU-4: show and tell 27.7 (Vinyals et al., 2015); soft attention 24.3, "
    "hard 25.0 (Xu et al., 2015)"
)


class Captioner(nn.Module):
    """A convolutional network sees, a recurrent one tells; with attention it looks for each word."""

    def __init__(self, words, attend, hidden):
        self.hidden, self.attend = hidden, attend
        self.see = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.GroupNorm(4, 16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.GroupNorm(4, 32), nn.ReLU(),
            nn.Conv2d(32, hidden, 3, padding=1), nn.GroupNorm(4, hidden), nn.ReLU(),
        )  # fmt: skip
        self.begin = nn.Sequential(
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9 * hidden, hidden), nn.LayerNorm(hidden), nn.Tanh()
        )  # fmt: skip
        self.places = nn.PositionalEncoding(hidden)
        self.embed = nn.Embedding(words, hidden, padding_idx=0)
        self.cell = nn.GRUCell(2 * hidden if attend else hidden, hidden)
        self.attention, self.out = nn.AdditiveAttention(hidden, hidden, 32), nn.Linear(hidden, words)

    def encode(self, image, _):
        maps = self.see(Tensor(image))  # (N, hidden, 6, 6)
        keys = maps.reshape(len(image), self.hidden, 36).swapaxes(1, 2)
        return self.begin(maps), self.places(keys), []

    def decode(self, before, state):
        h, keys, looked = state
        outs = []
        for t in range(before.shape[1]):
            x = self.embed(before[:, t])
            if self.attend:
                context, weights = self.attention(h, keys)
                x, looked = np.concatenate([x, context], axis=1), [*looked, weights]
            h = self.cell(x, h)
            outs.append(self.out(h))
        return np.stack(outs, axis=1), (h, keys, looked)

    def forward(self, image, lengths, before):
        return self.decode(before, self.encode(image, lengths))[0]


def gallery(figure, data, texts):
    """Two captions that are right, two with one wrong word, two with more."""
    pairs = [(text.split(), data.captions[i].split()) for text, i in zip(texts, data.test, strict=True)]
    wrong = np.array([sum(a != b for a, b in zip_longest(*pair)) for pair in pairs])
    shown = [i for kind in (wrong == 0, wrong == 1, wrong > 1) for i in np.flatnonzero(kind)[:2]]
    for axis, i in zip(figure.subplots(1, 6), shown, strict=False):
        axis.imshow(np.moveaxis(data.source[data.test[i]], 0, 2).clip(0, 1))
        colour = ("tab:green", "tab:orange", "tab:red")[min(wrong[i], 2)]
        axis.set_title(texts[i].replace(" and ", "\nand ").replace(" at ", "\nat "), color=colour, fontsize=9)
    figure.suptitle("Show and tell: right, nearly right (one word), wrong")


def attention_maps(figure, model, data, rows):
    """Where the network looks for each word of two captions."""
    with no_grad():
        state = model.encode(data.source[rows], None)
        looked = model.decode(data.target[rows, :-1], state)[1][2]
    for i, axes in enumerate(figure.subplots(2, 9)):
        image = np.moveaxis(data.source[rows[i]], 0, 2).clip(0, 1)
        for axis, word, weights in zip(axes, data.captions[rows[i]].split(), looked, strict=False):
            axis.imshow(image)
            axis.imshow(np.kron(weights.numpy()[i].reshape(6, 6), np.ones((4, 4))), alpha=0.6, cmap="gray")
            axis.set_title(word, fontsize=10)
    figure.suptitle("Show, attend and tell: bright is where it looks for each word")


def scores(texts, data, kind, name):
    """The share of captions that are all right, and BLEU."""
    wanted = [data.captions[i] for i in data.test]
    right = np.mean([a == b for a, b in zip(texts, wanted, strict=True)])
    bleu = 100 * nn.metrics.bleu([text.split() for text in texts], [[text.split()] for text in wanted])
    return {f"{kind}all right, {name}": float(right), f"{kind}BLEU, {name}": bleu}


def main(updates=600, hidden=96, batch=32, scenes=2000, tests=300):
    data, results = CaptionedScenes(scenes, tests), {}
    figure = plt.figure(figsize=(13, 6.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.2))
    for name, attend in (("show and tell", False), ("show, attend and tell", True)):
        restart()
        model = Captioner(data.sizes[1], attend, hidden)
        learn(model, data, updates, batch, 3e-3, name)
        end = data.words["</s>"]
        rows = written(model, data, data.test).tolist()
        texts = [data.words.decode(row[: [*row, end].index(end)]) for row in rows]
        results |= scores(texts, data, "", name)
        if attend:
            attention_maps(below, model, data, data.test[:2])
        else:
            gallery(above, data, texts)
    for axis in [*above.axes, *below.axes]:
        axis.axis("off")
    picture("captioning", figure)
    flat = data.source.reshape(scenes + tests, -1)
    distances = (flat[:scenes] ** 2).sum(axis=1) - 2 * flat[scenes:] @ flat[:scenes].T
    nearest, other = distances.argmin(axis=1), generator(2).integers(0, scenes, tests)
    results |= scores([data.captions[i] for i in nearest], data, "baseline: ", "nearest training image")
    results |= scores([data.captions[i] for i in other], data, "chance: ", "any training caption")
    known = set(data.captions[:scenes])
    return {**results, "test captions in training": sum(data.captions[i] in known for i in data.test)}


FULL = {"updates": 20_000, "hidden": 512, "scenes": 20_000, "tests": 2000}

if __name__ == "__main__":
    run(main)
