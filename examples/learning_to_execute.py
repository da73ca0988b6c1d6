"""Learning to execute: a network reads a small program, character by character, and writes what it prints.

An encoder reads the program, h[t], c[t] = LSTM(x[t], h[t-1], c[t-1]); a decoder begins with its last state and writes the
output, one character y[i] after the other, P[i] = softmax(W [s[i], sum over t of a[i, t] h[t]]), where a[i] is the softmax
of s[i] . h[t] (Luong's attention; the source has none). Programs have assignments, sums, differences, nested expressions,
for-loops and choices (Zaremba and Sutskever, 2014); up to `nesting` operations follow one another. Which programs are the
test's is told by a checksum of their text, whatever the variables' names: none is ever trained on, and none is asked twice.
For each kind of program the baseline is the best of three answers that do not compute: the commonest output of this kind, the
first number of the program, the last one. Choices show why: the last number alone is right in more than half of them.
The network computes: of each kind it has most programs right, loops least often.
"""

import re
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps
from shared.programs import CHARACTERS, KINDS, programs

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "additions of 9 digits: 99 % of characters right, with an LSTM of 2 x 400 (Zaremba and Sutskever, 2014)"

class Executor(nn.Module):
    def __init__(self, characters, hidden, layers, attention):
        self.embed = nn.Embedding(characters, 32, padding_idx=0)
        self.encoder, self.decoder = (nn.LSTM(32, hidden, layers, batch_first=True) for _ in range(2))
        self.attention = nn.DotAttention() if attention else None
        self.out = nn.Linear((1 + attention) * hidden, characters)

    def forward(self, before, state, keys, lengths):
        h, state = self.decoder(self.embed(before), state)
        if self.attention is not None:
            looked = [self.attention(h[:, t], keys, lengths)[0] for t in range(h.shape[1])]
            h = np.concatenate([h, np.stack(looked, axis=1)], axis=-1)
        return self.out(h), state


def train(model, arrays, updates, rng, draw):
    """The decoder is given the right characters so far."""
    optimizer, kept = nn.optim.Adam(model.parameters()), {"losses": []}
    for step in steps(updates, model, optimizer, rng, kept):
        optimizer.param_groups[0]["lr"] = 5e-3 * min(1, (step + 1) / 50) * (1 + np.cos(np.pi * step / updates)) / 2
        x, lengths, y = arrays(draw())
        keys, state = model.encoder(model.embed(x), lengths=lengths)
        scores, _ = model(y[:, :-1], state, keys, lengths)
        loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y[:, 1:].reshape(-1), ignore_index=0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        kept["losses"].append(loss.item())
        if (step + 1) % 100 == 0:
            print(f"{step + 1} of {updates} updates: loss {np.mean(kept['losses'][-100:]):.3f}", flush=True)


def answers(model, x, lengths, characters, longest):
    """What the network writes, when it sees only what it wrote itself."""
    with no_grad():
        keys, state = model.encoder(model.embed(x), lengths=lengths)
        last, said = np.full((len(x), 1), characters["<s>"]), []
        for _ in range(longest):
            scores, state = model(last, state, keys, lengths)
            last = scores.numpy().argmax(axis=-1)
            said.append(last[:, 0])
    return np.array(["".join(characters.symbols[i] for i in row).split("</s>")[0] for row in np.array(said).T])


def alike(said, true):
    """The share of the characters of the true outputs that stand at their place."""
    return sum(a == b for pair in zip(said, true, strict=True) for a, b in zip(*pair, strict=False)) / sum(map(len, true))


def without_computing(texts, true, kinds, seen):
    """For each kind of program the share right by the commonest output, the first or the last number: the best of them."""
    numbers, best = [re.findall(r"\d+", text) for text in texts], {}
    for i, name in enumerate(KINDS):
        mine = kinds == str(i)
        common = Counter(out for _, out, kind in seen if kind == str(i)).most_common(1)[0][0]
        said = [np.full(len(true), common), np.array([n[0] for n in numbers]), np.array([n[-1] for n in numbers])]
        best[f"baseline: {name}, without computing"] = float(max((s == true)[mine].mean() for s in said))
    return best


def draw(shares, best, lines):
    figure, (bars, page) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for i, (label, values) in enumerate({"the network": shares, "best answer that does not compute": best}.items()):
        drawn = bars.barh(np.arange(len(KINDS)) + 0.4 * i, [*values.values()], 0.4, color=["C0", "grey"][i], label=label)
        bars.bar_label(drawn, fmt="%.2f", padding=3)
    bars.set_yticks(np.arange(len(KINDS)) + 0.2, [f"last a {name}" for name in KINDS])
    bars.set(xlabel="outputs right, of programs never trained on", xlim=(0, 1.15), ylim=(3.9, -0.5))
    figure.legend(loc="outside lower left", ncol=2)
    page.text(0, 1, "\n".join(lines), va="top", family="monospace", size=9)
    page.set_axis_off()
    picture("learning_to_execute", figure)


def main(updates=1800, hidden=128, layers=1, attention=True, digits=1, nesting=2, batch=64):
    rng, characters = generator(), Vocabulary.of_characters(CHARACTERS + "\n", special=("<pad>", "<unk>", "<s>", "</s>"))

    def arrays(found):
        x, mask = pad_rows([characters.encode(text) for text, _, _ in found])
        return x, mask.sum(axis=1), pad_rows([characters.encode(out, start=True, end=True) for _, out, _ in found])[0]

    restart()
    model = Executor(len(characters), hidden, layers, attention)
    train(model, arrays, updates, rng, lambda: programs(batch, rng, digits, nesting, test=False))
    test = programs(600, generator(1), digits, nesting, test=True)
    texts, true, kinds = (np.array(column) for column in zip(*test, strict=True))
    x, lengths, y = arrays(test)
    said = answers(model, x, lengths, characters, longest=3 * digits + 3)
    with no_grad():
        keys, state = model.encoder(model.embed(x), lengths=lengths)
        given = model(y[:, :-1], state, keys, lengths)[0].numpy().argmax(axis=-1)
    right, asked = said == true, y[:, 1:] > characters["</s>"]
    print("as read:", "".join(characters.symbols[i] for i in arrays([("print(π+1)", "4", "0"), *test[:2]])[0][0]))
    seen = programs(4000, generator(2), digits, nesting, test=False)
    common = Counter(out for _, out, _ in seen).most_common(1)[0][0]
    shares = {f"outputs right, last a {name}": float(right[kinds == str(i)].mean()) for i, name in enumerate(KINDS)}
    best = without_computing(texts, true, kinds, seen)
    draw(shares, best, [f"{texts[i]}\n-> {said[i]}{'' if right[i] else f'    wrong: {true[i]}'}\n" for i in range(7)])
    return {
        "outputs right": float(right.mean()), "characters right": alike(said, true),
        "characters right, given the right ones before": float((given == y[:, 1:])[asked].mean()), **shares, **best,
        "chance: commonest output": float((true == common).mean()),
        "chance: characters of the commonest output": alike([common] * len(true), true),
        "test programs in a sample of training": len({text for text, _, _ in seen} & set(texts)),
    }  # fmt: skip


FULL = {"updates": 30_000, "hidden": 400, "layers": 2, "attention": False, "digits": 4, "nesting": 3, "batch": 100}

if __name__ == "__main__":
    run(main)
