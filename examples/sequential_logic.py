"""Adding binary numbers: combinational logic ends at the length it was built for, sequential logic carries on.

Two numbers come bit by bit, lowest first. Their sum needs a carry (one bit of memory):

    s_t = a_t xor b_t xor c_{t-1},   c_t = 1 where at least two of a_t, b_t, c_{t-1} are 1.

The combinational network sees all bits of a slice at once, y = g(W_y g(W_h x + b_h) + b_y), x = (a_1 ... a_n, b_1 ... b_n).
Longer numbers it can only add slice by slice, and no carry passes between slices. The sequential one sees a pair of bits,
h[t] = g(W_h (x[t], h[t-1]) + b_h) with h[0] = 0, y[t] = g(W_y h[t] + b_y): the carry is in its hidden state. Both learn from
the same sums of short numbers and are tested on other ones, of the same length and longer. The baseline knows no carry.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run

import nn
from minigrad import Tensor, no_grad
from nn.functional import binary_cross_entropy_with_logits


class Combinational(nn.Sequential):
    def __init__(self, length):
        super().__init__(nn.Linear(2 * length, 128), nn.Tanh(), nn.Linear(128, length))
        self.length = length

    def forward(self, bits):  # (T, B, 2) -> (T, B), slice by slice
        slices = [bits[t : t + self.length] for t in range(0, len(bits), self.length)]
        return np.concatenate([super(Combinational, self).forward(s.swapaxes(0, 1).reshape(s.shape[1], -1)).T for s in slices])


class Sequential(nn.Module):
    def __init__(self, units):
        self.rnn, self.out = nn.RNN(2, units), nn.Linear(units, 1)

    def forward(self, bits):
        return self.out(self.rnn(bits)[0])[..., 0]


def drawn(length, count, rng):
    """Pairs of numbers as bits, lowest first, (T, B, 2)."""
    return rng.integers(0, 2, (length, count, 2))


def added(bits):
    """The bits of the sums, (T, B), and the carries out of each place."""
    carry, sums, carries = 0, [], []
    for pair in bits:
        total = pair.sum(axis=-1) + carry
        carry = total // 2
        sums.append(total % 2)
        carries.append(carry)
    return np.stack(sums), np.stack(carries)


def train(model, bits, updates, rng):
    targets, optimizer = added(bits)[0].astype(np.float32), nn.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(updates):
        rows = rng.integers(0, bits.shape[1], 64)
        loss = binary_cross_entropy_with_logits(model(Tensor(bits[:, rows].astype(np.float32))), Tensor(targets[:, rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def answers(model, bits):
    with no_grad():
        return model(Tensor(bits.astype(np.float32))).numpy() > 0


def held_out(bits, known):
    """Those sums that are not among the known ones."""
    named = lambda b: [column.tobytes() for column in b.swapaxes(0, 1)]  # noqa: E731
    seen = set(named(known))
    return bits[:, [name not in seen for name in named(bits)]]


def carry_unit(model, bits):
    """The states (T, B) of the unit that follows the carry most closely, with its sign, and its correlation."""
    with no_grad():
        states = model.rnn(Tensor(bits.astype(np.float32)))[0].numpy()
    carries = added(bits)[1].ravel()
    found = [np.corrcoef(unit.ravel(), carries)[0, 1] for unit in np.moveaxis(states, -1, 0)]
    best = int(np.argmax(np.abs(found)))
    return states[..., best] * np.sign(found[best]), float(abs(found[best]))


def main(length=8, updates=3000, sums=4000, units=16):
    rng = generator()
    bits = drawn(length, sums, rng)
    lengths = [length, 2 * length, 4 * length, 8 * length]
    tests = [held_out(drawn(n, 1000, rng), bits) for n in lengths]
    restart()
    models = {"sequential": Sequential(units), "combinational": Combinational(length)}
    _, before = carry_unit(models["sequential"], tests[-1])
    right = {"baseline: xor without carry": [test.sum(-1) % 2 == added(test)[0] for test in tests]}
    for name, model in models.items():
        train(model, bits, updates, generator(1))
        right[name] = [answers(model, test) == added(test)[0] for test in tests]
    results = {}
    for name, every in right.items():
        for n, r in zip(lengths, every, strict=True):
            results[f"{name}: bits right of {n}"] = float(r.mean())
            results[f"{name}: sums right of {n} bits"] = float(r.all(axis=0).mean())
    states, after = carry_unit(models["sequential"], tests[2])
    draw(lengths, right, models, tests[2][:, :1], states[:, :1])
    results |= {"correlation of a unit with the carry": after, "baseline: correlation before training": before}
    return results | {"chance, bits": 1 / 2, "test sums of the trained length, none trained on": tests[0].shape[1]}


def draw(lengths, right, models, bits, state):
    figure, (left, rightmost) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", width_ratios=(1, 2))
    colours = {"sequential": "C0", "combinational": "C1", "baseline: xor without carry": "grey"}
    for name, every in right.items():
        shares = [r.all(axis=0).mean() for r in every]
        left.plot(range(len(lengths)), shares, "o-", color=colours[name], label=name.removeprefix("baseline: "))
    left.set_xticks(range(len(lengths)), lengths)
    left.set(xlabel=f"bits of the numbers (trained on {lengths[0]})", ylabel="share of whole sums right", title="new sums")
    left.legend()
    sums, carries = added(bits)
    rows = {"a": bits[:, 0, 0], "b": bits[:, 0, 1], "carry": carries[:, 0], "the carry's unit": state[:, 0], "sum": sums[:, 0]}
    rows |= {name: answers(model, bits)[:, 0] for name, model in models.items()}
    heat = np.stack([row if name == "the carry's unit" else 2.0 * row - 1 for name, row in rows.items()])
    rightmost.imshow(heat, cmap="Blues", vmin=-1, vmax=3, aspect="auto")
    for (y, x), value in np.ndenumerate(heat):
        wrong = y > 4 and value != heat[4, x]
        label = f"{value:.1f}".replace("0.", ".").replace("1.0", "1") if y == 3 else str(int(value > 0))
        rightmost.text(x, y, label, ha="center", va="center", color="red" if wrong else "black", fontsize=8 if y == 3 else 9)
    for edge in range(lengths[0], lengths[2], lengths[0]):
        rightmost.axvline(edge - 0.5, color="C1", linestyle=":")
    rightmost.set_yticks(range(len(rows)), rows)
    rightmost.set(xlabel="place, lowest first; dotted: slices", title="one sum, wrong bits red")
    picture("sequential_logic", figure)


if __name__ == "__main__":
    run(main)
