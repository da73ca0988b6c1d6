"""Image captions: show and tell, then show, attend and tell; captions right, nearly right and wrong.

A convolutional network sees, a recurrent one tells. In show and tell the image is seen once, as first state:
    h_0 = tanh(norm(W CNN(I))),   h_t = f(h_{t-1}, S_{t-1}),   p(S_t | S_1 ... S_{t-1}, I) = softmax(V h_t)
with S_t the words. With soft attention it is seen for each word, a_i what is found at place i of 6 x 6:
    e_ti = v^T tanh(W h_{t-1} + U a_i),   alpha_ti = exp(e_ti) / sum_k exp(e_tk),   z_t = sum_i alpha_ti a_i,
and h_t = f(h_{t-1}, [S_{t-1}, z_t]). f is a GRU, in the papers an LSTM. A scene has two coloured shapes at
two of four places. There are 864 captions; those of the test belong to no training scene. In the end both
networks get nearly all scenes right; with attention after a third of the updates, each half as dear again.
The ceiling is told the four places: it says of each what the nearest training image has at one of them.
"""

from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
from shared import CaptionedScenes, generator, picture, restart, run, train_seq2seq, written

import nn
from minigrad import Tensor, no_grad
from nn.text import pad_rows

PUBLISHED = (
    "on the photographs of MS COCO, BLEU-4: show and tell 27.7 (Vinyals et al., 2015); soft attention 24.3, "
    "hard 25.0 (Xu et al., 2015)"
)
BARE = {"frame_on": False, "xticks": [], "yticks": []}


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
            nn.MaxPool2d(3), nn.Flatten(), nn.Linear(4 * hidden, hidden), nn.LayerNorm(hidden), nn.Tanh()
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
    """Two captions that are right, and the four with most wrong words."""
    pairs = [(text.split(), data.captions[i].split()) for text, i in zip(texts, data.test, strict=True)]
    wrong = np.array([sum(a != b for a, b in zip_longest(*pair)) for pair in pairs])
    order = wrong.argsort(kind="stable")
    for axis, i in zip(figure.subplots(1, 6, subplot_kw=BARE), [*order[:2], *order[-4:]], strict=True):
        axis.imshow(np.moveaxis(data.source[data.test[i]], 0, 2).clip(0, 1))
        colour = ("tab:green", "tab:orange", "tab:red")[min(wrong[i], 2)]
        said = texts[i].replace(" top", "\ntop").replace(" bottom", "\nbottom").replace(" and ", "\n")
        axis.set_title(said, color=colour, fontsize=9)
    figure.suptitle("Show and tell: green is right, orange nearly right (one word), red wrong")


def attention_maps(figure, model, data, texts):
    """Where the network looks for each word of the first two captions that it wrote."""
    rows, (before, _) = data.test[:2], pad_rows([data.words.encode(text, start=True) for text in texts[:2]])
    with no_grad():
        looked = model.decode(before, model.encode(data.source[rows], None))[1][2]
    for i, axes in enumerate(figure.subplots(2, 9, subplot_kw=BARE)):
        image = np.moveaxis(data.source[rows[i]], 0, 2).clip(0, 1)
        for axis, word, weights in zip(axes, texts[i].split(), looked, strict=False):
            axis.imshow(image)
            axis.imshow(np.kron(weights.numpy()[i].reshape(6, 6), np.ones((4, 4))), alpha=0.6, cmap="gray")
            axis.set_title(word, fontsize=10)
    figure.suptitle("Show, attend and tell: the words it writes, and bright where it looks for each")


def scores(texts, data):
    """The share of captions that are all right, and BLEU."""
    wanted = [data.captions[i] for i in data.test]
    right = np.mean([a == b for a, b in zip(texts, wanted, strict=True)])
    bleu = nn.metrics.bleu([text.split() for text in texts], [[text.split()] for text in wanted])
    return float(right), 100 * bleu


def main(updates=1400, attending=500, hidden=96, batch=32, scenes=2000, tests=300):
    data, results, bleu = CaptionedScenes(scenes, tests), {}, {}
    figure = plt.figure(figsize=(13, 6.5), layout="constrained")
    upper, below = figure.subfigures(2, 1, height_ratios=(1, 1.2))
    above, beside = upper.subfigures(1, 2, width_ratios=(2.6, 1))
    curve = beside.subplots()
    for name, count in (("show and tell", updates), ("show, attend and tell", attending)):
        restart()
        model = Captioner(data.sizes[1], "attend" in name, hidden)
        kept = train_seq2seq(model, data, count, batch, 3e-3, name)
        curve.plot(kept["seen"], kept["exact"], "o-", label=name)
        texts = data.texts(written(model, data, data.test))
        results[f"all right, {name}"], bleu[f"BLEU, {name}"] = scores(texts, data)
        results[f"updates, {name}"] = count
        if "attend" in name:
            attention_maps(below, model, data, texts)
        else:
            gallery(above, data, texts)
    curve.set(xlabel="updates", ylabel="share all right", ylim=(0, 1.02))
    curve.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), fontsize=8)
    picture("captioning", figure)
    other = generator(2).integers(0, scenes, tests)
    return {
        **results,
        **bleu,
        "test captions in training": len({*data.captions[:scenes]} & {*data.captions[scenes:]}),
        "ceiling: all right, told the four places": scores(data.by_places(), data)[0],
        "baseline: BLEU, nearest training image": scores(data.nearest(), data)[1],
        "chance: BLEU, any training caption": scores([data.captions[i] for i in other], data)[1],
    }


FULL = {"updates": 20_000, "attending": 20_000, "hidden": 512, "scenes": 20_000, "tests": 2000}

if __name__ == "__main__":
    run(main)
