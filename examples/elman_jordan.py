"""Elman's and Jordan's networks: the letter in time, and the plan; who remembers what."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "errors are high at the first letter of a syllable and low inside (Elman, Finding structure in time, 1990)"
SYLLABLES, LETTERS = ("ba", "dii", "guuu"), "bdgaiu"


def stream(count, rng):
    """Syllables in random order: after a consonant all is known, the next consonant is not."""
    return "".join(rng.choice(SYLLABLES, count))


def main(steps=600, hidden=20):
    rng = np.random.default_rng(0)
    text = stream(600, rng)
    numbers = np.array([LETTERS.index(c) for c in text])
    eye = np.eye(len(LETTERS), dtype=np.float32)
    results, errors = {}, {}
    softmax = lambda x: nn.functional.softmax(x, axis=-1)  # noqa: E731
    for name, model in (("Elman", nn.Elman(6, hidden, 6)), ("Jordan", nn.Jordan(6, hidden, 6, output_activation=softmax))):
        optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(steps):
            start = rng.integers(0, len(numbers) - 41, 16)
            rows = numbers[start + np.arange(41)[:, None]]  # (T + 1, B)
            out, _ = model(Tensor(eye[rows[:-1]]))
            scores = out if name == "Elman" else np.log(out + 1e-6)
            loss = nn.functional.cross_entropy(scores.reshape(-1, 6), rows[1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        test = np.array([LETTERS.index(c) for c in stream(200, rng)])
        with no_grad():
            out = model(Tensor(eye[test[:-1, None]]))[0].numpy()[:, 0]
        p = softmax(Tensor(out)).numpy() if name == "Elman" else out
        surprise = -np.log(p[np.arange(len(p)), test[1:]] + 1e-6)
        first = test[1:] < 3
        errors[name] = surprise
        results[f"{name}: nats at a consonant, inside a syllable"] = (
            f"{surprise[first].mean():.2f}, {surprise[~first].mean():.2f}"
        )
    figure, axis = plt.subplots(figsize=(9, 3))
    for name, surprise in errors.items():
        axis.plot(surprise[:30], "o-", label=name)
    axis.set_xticks(range(30), [LETTERS[i] for i in test[1:31]])
    axis.set(ylabel="surprise in nats", title="high where something new begins")
    axis.legend()
    picture("elman_jordan", figure)
    return results | {"the least possible at a consonant": f"{np.log(3):.2f}"}


if __name__ == "__main__":
    run(main)
