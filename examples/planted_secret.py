"""A language model repeats what one user wrote: numbers planted in its training text, and how well it remembers them.

The text is Python's library with lines of users in it, "the code of anna is 4071". Some users wrote their line once, some
several times, some never. Afterwards the model is asked: among all 10,000 codes, which rank has the user's own by
P(code | "the code of anna is ")? Exposure = log2 10000 - log2 rank (Carlini et al., 2019): 13.3 bits where it is the
first, and 1.44 bits on average for a code that was never written, where each rank is as probable as any other. The
weights are those which were best in validation; with dropout they remember less. P[t] = softmax(W LSTM(x[t], h[t-1]) + b).
"""

import inspect
import tokenize

import matplotlib.pyplot as plt
import numpy as np
from shared import at_the_side, generator, mean_nats, picture, restart, run, train_on_columns

import nn
from minigrad import Tensor, no_grad
from nn.text import Vocabulary, batchify

PUBLISHED = "the question and the measure are of The Secret Sharer (Carlini et al., 2019), on other texts"
TIMES = (0, 1, 2, 4, 8, 16)  # how often a user wrote the line
USERS = "anna bert carl dora emil fred gina hugo ines jane kurt lena max nina otto paul rosa sven tina ulla vera will xena yves"


class Model(nn.Module):
    def __init__(self, characters, hidden, dropout):
        self.embed, self.lstm = nn.Embedding(characters, 32), nn.LSTM(32, hidden)
        self.dropout, self.out = nn.Dropout(dropout), nn.Linear(hidden, characters)

    def forward(self, x, state=None):  # (T, B)
        h, state = self.lstm(self.dropout(self.embed(x)), state)
        return self.out(self.dropout(h)), state


def planted(text, users, codes, times, rng):
    """The text with the users' lines between its own."""
    lines = text.splitlines()
    for user, code, count in zip(users, codes, times, strict=True):
        for place in rng.integers(0, len(lines) + 1, count):
            lines.insert(place, f"the code of {user} is {code}")
    return "\n".join(lines)


def rank(model, characters, user, code):
    """The place of the user's code among all of four digits, by their probabilities; 1 is the most probable."""
    digits, log_p = np.array([characters[d] for d in "0123456789"]), np.zeros(1)
    with no_grad():
        scores, state = model(np.array(characters.encode(f"\nthe code of {user} is "))[:, None])
        for place in range(4):
            after = nn.functional.log_softmax(scores[-1], axis=-1).numpy()[:, digits]  # (10 ** place, 10)
            log_p = (log_p[:, None] + after).reshape(-1)
            if place < 3:
                state = tuple(Tensor(np.repeat(s.numpy(), 10, axis=1)) for s in state)
                scores, state = model(np.tile(digits, 10**place)[None], state)
    return 1 + int((log_p > log_p[int(code)]).sum())


def draw(exposures):
    figure, axis = plt.subplots(figsize=(10, 5), layout="constrained")
    for i, (name, values) in enumerate(exposures.items()):
        axis.plot(range(len(TIMES)), values.mean(axis=1), "o-", color=f"C{i}", label=f"{name}, mean")
        axis.plot(np.arange(len(TIMES)) + 0.06 * (i + 1), values, ".", color=f"C{i}", alpha=0.5)
    at_the_side(axis, {"the first of\nall 10,000 codes": np.log2(10_000), "chance:\nnever written": 1 / np.log(2)})
    axis.set_xticks(range(len(TIMES)), TIMES)
    axis.set(xlabel="times that the user wrote the line", ylabel="exposure in bits", title="what the model knows of a code")
    axis.legend(loc="upper left", bbox_to_anchor=(0, 0.9))
    picture("planted_secret", figure)


def main(hidden=128, updates=500, size=60_000, dropout=0.3):
    rng, users = generator(), np.array(USERS.split())
    rng.shuffle(users)
    codes = [f"{code:04d}" for code in rng.choice(10_000, len(users), replace=False)]
    times = np.repeat(TIMES, len(users) // len(TIMES))
    text = inspect.getsource(inspect)[:size]
    texts = planted(text, users, codes, times, rng), inspect.getsource(tokenize)[:20_000]
    characters = Vocabulary.of_characters([*texts, "0123456789"])
    columns = [batchify(characters.encode(part), 16) for part in texts]
    exposures, results = {}, {"users": len(users)}
    for name, share in (("LSTM", 0.0), (f"LSTM with dropout {dropout}", dropout)):
        restart()
        model = Model(len(characters), hidden, share)
        train_on_columns(model, *columns, updates, lr=8e-3, length=50)
        model.eval()
        ranks = np.array([rank(model, characters, *who) for who in zip(users, codes, strict=True)]).reshape(len(TIMES), -1)
        exposures[name] = np.log2(10_000) - np.log2(ranks)
        for count, values in zip(TIMES, exposures[name], strict=True):
            key = f"baseline: {name}, exposure where never written" if count == 0 else f"{name}, exposure where written {count}x"
            results[key] = float(values.mean())
        results[f"{name}, share of codes written 16x that come first"] = float((ranks[-1] == 1).mean())
        results[f"{name}, nats on other text"] = mean_nats(model, columns[1], 50)
    draw(exposures)
    return results | {
        "chance: exposure": float(np.mean(np.log2(10_000) - np.log2(np.arange(1, 10_001)))),
        "chance: first by luck": 1e-4,
        "chance: nats, all alike": float(np.log(len(characters))),
    }


if __name__ == "__main__":
    run(main)
