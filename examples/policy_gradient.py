"""Policy gradient: a network learns to balance a pole on a cart, from nothing but how long it stood."""

import matplotlib.pyplot as plt
import numpy as np
from shared import picture, run

import nn
from minigrad import Tensor

PUBLISHED = "solved at a mean of 195 of 200 steps (CartPole-v0: Barto, Sutton and Anderson, 1983); REINFORCE: Williams, 1992"


class Carts:
    """Many carts at once, by the equations of Barto, Sutton and Anderson."""

    def __init__(self, count, rng):
        self.state = rng.uniform(-0.05, 0.05, (count, 4))  # place, speed, angle, turning
        self.alive = np.ones(count, bool)

    def step(self, right):
        """Push by 10 newtons for 0.02 s; a cart is out beyond 2.4 m or 12 degrees."""
        x, v, a, w = self.state.T
        force = np.where(right, 10.0, -10.0)
        sin, cos = np.sin(a), np.cos(a)
        t = (force + 0.05 * w**2 * sin) / 1.1
        turn = (9.8 * sin - cos * t) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
        push = t - 0.05 * turn * cos / 1.1
        self.state = self.state + 0.02 * np.stack([v, push, w, turn], axis=1)
        self.alive &= (np.abs(self.state[:, 0]) < 2.4) & (np.abs(self.state[:, 2]) < np.deg2rad(12))
        return self.alive.copy()


def play(policy, count, rng, longest=200):
    """States, choices and who stood, (T, N ...)."""
    carts, seen = Carts(count, rng), []
    for _ in range(longest):
        state, stood = carts.state.astype(np.float32), carts.alive.copy()
        p = 1 / (1 + np.exp(-policy(Tensor(state)).detach().numpy()[:, 0]))
        right = rng.random(count) < p
        carts.step(right)
        seen.append((state, right, stood))
        if not carts.alive.any():
            break
    return [np.array(part) for part in zip(*seen, strict=True)]


def main(updates=60, carts=32, discount=0.99):
    rng = np.random.default_rng(0)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer, curve = nn.optim.Adam(policy.parameters(), lr=2e-2), []
    for update in range(1, updates + 1):
        states, right, stood = play(policy, carts, rng)
        returns, total = np.zeros(stood.shape), 0.0
        for t in reversed(range(len(stood))):  # what still follows, discounted
            total = stood[t] + discount * total
            returns[t] = total
        gain = np.where(stood, returns - returns[stood].mean(), 0) / (returns[stood].std() + 1e-8)
        scores = policy(Tensor(states))[..., 0]
        log_p = -nn.functional.softplus(np.where(right, -1.0, 1.0).astype(np.float32) * scores)  # of what was done
        optimizer.zero_grad()
        (-(log_p * gain.astype(np.float32)).sum() / stood.sum()).backward()
        optimizer.step()
        curve.append(float(stood.sum(axis=0).mean()))
        if update % 10 == 0:
            print(f"update {update}: {curve[-1]:.0f} steps")
    figure, axis = plt.subplots()
    axis.plot(curve)
    axis.axhline(195, linestyle=":")
    axis.set(xlabel="update", ylabel="steps until the pole falls (200 at most)")
    picture("policy_gradient", figure)
    return {"steps before training": curve[0], "steps, mean of 100 carts": float(play(policy, 100, rng)[2].sum(axis=0).mean())}


if __name__ == "__main__":
    run(main)
