"""Deep Q-learning: what each push is worth, learned with and without replay memory and target network.

Q(s, a) is what follows a push a in state s, discounted, if all later pushes are the best (Bellman's
equation):

    error = r + d max_a' Q^(s', a') - Q(s, a),    r = 1, and no max where the pole fell

Its square is the loss, and beyond 1 its size, as in the source (Huber's loss). Two things keep this from
chasing itself. The replay memory: learn from transitions (s, a, r, s') drawn from all that was seen, which
do not resemble each other as neighbours in time do. The target network Q^: a copy of Q that is renewed only
now and then. The script has each on and off, with as many transitions for an update. No Q can be above 1 /
(1 - d); where Q^ is Q itself, they grow without end. (With the square alone, to which falls matter more,
they do not, and the pole stands as long with neither as with both: tried from two seeds.)

Pushes are greedy but for a share epsilon of random ones; what is measured is greedy, the mean over the last
third of the training, since policies come and go. From four of five seeds both together hold the pole
longest, and longer than a push against the turning, which learns nothing; without a target network it falls
sooner than under random pushes.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from shared.cart_pole import Carts, stood, untaught

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "score in Breakout with both 317, replay alone 241, target network alone 10, neither 3 "
    "(Mnih et al., Human-level control through deep reinforcement learning, 2015)"
)


SCALE = np.array([2.4, 2.0, 0.2, 2.0], np.float32)  # so far the four numbers of a state go


def values(network, state):
    """Q(s, a) of both pushes, (N, 2), as numbers."""
    with no_grad():
        return network(Tensor(state / SCALE)).numpy()


class Memory:
    """The last transitions; the oldest are overwritten."""

    def __init__(self, size):
        self.parts = [
            np.zeros((size, 4), np.float32),
            np.zeros(size, int),
            np.zeros(size, bool),
            np.zeros((size, 4), np.float32),
        ]
        self.seen = 0

    def add(self, *new):
        """State, push, whether the pole fell, next state: arrays over the carts."""
        at = (self.seen + np.arange(len(new[0]))) % len(self.parts[0])
        for part, values in zip(self.parts, new, strict=True):
            part[at] = values
        self.seen += len(at)

    def draw(self, count, rng):
        """Some of all that is held."""
        return self._take(rng.integers(0, min(self.seen, len(self.parts[0])), count))

    def last(self, count):
        """The newest, which are neighbours in time."""
        return self._take(np.arange(max(self.seen - count, 0), self.seen) % len(self.parts[0]))

    def _take(self, rows):
        return [part[rows] for part in self.parts]


def improve(network, target, optimizer, transitions, discount):
    """One update towards Bellman's equation."""
    state, push, fell, after = transitions
    aim = 1 + discount * values(target, after).max(axis=1) * ~fell
    found = network(Tensor(state / SCALE))[np.arange(len(push)), push]
    loss = nn.functional.huber_loss(found, Tensor(aim))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def learn(replay, target, steps, carts, batch, size, renew, discount, longest):
    """How long the pole stands under the greedy policy, at forty times of the training; and the mean of Q."""
    restart()
    rng, curve, memory = generator(0), [], Memory(size)
    network = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    held = copy.deepcopy(network) if target else network
    optimizer, world = nn.optim.Adam(network.parameters(), lr=1e-3), Carts(carts, rng)
    for step in range(1, steps + 1):
        epsilon = max(0.05, 1 - step / (0.2 * steps))
        state = world.state
        push = np.where(
            rng.random(carts) < epsilon, rng.integers(0, 2, carts), values(network, state).argmax(axis=1)
        )
        fell = world.step(push == 1)
        memory.add(state, push, fell, world.state)
        world.begin(fell | (world.age >= longest))
        improve(network, held, optimizer, memory.draw(batch, rng) if replay else memory.last(batch), discount)
        if target and step % renew == 0:
            held.load_state_dict(network.state_dict())
        if step % (steps // 40) == 0:
            curve.append(stood(lambda s: values(network, s).argmax(axis=1) == 1, 10, generator(1), longest))
    return curve, float(values(network, memory.last(size)[0]).max(axis=1).mean())


def main(steps=4000, carts=4, batch=32, size=20_000, renew=100, discount=0.98, longest=500):
    results, (figure, axis) = {}, plt.subplots(figsize=(9, 4.5))
    for name, replay, target in (
        ("both", True, True), ("replay alone", True, False),
        ("target network alone", False, True), ("neither", False, False),
    ):  # fmt: skip
        curve, worth = learn(replay, target, steps, carts, batch, size, renew, discount, longest)
        results[f"steps, {name}"] = float(np.mean(curve[-len(curve) // 3 :]))
        results[f"mean of Q, {name} ({1 / (1 - discount):.0f} at most)"] = worth
        print(f"{name}: {results[f'steps, {name}']:.0f} steps")
        style = "--" if name == "neither" else "-"  # where it covers another one
        axis.plot(np.linspace(0, steps, len(curve) + 1)[1:], curve, style, label=name)
    results |= untaught(100, generator(1), longest)
    axis.set(
        xlabel=f"updates ({batch} transitions each)",
        ylabel="steps that the pole stands, greedy",
        ylim=(0, longest * 1.04),
    )
    axis.set_title("Q-learning on a pole on a cart")
    for key, style in (("chance: steps, random pushes", ":"), ("baseline: steps, push against the turning", "--")):
        axis.axhline(results[key], linestyle=style, color="grey", label=key.split(", ")[1])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture("deep_q_learning", figure)
    return results


if __name__ == "__main__":
    run(main)
