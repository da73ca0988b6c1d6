"""Policy gradient: a network learns to balance a pole on a cart, from nothing but how long it stood.

The policy pi(a|s) is a coin, and the network says its odds. After some games each choice is made more
probable by what followed it (REINFORCE):

    grad J = E[ sum over t of (G_t - b) grad log pi(a_t|s_t) ],    G_t = r_t + d r_{t+1} + d^2 r_{t+2} + ...

The reward r is 1 for each step that the pole stands, d the discount. The same expectation has a noisier
form and quieter ones. The noisier one gives each choice the return R = G_0 of its whole game, also the
rewards that came before it. A quieter one takes off any baseline b that does not depend on the choice, here
the mean of the returns; the last one divides by their deviation s too, so that the step does not grow with
the returns. The script learns with each from equally many pushes; what is measured is how long the pole
stands in the games of the last third, since policies come and go. With a baseline it stands longest from
four of five seeds; the division makes no clear difference here, since Adam is not moved by the size of a
gradient. Two rules that learn nothing: a push to the side where the pole leans, and a push against its
turning, which holds the pole longer but lets the cart drift out; R stays below it from four of five seeds.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run
from shared.cart_pole import Carts, untaught

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "CartPole-v1 counts as solved at 475 of 500 steps (Brockman et al., OpenAI Gym, 2016); "
    "REINFORCE: Williams, Simple statistical gradient-following algorithms, 1992"
)


def pushes(policy, rng):
    """The policy as a player: right with the probability that the network says."""

    def choose(state):
        with no_grad():
            score = policy(Tensor(state)).numpy()[:, 0]
        return rng.random(len(state)) < 1 / (1 + np.exp(-score))

    return choose


def play(policy, count, rng, longest):
    """States, choices and whether the pole stood, (T, N ...)."""
    carts, alive, choose, seen = Carts(count, rng), np.ones(count, bool), pushes(policy, rng), []
    while alive.any() and len(seen) < longest:
        state, right, before = carts.state, choose(carts.state), alive.copy()
        alive &= ~carts.step(right)
        seen.append((state, right, before))
    return [np.array(part) for part in zip(*seen, strict=True)]


def following(alive, discount):
    """G_t, what still follows, discounted."""
    found, total = np.zeros(alive.shape, np.float32), 0.0
    for t in reversed(range(len(alive))):
        total = alive[t] + discount * total
        found[t] = total
    return found


def whole(alive, discount):
    """R, the return of the whole game, for each of its choices."""
    return np.broadcast_to(following(alive, discount)[0], alive.shape)


def with_baseline(alive, discount):
    """G_t - b."""
    found = following(alive, discount)
    return found - found[alive].mean()


def in_deviations(alive, discount):
    """(G_t - b) / s."""
    found = with_baseline(alive, discount)
    return found / (found[alive].std() + 1e-8)


GAINS = {"R": whole, "G": following, "G - b": with_baseline, "(G - b) / s": in_deviations}


def learn(gain_of, pushes_in_all, carts, discount, longest):
    """After how many pushes the pole stood how long: (updates, 2)."""
    restart()
    rng, played, reported = generator(0), 0, 0
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer, curve = nn.optim.Adam(policy.parameters(), lr=2e-2), []
    while played < pushes_in_all:
        states, right, alive = play(policy, carts, rng, longest)
        gain = gain_of(alive, discount)
        scores = policy(Tensor(states[alive]))[:, 0]
        signs = np.where(right[alive], -1, 1).astype(np.float32)
        log_p = -nn.functional.softplus(signs * scores)  # of what was done
        optimizer.zero_grad()
        (-(log_p * gain[alive]).mean()).backward()
        optimizer.step()
        played += int(alive.sum())
        curve.append((played, float(alive.sum(axis=0).mean())))
        if played - reported > pushes_in_all / 5:
            reported = played
            print(f"{played} pushes: {curve[-1][1]:.0f} steps")
    return np.array(curve)


def main(pushes_in_all=60_000, carts=8, discount=0.99, longest=500):
    """Learn with each form of the return.

    Args:
        pushes_in_all: how many pushes each plays
        longest: so many steps a game takes at most
    """
    results, compared = {}, untaught(100, generator(1), longest)
    figure, axis = plt.subplots(figsize=(9, 4.5))
    for name, gain_of in GAINS.items():
        curve = learn(gain_of, pushes_in_all, carts, discount, longest)
        late = np.linspace(2 / 3, 1, 100) * pushes_in_all
        results[f"steps, {name}"] = float(np.interp(late, *curve.T).mean())
        axis.plot(*curve.T, label=f"learned with {name}")
    for (name, value), style in zip(compared.items(), (":", "-.", "--"), strict=True):
        axis.axhline(value, linestyle=style, color="grey", label=name.split(", ")[1])
    axis.set(xlabel="pushes played", ylabel="steps that the pole stands", ylim=(0, longest * 1.04))
    axis.set_title("A pole on a cart, balanced by REINFORCE")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture("policy_gradient", figure)
    return results | compared


if __name__ == "__main__":
    run(main)
