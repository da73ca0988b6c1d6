"""Policy optimization: PPO takes many steps from the same games, since it clips how far the policy may go.

An actor gives pi(a|s), a critic V(s). After some games each choice has an advantage, a sum of the critic's
surprises:

    delta_t = r_t + d V(s_{t+1}) - V(s_t),    A_t = delta_t + d l delta_{t+1} + (d l)^2 delta_{t+2} + ...

REINFORCE with a critic takes one step along A grad log pi, and throws the games away. With the ratio rho =
pi(a|s) / pi_old(a|s), the policy that played them, one can take many; but then the policy leaves the region
where the games say anything about it. PPO's loss has nothing to win there:

    L = -mean of min(rho A, clip(rho, 1 - e, 1 + e) A)

The script plays equally many pushes with one step (at a rate that suits a single one), with many, and with
many that are clipped. PPO holds the pole to the end from all five seeds; many steps without the clip nearly do
from three, and from two they are where one step is: about as far as a push against the turning, a rule that
learns nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run, steps
from shared.cart_pole import Carts, stood, untaught

import nn
from minigrad import Tensor, no_grad

PUBLISHED = (
    "CartPole-v1 counts as solved at 475 of 500 steps (Brockman et al., OpenAI Gym, 2016); "
    "PPO: Schulman et al., Proximal policy optimization algorithms, 2017; advantages: Schulman et al., 2016"
)


def numbers(network, state):
    """The outputs of a network that has one, (N,), as numbers."""
    with no_grad():
        return network(Tensor(state)).numpy()[..., 0]


def probability(actor, state):
    """Of a push to the right."""
    return 1 / (1 + np.exp(-numbers(actor, state)))


def play(world, actor, critic, rng, horizon, longest, discount, decay):
    """Play on: states (T, N, 4), pushes, advantages and what the critic should have predicted (T, N)."""
    seen = []
    for _ in range(horizon):
        state = world.state
        right = rng.random(len(state)) < probability(actor, state)
        fell = world.step(right)
        over = fell | (world.age >= longest)
        seen.append((state, right, np.where(fell, 0, numbers(critic, world.state)), over))
        world.begin(over)
    states, right, after, over = (np.array(part) for part in zip(*seen, strict=True))
    value = numbers(critic, states)
    surprise = 1 + discount * after - value
    advantage, total = np.zeros_like(surprise), 0.0
    for t in reversed(range(horizon)):
        total = surprise[t] + discount * decay * total * ~over[t]
        advantage[t] = total
    return states, right, advantage, advantage + value


def log_probability(actor, state, right):
    return -nn.functional.softplus(np.where(right, -1, 1).astype(np.float32) * actor(Tensor(state))[:, 0])


def improve(actor, critic, optimizer, games, epochs, parts, clip, rng):
    """Steps from the same games: `epochs` times through them, in `parts` each time."""
    state, right, advantage, aim = (part.reshape(-1, *part.shape[2:]) for part in games)
    with no_grad():
        old = log_probability(actor, state, right).numpy()
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(right)), parts):
            ratio = np.exp(log_probability(actor, state[rows], right[rows]) - old[rows])
            gain = np.minimum(ratio * advantage[rows], np.clip(ratio, 1 - clip, 1 + clip) * advantage[rows])
            wrong = ((critic(Tensor(state[rows]))[:, 0] - aim[rows]) ** 2).mean()
            optimizer.zero_grad()
            (0.5 * wrong - gain.mean()).backward()
            nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], 0.5)
            optimizer.step()


def learn(times, parts, clip, rate, setting):
    """How long the pole stands under the policy, at twenty times of the training."""
    updates, carts, horizon, hidden, discount, decay, longest = setting
    restart()
    rng = generator(0)
    actor, critic = (nn.Sequential(nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 1)) for _ in range(2))
    nets = nn.ModuleList([actor, critic])
    optimizer, world = nn.optim.Adam(nets.parameters(), lr=rate), Carts(carts, rng)
    kept = {"curve": [], "world": (world.state, world.age)}

    def choose(state):
        return player.random(len(state)) < probability(actor, state)

    for update in steps(updates, nets, optimizer, rng, kept, name=f"{times}_times_{clip}"):
        world.state, world.age = kept["world"]
        games = play(world, actor, critic, rng, horizon, longest, discount, decay)
        kept["world"] = world.state, world.age
        improve(actor, critic, optimizer, games, times, parts, clip, rng)
        if (update + 1) % max(updates // 20, 1) == 0:
            player = generator(2)
            kept["curve"].append(stood(choose, 20, generator(1), longest))
    return kept["curve"]


def main(
    updates=40, carts=16, horizon=64, hidden=64, lr=3e-3, lr_once=1e-2, discount=0.98, decay=0.95, clip=0.2,
    epochs=8, parts=4, longest=500,
):  # fmt: skip
    """Args:
    horizon: steps of each game before an update
    decay: how fast later surprises count less, l
    clip: how far the ratio may go from 1, e
    """
    setting = updates, carts, horizon, hidden, discount, decay, longest
    curves = {
        "one step": learn(1, 1, np.inf, lr_once, setting),
        "many steps": learn(epochs, parts, np.inf, lr, setting),
        "PPO": learn(epochs, parts, clip, lr, setting),
    }
    figure, axis = plt.subplots(figsize=(9, 4.5))
    for name, curve in curves.items():
        axis.plot(np.linspace(0, updates * carts * horizon, len(curve) + 1)[1:], curve, label=name)
    results = {f"steps, {name}": float(np.mean(curve[-5:])) for name, curve in curves.items()}
    results |= untaught(100, generator(1), longest)
    axis.set(xlabel="pushes played", ylabel="steps that the pole stands", ylim=(0, longest * 1.04))
    for key, style in (("chance: steps, random pushes", ":"), ("baseline: steps, push against the turning", "--")):
        axis.axhline(results[key], linestyle=style, color="grey", label=key.split(", ")[1])
    axis.set_title("The same games, used once or many times")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    picture("policy_optimisation", figure)
    return results


# The paper's setting for its tasks of continuous control.
FULL = {"horizon": 2048, "carts": 1, "updates": 488, "lr": 3e-4, "discount": 0.99, "epochs": 10, "parts": 32}

if __name__ == "__main__":
    run(main)
