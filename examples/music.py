"""Music in ABC letters: a network learns jigs in the manner of folk tunes, and writes one of its own."""

import matplotlib.pyplot as plt
import numpy as np
from shared import OUT, picture, run

import nn
from minigrad import no_grad
from nn.text import Vocabulary, batchify, bptt_windows, sample

PUBLISHED = "char-rnn on ABC notation: Sturm et al., Music transcription modelling and composition using deep learning, 2016"
SCALE = ["D", "E", "F", "G", "A", "B", "c", "d", "e", "f", "g", "a"]


def tune(rng, number):
    """A jig of eight bars in 6/8: a motif, its answer a step higher or lower, and a close on the key note."""
    key = rng.choice(["G", "D", "A"])
    start = rng.integers(2, 6)
    motif = np.cumsum(rng.choice([-2, -1, 1, 2], 6)) + start
    bars = []
    for shift in (0, int(rng.choice([-1, 1])), 0, 2):
        bars.append("".join(SCALE[int(np.clip(n + shift, 0, 11))] for n in motif))
    close = SCALE[{"G": 3, "D": 0, "A": 4}[key]] + "3"
    return f"X:{number}\nM:6/8\nK:{key}\n|:{bars[0]}|{bars[1]}|{bars[2]}|{bars[3][:3]}{close}:|\n\n"


def well_formed(text):
    """The share of bars that hold six eighths."""
    bars = [bar for line in text.splitlines() if line.startswith("|:") for bar in line.strip("|:").split("|") if bar]
    beats = [sum(int(c) - 1 if c.isdigit() else 1 for c in bar if c.isalnum()) for bar in bars]
    return float(np.mean([b == 6 for b in beats])) if beats else 0.0


def main(epochs=12, hidden=128, tunes=1500, data=None):
    rng = np.random.default_rng(0)
    text = data.read_text(encoding="utf-8") if data is not None else "".join(tune(rng, i % 10) for i in range(tunes))
    letters = Vocabulary.of_characters(text)
    columns = batchify(letters.encode(text), 32)
    embed, lstm, out = nn.Embedding(len(letters), 24), nn.LSTM(24, hidden), nn.Linear(hidden, len(letters))
    parameters = [p for module in (embed, lstm, out) for p in module.parameters()]
    optimizer, losses = nn.optim.Adam(parameters, lr=5e-3), []
    for epoch in range(1, epochs + 1):
        state = None
        for x, y in bptt_windows(columns, 60):
            state = None if state is None else tuple(s.detach() for s in state)
            h, state = lstm(embed(x), state)
            loss = nn.functional.cross_entropy(out(h).reshape(-1, len(letters)), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: {losses[-1]:.3f} nats for each letter")

    def step(letter, state):
        h, state = lstm(embed(np.array([[letter]])), state)
        return out(h).numpy()[0, 0], state

    with no_grad():
        written = letters.decode(sample(step, letters["\n"], None, 600, temperature=0.7))
    OUT.mkdir(exist_ok=True)
    (OUT / "music.abc").write_text(written)
    print(written[:200])
    figure, axis = plt.subplots()
    axis.plot(losses)
    axis.set(xlabel="update", ylabel="nats for each letter")
    axis.text(0.35, 0.6, written[:150], transform=axis.transAxes, family="monospace", fontsize=8)
    picture("music", figure)
    return {"nats for each letter": losses[-1], "written bars of six eighths": well_formed(written)}


if __name__ == "__main__":
    run(main)
