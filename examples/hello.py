"""The smallest language model: four characters, three hidden units, and the word "hello".

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b),   y_t = W_hy h_t + c

Each character is one-hot; the scores y_t are trained, by cross-entropy, to be highest at the character that
follows: h -> e, e -> l, l -> l, l -> o. After the second l comes another one than after the first: the network must
use its hidden state. A table of pairs cannot know; nor can the same network when its state is taken away. In the end
the network writes by itself: each character it chooses is its next input.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, restart, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "h, e, l, o and a hidden layer of 3 (Karpathy, 2015; the course CS231n draws it; no number)"
CHARACTERS = "helo"
EYE = np.eye(4, dtype=np.float32)


def trained(steps, hidden, length):
    """An RNN and its read-out, from the pairs of "hello"; it begins anew after so many characters."""
    restart()
    numbers = [CHARACTERS.index(c) for c in "hello"]
    x, y = EYE[numbers[:-1]].reshape(-1, length, 4).swapaxes(0, 1), np.array(numbers[1:])  # h e l l -> e l l o
    rnn, out = nn.RNN(4, hidden), nn.Linear(hidden, 4)
    optimizer, losses = nn.optim.Adam([*rnn.parameters(), *out.parameters()], lr=0.05), []
    for _ in range(steps):
        scores = out(rnn(Tensor(x))[0]).swapaxes(0, 1).reshape(-1, 4)
        loss = nn.functional.cross_entropy(scores, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return rnn, out, losses


def written(rnn, out, count=4):
    """What the network writes after h, by itself; its states and its probabilities."""
    word, state, states, chances = "h", None, [], []
    with no_grad():
        for _ in range(count):
            h, state = rnn(Tensor(EYE[[CHARACTERS.index(word[-1])]]), state)
            states.append(h.numpy()[0])
            chances.append(nn.functional.softmax(out(h), axis=-1).numpy()[0])
            word += CHARACTERS[chances[-1].argmax()]
    return word, np.array(states), np.array(chances)


def main(steps=300, hidden=3):
    rnn, out, losses = trained(steps, hidden, length=4)
    *_, alone = trained(steps, hidden, length=1)
    word, states, chances = written(rnn, out)
    figure, axes = plt.subplots(1, 3, figsize=(11.5, 3.8), layout="constrained")
    axes[0].semilogy(losses, label="with its state")
    axes[0].semilogy(alone, label="its state taken away")
    axes[0].set(xlabel="update", ylabel="nats for each character", title="the loss")
    axes[0].legend(loc="center right")
    panels = (
        (axes[1], states.T, "hidden units", [str(k) for k in range(hidden)], "RdBu_r", -1),
        (axes[2], chances.T, "probability of the next", CHARACTERS, "Greens", 0),
    )
    for axis, image, title, rows, colours, low in panels:
        axis.imshow(image, cmap=colours, vmin=low, vmax=1)
        axis.set_xticks(range(4), word[:4])
        axis.set_yticks(range(len(rows)), rows)
        axis.set(title=title, xlabel="read so far")
        for (row, column), value in np.ndenumerate(image):
            shade = "white" if abs(value) > 0.6 else "black"
            axis.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade)
    picture("hello", figure)
    return {
        "written after h": word, "nats": losses[-1], "baseline: nats, state taken away": alone[-1],
        "baseline: least nats of a table of pairs": float(2 * np.log(2) / 4), "chance: nats": float(np.log(4)),
    }  # fmt: skip


if __name__ == "__main__":
    run(main)
