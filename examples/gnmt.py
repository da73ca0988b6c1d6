"""In the manner of Google's translator: both directions below, residual layers above, attention.

The lowest layer of the encoder reads both ways, so that each word knows what follows. Layers above add what
they find to what they were given (residual connections), i the layer and t the step:
    m^i_t = f(m^i_{t-1}, x^{i-1}_t),   x^i_t = m^i_t + x^{i-1}_t;   plain: x^i_t = m^i_t
The lowest layer of the decoder asks with its state of the step before, and all its layers get the answer:
    s_t = AttentionFunction(y_{i-1}, x_t),   p_t = exp(s_t) / sum_t exp(s_t),   a_i = sum_t p_t x_t
The paper's cells are LSTMs, those here GRUs. Does depth learn with residual connections, and without? After
so few updates the residual layers come near the linear layer of words by place, and plain ones learn nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import Phrases, exact, picture, restart, run, train_seq2seq

import nn

PUBLISHED = "English to French: BLEU 38.95 with 8 layers (Wu et al., 2016); for plain stacks of 8 no number"


class Deep(nn.Module):
    """Stacks of recurrent layers; `residual`: each layer above the first adds to its input."""

    def __init__(self, words, digits, hidden, layers, residual):
        self.residual = residual
        self.read = nn.Embedding(words, hidden, padding_idx=0)
        self.write = nn.Embedding(digits, hidden, padding_idx=0)
        self.first = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.encoders = [nn.GRU(hidden, hidden, batch_first=True) for _ in range(layers - 1)]
        self.cells = [nn.GRUCell(2 * hidden, hidden) for _ in range(layers)]
        self.attention, self.out = nn.AdditiveAttention(hidden, hidden, hidden), nn.Linear(2 * hidden, digits)

    def encode(self, x, lengths):
        h, last = self.first(self.read(x), lengths=lengths)
        states = [np.concatenate([last[0], last[1]], axis=1)]
        for layer in self.encoders:
            up, last = layer(h, lengths=lengths)
            h = h + up if self.residual else up
            states.append(last[0])
        return states, h, lengths

    def decode(self, before, state):
        states, keys, lengths = state
        outs = []
        for t in range(before.shape[1]):
            context, _ = self.attention(states[0], keys, lengths)
            h, new = self.write(before[:, t]), []
            for i, (cell, held) in enumerate(zip(self.cells, states, strict=True)):
                new.append(cell(np.concatenate([h, context], axis=1), held))
                h = h + new[-1] if self.residual and i else new[-1]
            states = new
            outs.append(self.out(np.concatenate([h, context], axis=1)))
        return np.stack(outs, axis=1), (states, keys, lengths)

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def encoder_gradients(model, data, rows):
    """The norm of the loss's gradient by each encoder layer's recurrent weights, the lowest first."""
    y = data.target[rows]
    scores = model(data.source[rows], data.lengths[rows], y[:, :-1]).reshape(-1, data.sizes[1])
    nn.functional.cross_entropy(scores, y[:, 1:].reshape(-1), ignore_index=0).backward()
    weights = [layer.weight_hh_l0 for layer in [model.first, *model.encoders]]
    norms = [float(np.linalg.norm(w.grad.numpy())) for w in weights]
    model.zero_grad()
    return norms


def main(updates=150, hidden=64, layers=6, batch=64, examples=8000):
    data, results = Phrases(examples), {}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    plain, residual = f"{layers} layers, plain", f"{layers} layers, residual"
    kinds = {"1 layer": "grey", plain: "tab:blue", residual: "tab:orange"}
    for name, colour in kinds.items():
        restart()
        model = Deep(*data.sizes, hidden, int(name.split()[0]), "residual" in name)
        if model.encoders:
            norms = encoder_gradients(model, data, np.arange(256))
            right.semilogy(range(1, layers + 1), norms, "o-", color=colour, label=name)
        kept = train_seq2seq(model, data, updates, batch, 3e-3, name)
        left.plot(kept["seen"], kept["exact"], "o-", color=colour, label=name)
        results[f"exact, {name}" if model.encoders else f"baseline: {name}"] = exact(model, data, data.test)
    left.set(xlabel="updates", ylabel="exact on 200 numbers never seen", ylim=(0, 1.02), title="Training")
    right.set(xlabel="layer of the encoder, from the lowest", ylabel="norm of the gradient")
    right.set_title("Gradient of the recurrent weights before training")
    left.legend()
    right.legend()
    picture("gnmt", figure)
    return {**results, "baseline: linear layer of words by place": data.linear()}


FULL = {"updates": 7500, "hidden": 1024, "layers": 8, "batch": 128, "examples": 100_000}

if __name__ == "__main__":
    run(main)
