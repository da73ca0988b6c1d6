"""A small Transformer reads number phrases: no recurrence, attention alone; with and without positions.

In each layer every place looks at every other: Attention(Q, K, V) = softmax(Q K^T / sqrt(d_k)) V, in several
heads; then a network of two layers works at each place alone, FFN(x) = max(0, x W_1 + b_1) W_2 + b_2. The
decoder looks at what is written so far (a mask hides the rest) and at the encoder's output. Attention does
not know the order of the words. It is added to their embeddings: PE(pos, 2i) = sin(pos / 10000^(2i / d)),
and the cosine at 2i + 1. Without it "deux cent trois" and "trois cent deux" are one bag of words; with it
more numbers are right than by the linear layer that is told the place of each word.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Phrases, exact, french, picture, restart, run, train_seq2seq

import nn
from minigrad import no_grad

PUBLISHED = "English to German 27.3 BLEU, English to French 38.1, the base model (Vaswani et al., 2017)"


class Transformer(nn.Module):
    """An encoder that reads words, and a decoder that writes digits; `ordered`: positions are added."""

    def __init__(self, words, digits, size, heads, layers, ordered=True):
        self.ordered = ordered
        self.read = nn.Embedding(words, size, padding_idx=0)
        self.write = nn.Embedding(digits, size, padding_idx=0)
        self.positions = nn.PositionalEncoding(size, batch_first=True)
        self.body = nn.Transformer(
            size, heads, layers, layers, 4 * size, dropout=0.0, batch_first=True, norm_first=True
        )  # fmt: skip
        self.out = nn.Linear(size, digits)

    def placed(self, embedded):
        return self.positions(embedded) if self.ordered else embedded

    def encode(self, x, lengths):
        padding = x == 0
        return self.body.encoder(self.placed(self.read(x)), src_key_padding_mask=padding), padding, None

    def decode(self, before, state):
        memory, padding, written = state
        written = before if written is None else np.concatenate([written, before], axis=1)
        ahead = nn.Transformer.generate_square_subsequent_mask(written.shape[1])
        h = self.body.decoder(
            self.placed(self.write(written)), memory, tgt_mask=ahead, memory_key_padding_mask=padding
        )  # fmt: skip
        return self.out(h), (memory, padding, written)

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def heads(model, number):
    """Where each head of the last layer looks in the phrase while it writes: (heads, digits, words)."""
    data, asked = Phrases(numbers=np.array([number])), []
    attention = model.body.decoder.layers[-1].multihead_attn
    hook = attention.register_forward_pre_hook(lambda module, given: asked.append(given))
    with no_grad():
        model(data.source, data.lengths, data.target[:, :-1])
        hook.remove()
        return attention(*asked[0][:3], average_attn_weights=False)[1].numpy()[0]


def main(updates=240, size=64, heads_of_each=4, layers=2, batch=64, examples=8000, shown=297395):
    data, results = Phrases(examples), {}
    figure = plt.figure(figsize=(13, 6.5), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    curve, text = above.subplots(1, 2)
    for name, ordered in (("without positions", False), ("with positions", True)):
        restart()
        model = Transformer(*data.sizes, size, heads_of_each, layers, ordered)
        kept = train_seq2seq(model, data, updates, batch, 3e-3, name)
        curve.plot(kept["seen"], kept["exact"], "o-", label=name)
        results[f"exact, {name}" if ordered else f"baseline: {name}"] = exact(model, data, data.test)
    curve.set(xlabel="updates", ylabel="exact on numbers never seen", ylim=(0, 1.02))
    curve.legend()
    places = model.positions.positions.numpy()[:12].T
    text.imshow(places, aspect="auto", cmap="RdBu", vmin=-1, vmax=1)
    text.set(xlabel="position", ylabel="element of the vector", title="PE(pos, i), added to the words")
    words, written = french(shown).split(), [*str(shown), "end"]
    weights = heads(model, shown)
    for i, axis in enumerate(below.subplots(1, len(weights), sharey=True)):
        axis.imshow(weights[i], cmap="Blues", vmin=0, vmax=1)
        axis.set_xticks(range(len(words)), words, rotation=60, ha="right")
        axis.set_yticks(range(len(written)), written)
        axis.set_title(f"head {i + 1} of the last layer")
    picture("transformer", figure)
    results["parameters"] = sum(p.size for p in model.parameters())
    return {**results, "baseline: linear layer of words by place": data.linear()}


FULL = {"updates": 100_000, "size": 512, "heads_of_each": 8, "layers": 6, "examples": 100_000}

if __name__ == "__main__":
    run(main)
