"""A small Transformer reads the same phrases: no recurrence, attention alone."""

import matplotlib.pyplot as plt
import numpy as np
from number_phrases import Phrases
from shared import picture, run

import nn
from minigrad import no_grad

PUBLISHED = "Vaswani et al., Attention is all you need, 2017"


class Model(nn.Module):
    def __init__(self, words, letters, size, heads, layers):
        self.read, self.write = nn.Embedding(words, size, padding_idx=0), nn.Embedding(letters, size, padding_idx=0)
        self.positions = nn.PositionalEncoding(size, batch_first=True)
        self.body = nn.Transformer(size, heads, layers, layers, 2 * size, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(size, letters)

    def forward(self, x, before):
        ahead = nn.Transformer.generate_square_subsequent_mask(before.shape[1])
        padding = x == 0
        h = self.body(
            self.positions(self.read(x)), self.positions(self.write(before)), tgt_mask=ahead,
            src_key_padding_mask=padding, memory_key_padding_mask=padding,
        )  # fmt: skip
        return self.out(h)


def exact(model, data, rows):
    """The share of phrases written without a mistake."""
    written = data.target[rows, :1]
    with no_grad():
        for _ in range(data.target.shape[1] - 1):
            token = model(data.source[rows], written).numpy()[:, -1:].argmax(axis=-1)
            written = np.concatenate([written, token], axis=1)
    wanted = data.target[rows, 1:]
    return float(((written[:, 1:] == wanted) | (wanted == 0)).all(axis=1).mean())


def main(steps=800, size=64, heads=4, layers=2, batch=64):
    rng = np.random.default_rng(0)
    data = Phrases(rng.permutation(10_000))
    train, test = np.arange(7000), np.arange(7000, 10_000)
    model = Model(len(data.words), len(data.digits), size, heads, layers)
    optimizer = nn.optim.Adam(model.parameters(), lr=2e-3)
    schedule, losses = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps + 1), []
    for step in range(1, steps + 1):
        rows = rng.choice(train, batch)
        y = data.target[rows]
        scores = model(data.source[rows], y[:, :-1])
        loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.4f}, exact {exact(model, data, test[:200]):.3f}")
    figure, axis = plt.subplots()
    axis.semilogy(losses)
    axis.set(xlabel="step", ylabel="loss")
    picture("transformer", figure)
    return {"exact on 3000 numbers never seen": exact(model, data, test), "parameters": sum(p.size for p in model.parameters())}


if __name__ == "__main__":
    run(main)
