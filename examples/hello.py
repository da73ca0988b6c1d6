"""The smallest language model: four letters, three hidden numbers, and the word "hello"."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor, no_grad

PUBLISHED = "the example of Karpathy's, 2015: h, e, l, o and a hidden layer of 3"
LETTERS = "helo"


def main(steps=300, hidden=3):
    numbers = [LETTERS.index(c) for c in "hello"]
    x, y = np.eye(4, dtype=np.float32)[numbers[:-1]], np.array(numbers[1:])  # h e l l -> e l l o
    rnn, out = nn.RNN(4, hidden), nn.Linear(hidden, 4)
    optimizer = nn.optim.Adam([*rnn.parameters(), *out.parameters()], lr=0.05)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(out(rnn(Tensor(x))[0]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with no_grad():
        states = rnn(Tensor(x))[0]
        scores = out(states).numpy()
    word, state, letter = "h", None, 0
    with no_grad():
        for _ in range(4):  # it writes by itself, from the first letter on
            h, state = rnn(Tensor(np.eye(4, dtype=np.float32)[[letter]]), state)
            letter = int(out(h).numpy()[0].argmax())
            word += LETTERS[letter]
    figure, axes = plt.subplots(1, 3, figsize=(10, 3))
    axes[0].semilogy(losses)
    axes[0].set(title="loss")
    for axis, image, name in ((axes[1], states.numpy(), "hidden"), (axes[2], scores, "scores")):
        axis.imshow(image.T, cmap="bwr")
        axis.set_xticks(range(4), "hell")
        axis.set(title=name)
    axes[2].set_yticks(range(4), LETTERS)
    picture("hello", figure)
    return {"written after h": word, "loss": losses[-1]}


if __name__ == "__main__":
    run(main)
