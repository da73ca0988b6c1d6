"""Learning to execute: a network reads a small program, letter by letter, and writes what it prints."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "additions of 9 digits: 99 % of characters right, with an LSTM of 2 x 400 (Zaremba and Sutskever, 2014)"


def program(rng, digits):
    """A short program and its output; both sides of each choice may appear."""
    a, b, c = (int(n) for n in rng.integers(0, 10**digits, 3))
    kind = rng.integers(3)
    if kind == 0:
        text = f"print({a}+{b})"
    elif kind == 1:
        text = f"a={a};print(a-{b})"
    else:
        text = f"print({a} if {b}>{c} else {b})"
    value = (a + b, a - b, a if b > c else b)[kind]
    return text, str(value)


class Executor(nn.Module):
    """The program's letters into a state; the state into letters."""

    def __init__(self, letters, hidden):
        self.embed = nn.Embedding(letters, 32, padding_idx=0)
        self.encoder, self.decoder = nn.GRU(32, hidden, batch_first=True), nn.GRU(32, hidden, batch_first=True)
        self.attention, self.out = nn.DotAttention(), nn.Linear(2 * hidden, letters)

    def forward(self, x, lengths, before):
        keys, state = self.encoder(self.embed(x), lengths=lengths)
        return self.decode(before, state, keys, lengths)[0]

    def decode(self, before, state, keys, lengths):
        h, state = self.decoder(self.embed(before), state)
        looked = [self.attention(h[:, t], keys, lengths)[0] for t in range(h.shape[1])]
        return self.out(np.concatenate([h, np.stack(looked, axis=1)], axis=-1)), state


def main(steps=3000, hidden=128, digits=2, batch=64):
    rng = np.random.default_rng(0)
    letters = Vocabulary.of_characters("0123456789+-=;>() abprintifelse", special=("<pad>", "<s>", "</s>"))

    def examples(count):
        pairs = [program(rng, digits) for _ in range(count)]
        x, mask = pad_rows([letters.encode(text) for text, _ in pairs])
        y, _ = pad_rows([letters.encode(out, start=True, end=True) for _, out in pairs])
        return pairs, x, mask.sum(axis=1), y

    model = Executor(len(letters), hidden)
    optimizer = nn.optim.Adam(model.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps + 1)
    losses = []
    for step in range(1, steps + 1):
        _, x, lengths, y = examples(batch)
        scores = model(x, lengths, y[:, :-1])  # the right letters so far are given
        loss = nn.functional.cross_entropy(scores.reshape(-1, len(letters)), y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % 250 == 0:
            print(f"step {step}: loss {np.mean(losses[-50:]):.3f}")
    pairs, x, lengths, y = examples(400)
    with no_grad():
        keys, state = model.encoder(model.embed(x), lengths=lengths)
        letter, said = np.full((400, 1), letters["<s>"]), []
        for _ in range(y.shape[1] - 1):  # now it sees only what it wrote itself
            scores, state = model.decode(letter, state, keys, lengths)
            letter = scores.numpy().argmax(axis=-1)
            said.append(letter[:, 0])
    said = np.array(said).T
    outputs = [letters.decode(row[: list(row).index(letters["</s>"])] if letters["</s>"] in row else row) for row in said]
    right = [out == true for out, (_, true) in zip(outputs, pairs, strict=True)]
    for (text, true), out in list(zip(pairs, outputs, strict=True))[:6]:
        print(f"{text:<28} -> {out:<6} {'right' if out == true else f'not {true}'}")
    figure, axis = plt.subplots()
    axis.semilogy(np.convolve(losses, np.ones(20) / 20, "valid"))
    axis.set(xlabel="step", ylabel="loss")
    picture("learning_to_execute", figure)
    known = y[:, 1:] != 0
    return {"characters right": float((said == y[:, 1:])[known].mean()), "outputs right": float(np.mean(right))}


FULL = {"steps": 50_000, "hidden": 400, "digits": 5}

if __name__ == "__main__":
    run(main)
