"""Learning to execute: a network reads a small program, character by character, and writes what it prints.

An encoder reads the program, h[t] = GRU(x[t], h[t-1]); a decoder begins with its last state and writes the output, one
character y[i] after the other, P[i] = softmax(W [s[i], sum over t of a[i, t] h[t]]), where a[i] is the softmax of
s[i] . h[t] (Luong's attention). Programs have assignments, sums, differences, nested expressions, for-loops and choices
(Zaremba and Sutskever, 2014); up to `nesting` operations follow one another. Which programs are the test's is told by a
checksum of their text, whatever the variables' names: none is ever trained on. Shorter programs are filled up with
<pad>, and a character that no program has is <unk>.
"""

import re
import zlib
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run, steps

import nn
from minigrad import no_grad
from nn.text import Vocabulary, pad_rows

PUBLISHED = "additions of 9 digits: 99 % of characters right, with an LSTM of 2 x 400 (Zaremba and Sutskever, 2014)"
CHARACTERS = "0123456789+-*=<>:;() abcdefijlnoprstx"
KINDS = ("sum", "choice", "variable", "for-loop")


def program(rng, digits, nesting):
    """A program, what it prints, and the kind of its last operation."""
    text, lines = str(value := int(rng.integers(10**digits))), []
    for _ in range(rng.integers(1, nesting + 1)):
        kind, (a, b), name = int(rng.integers(4)), rng.integers(10**digits, size=2).tolist(), str(rng.choice(list("abcdefij")))
        if kind == 0:
            sign = int(rng.choice([1, -1]))
            text, value = f"({text}{'-+'[sign > 0]}{a})", value + sign * a
        elif kind == 1:
            text, value = f"({text} if {a}<{b} else {a})", value if a < b else a
        else:
            turns = int(rng.integers(2, 5)) * (kind == 3)
            lines += [f"{name}={text}", f"for x in range({turns}):{name}+={a}"][: 1 + (kind == 3)]
            text, value = name, value + turns * a
    return "\n".join([*lines, f"print({text})"]), str(value), str(kind)


def programs(count, rng, digits, nesting, test):
    """Programs of the test, or of training: which they are depends on their text alone."""
    found = []
    while len(found) < count:
        text, output, kind = program(rng, digits, nesting)
        if (zlib.crc32(re.sub(r"\b[a-j]\b", "v", text).encode()) % 8 == 0) == test:  # whatever a variable's name
            found.append((text, output, kind))
    return found


class Executor(nn.Module):
    def __init__(self, characters, hidden):
        self.embed = nn.Embedding(characters, 32, padding_idx=0)
        self.encoder, self.decoder = nn.GRU(32, hidden, batch_first=True), nn.GRU(32, hidden, batch_first=True)
        self.attention, self.out = nn.DotAttention(), nn.Linear(2 * hidden, characters)

    def forward(self, before, state, keys, lengths):
        h, state = self.decoder(self.embed(before), state)
        looked = [self.attention(h[:, t], keys, lengths)[0] for t in range(h.shape[1])]
        return self.out(np.concatenate([h, np.stack(looked, axis=1)], axis=-1)), state


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
    return ["".join(characters.symbols[i] for i in row).split("</s>")[0] for row in np.array(said).T]


def alike(said, true):
    """The share of the characters of the true outputs that stand at their place."""
    return sum(a == b for pair in zip(said, true, strict=True) for a, b in zip(*pair, strict=False)) / sum(map(len, true))


def main(updates=450, hidden=96, digits=1, nesting=2, batch=64):
    rng, characters = generator(), Vocabulary.of_characters(CHARACTERS + "\n", special=("<pad>", "<unk>", "<s>", "</s>"))

    def arrays(found):
        x, mask = pad_rows([characters.encode(text) for text, _, _ in found])
        return x, mask.sum(axis=1), pad_rows([characters.encode(out, start=True, end=True) for _, out, _ in found])[0]

    model = Executor(len(characters), hidden)
    train(model, arrays, updates, rng, lambda: programs(batch, rng, digits, nesting, test=False))
    test = programs(600, generator(1), digits, nesting, test=True)
    texts, true, kinds = (np.array(column) for column in zip(*test, strict=True))
    said = answers(model, *arrays(test)[:2], characters, longest=3 * digits + 3)
    right = np.array(said) == true
    print("as read:", "".join(characters.symbols[i] for i in arrays([("print(π+1)", "4", "0"), *test[:2]])[0][0]))
    seen = programs(2000, generator(2), digits, nesting, test=False)
    common = Counter(out for _, out, _ in seen).most_common(1)[0][0]
    copied = {place: np.array([re.findall(r"\d+", text)[i] for text in texts]) for place, i in (("first", 0), ("last", -1))}
    compared = {"chance: commonest output": float((true == common).mean())}
    compared |= {f"baseline: {n} number of the program": float((copied[n] == true).mean()) for n in copied}
    shares = {f"outputs right, last a {name}": float(right[kinds == str(i)].mean()) for i, name in enumerate(KINDS)}
    figure, (bars, page) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    every = shares | compared
    bars.bar_label(bars.barh([*every], [*every.values()], color=["C0"] * 4 + ["grey"] * 3), fmt="%.2f", padding=3)
    bars.set(xlabel="outputs right, of programs never trained on", xlim=(0, 1.15), ylim=(6.6, -0.6))
    lines = [f"{texts[i]}\n-> {said[i]}{'' if right[i] else f'    wrong: {true[i]}'}\n" for i in range(7)]
    page.text(0, 1, "\n".join(lines), va="top", family="monospace", size=9)
    page.set_axis_off()
    picture("learning_to_execute", figure)
    return {
        "characters right": alike(said, true), "outputs right": float(right.mean()),
        **every, "chance: characters of the commonest output": alike([common] * len(true), true),
        "test programs in a sample of training": len({text for text, _, _ in seen} & set(texts)),
    }  # fmt: skip


FULL = {"updates": 30_000, "hidden": 400, "digits": 4, "nesting": 3, "batch": 100}

if __name__ == "__main__":
    run(main)
