"""Attention: the decoder looks back at the words, and its heat map shows which word became which digit."""

import numpy as np
from number_phrases import Phrases, exact, french, learn
from shared import picture, run

import nn
from minigrad import no_grad

PUBLISHED = "additive: Bahdanau, Cho and Bengio, 2015; dot: Luong, Pham and Manning, 2015"


class Attentive(nn.Module):
    """A state of the decoder asks, the encoder's states answer."""

    def __init__(self, words, letters, hidden, kind):
        self.read = nn.Embedding(words, hidden, padding_idx=0)
        self.encoder = nn.GRU(hidden, hidden // 2, batch_first=True, bidirectional=True)
        self.write, self.cell = nn.Embedding(letters, hidden, padding_idx=0), nn.GRUCell(2 * hidden, hidden)
        self.attention = nn.AdditiveAttention(hidden, hidden, hidden) if kind == "additive" else nn.DotAttention(hidden, hidden)
        self.out = nn.Linear(2 * hidden, letters)

    def encode(self, x, lengths):
        keys, last = self.encoder(self.read(x), lengths=lengths)
        return np.concatenate([last[0], last[1]], axis=1), keys, lengths, []

    def decode(self, before, state):
        h, keys, lengths, looked = state
        outs = []
        for t in range(before.shape[1]):
            context, weights = self.attention(h, keys, lengths)
            h = self.cell(np.concatenate([self.write(before[:, t]), context], axis=1), h)
            outs.append(self.out(np.concatenate([h, context], axis=1)))
            looked = [*looked, weights]
        return np.stack(outs, axis=1), (h, keys, lengths, looked)

    def forward(self, x, lengths, before):
        return self.decode(before, self.encode(x, lengths))[0]


def main(steps=700, hidden=64, batch=64, shown=7395):
    results = {}
    for kind in ("additive", "dot"):
        rng = np.random.default_rng(0)
        data = Phrases(np.concatenate([rng.permutation(10_000), [shown]]))
        test = np.arange(7000, 10_000)
        model = Attentive(len(data.words), len(data.digits), hidden, kind)
        for step, loss in learn(model, data, rng, steps, batch, lr=5e-3):
            if step % 100 == 0:
                print(f"{kind}, step {step}: loss {loss:.4f}")
        results[f"exact, {kind}"] = exact(model, data, test)
        if kind == "additive":
            with no_grad():
                state = model.encode(data.source[-1:], data.lengths[-1:])
                looked = model.decode(data.target[-1:, :-1], state)[1][3]
            words = french(shown).split()
            weights = np.array([w.numpy()[0, : len(words)] for w in looked])
            picture("attention", nn.inspect.plot_attention(weights, words, [*str(shown), "end"]))
    return results


if __name__ == "__main__":
    run(main)
