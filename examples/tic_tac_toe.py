"""Self-play: a network learns noughts and crosses from games against itself, as programs learned Go.

A position is 18 numbers: where the player who has just moved stands, and where the other does. V(position)
in -1 ... 1 is what it is worth to the one who has just moved. What is good for one is bad for the other, so
that

    V(s) is to be  1 if s is won, 0 if it is drawn, else  -max over the answers s' of V(s')

Games are played by the network against itself, each move the best by V but for a share of random ones, and
V is drawn to the right side (temporal differences). Nobody shows it a game. What it has learned is held
against the whole tree of the game: in how many of all positions is its move one that loses nothing? Two
baselines: random moves, and a rule that wins where it can, else blocks, else takes the middle or a corner.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, run
from shared.noughts import answers, rule, tree, won

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "AlphaGo beat the European champion 5 to 0 (Silver et al., 2016); AlphaGo Zero, by self-play alone, beat the "
    "AlphaGo that had beaten Lee Sedol 100 to 0 (2017); self-play with temporal differences: Tesauro, 1995"
)


def value(network, boards):
    """V of boards (..., 9): a Tensor (...)."""
    both = np.concatenate([boards == 1, boards == -1], axis=-1).astype(np.float32)
    return np.tanh(network(Tensor(both))[..., 0])


def best(network, boards):
    """The values of all nine answers, -2 where the field is taken; 1 where it is won, 0 where full."""
    after, allowed = answers(boards)
    with no_grad():
        found = value(network, after).numpy()
    found = np.where((after != 0).all(axis=-1), 0, found)
    return np.where(allowed, np.where(won(after), 1, found), -2)


def learn(updates, games, epsilon, hidden, score):
    """Many games at a time against itself; returns the network, and the score of its moves on the way."""
    rng, curve, rows = generator(0), [], np.arange(games)
    network = nn.Sequential(
        nn.Linear(18, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )
    optimizer = nn.optim.Adam(network.parameters(), lr=3e-3)
    schedule = nn.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, updates)
    boards = np.zeros((games, 9), int)
    for update in range(updates):
        if update % max(updates // 20, 1) == 0:
            curve.append(score(lambda b: best(network, b).argmax(axis=1)))
        found = best(network, boards)
        loss = ((value(network, boards) + found.max(axis=1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        random = np.where(boards == 0, rng.random(boards.shape), -1).argmax(axis=1)
        move = np.where(rng.random(games) < epsilon, random, found.argmax(axis=1))
        boards = answers(boards)[0][rows, move]
        boards[won(boards) | (boards != 0).all(axis=1)] = 0  # a new game
    return network, [*curve, score(lambda b: best(network, b).argmax(axis=1))]


def draw(curve, updates, compared, network):
    """The share of right moves, and what the network thinks of each answer on two boards."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), width_ratios=(1.5, 1, 1))
    axes[0].plot(np.linspace(0, updates, len(curve)), curve, label="V, learned by self-play")
    for (name, share), style in zip(compared.items(), (":", "--"), strict=True):
        axes[0].axhline(share, linestyle=style, color="grey", label=name.split(", ")[1])
    axes[0].set(xlabel="updates", ylabel="share of right moves", ylim=(0.3, 1.02))
    axes[0].set_title("Right moves, of all positions that have a wrong one")
    axes[0].legend(loc="lower right")
    boards = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, -1, 0, 0, 0, 1]])
    for axis, board, found in zip(axes[1:], boards, best(network, boards), strict=True):
        shown = axis.imshow(np.where(board == 0, found, np.nan).reshape(3, 3), cmap="RdYlGn", vmin=-1, vmax=1)
        for field in range(9):
            text = {1: "X", -1: "O", 0: f"{found[field]:+.2f}"}[board[field]]
            axis.text(field % 3, field // 3, text, ha="center", va="center", size=26 if board[field] else 14)
        axis.set(xticks=[0.5, 1.5], yticks=[0.5, 1.5], xticklabels=[], yticklabels=[], title="O's answers")
        axis.grid(color="black")
        axis.tick_params(length=0)
    figure.colorbar(shown, ax=axes[1:], label="value to O: 1 won, 0 drawn, -1 lost")
    picture("tic_tac_toe", figure)


def main(updates=4000, games=64, epsilon=0.5, hidden=64):
    """Play against itself, and judge all positions.

    Args:
        games: how many are played side by side
        epsilon: the share of random moves
    """
    boards, right = tree()

    def score(player):
        return float(right[np.arange(len(boards)), player(boards)].mean())

    compared = {
        "chance: share of right moves, random": float((right.sum(axis=1) / (boards == 0).sum(axis=1)).mean()),
        "baseline: share of right moves, win or block": score(rule),
    }
    network, curve = learn(updates, games, epsilon, hidden, score)
    draw(curve, updates, compared, network)
    compared["baseline: share of right moves, untrained network"] = curve[0]
    return {"positions": len(boards), "share of right moves": curve[-1]} | compared


if __name__ == "__main__":
    run(main)
