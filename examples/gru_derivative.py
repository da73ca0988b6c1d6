"""The derivative of the GRU in five terms: which one carries the gradient, and what keeps it from vanishing.

    r_t = sigmoid(W_r s_{t-1} + U_r x_t + b_r)            the reset gate
    z_t = sigmoid(W_z s_{t-1} + U_z x_t + b_z)            the update gate
    c_t = tanh(W (r_t s_{t-1}) + U x_t + b)               the candidate
    s_t = z_t s_{t-1} + (1 - z_t) c_t                     the state

By the product rule, where d is the derivative with respect to s_{t-1}:

    ds_t = dz_t s_{t-1} + ds_{t-1} z_t + dc_t - dz_t c_t - dc_t z_t

A gradient that arrives at the last state goes back through all five. Four of them have a matrix in them and
the derivative of sigmoid or tanh; ds z has neither: the state passes no activation function, only the gate.
With a bias of 3 for z it keeps 0.95 of the gradient in each step; dc and -dc z nearly cancel then. With a bias
of 0 the gate is half open: after 50 steps more is left than in a plain network, but less than 1e-9; with -3 it is
closed, and less is left than there. Without ds z nothing arrives.
"""

import matplotlib.pyplot as plt
import numpy as np
from shared import generator, picture, restart, run

import nn
from minigrad import jacobian
from nn.functional import sigmoid

PUBLISHED = "the cell: Cho et al., 2014; why gradients vanish: Bengio, Simard and Frasconi, 1994 (no numbers)"
BIASES = (-3, 0, 3)
TERMS = ("dz s", "ds z", "dc", "-dz c", "-dc z")
LAG = 50


def cell_of(layer, bias):
    """Weights of nn.GRU: for each of r, z and the candidate W (from the state), U (from the input) and b."""
    w, u = np.split(layer.weight_hh_l0.data, 3), np.split(layer.weight_ih_l0.data, 3)
    b = np.split(layer.bias_ih_l0.data + layer.bias_hh_l0.data, 3)
    b[1] = np.full_like(b[1], bias)
    return w, u, b


def step(s, x, w, u, b):
    r, z = (sigmoid(w[k] @ s + u[k] @ x + b[k]) for k in (0, 1))
    c = np.tanh(w[2] @ (r * s) + u[2] @ x + b[2])
    return z * s + (1 - z) * c, r, z, c


def terms(s, x, w, u, b):
    """The five terms of ds_t / ds_{t-1}, each a matrix."""
    _, r, z, c = step(s, x, w, u, b)
    dr, dz = (r * (1 - r))[:, None] * w[0], (z * (1 - z))[:, None] * w[1]
    dc = (1 - c**2)[:, None] * w[2] @ (np.diag(r) + s[:, None] * dr)
    return np.stack([s[:, None] * dz, np.diag(z), dc, -c[:, None] * dz, -z[:, None] * dc])


def backwards(xs, weights, rng):
    """Of a gradient at the last state: the norms of its five parts, and of all, by steps back; the matrices."""
    s, seen = np.zeros(len(weights[2][0])), []
    for x in xs:
        seen.append(terms(s, x, *weights))
        s = step(s, x, *weights)[0]
    g = rng.choice([-1.0, 1.0], len(s)) / np.sqrt(len(s))
    without, parts, norms = g, [], []
    for five in reversed(seen):
        sent = np.einsum("kij,i->kj", five, g)
        without = np.delete(five, 1, axis=0).sum(axis=0).T @ without
        g = sent.sum(axis=0)
        parts.append(np.linalg.norm(sent, axis=1))
        norms.append((np.linalg.norm(g), np.linalg.norm(without)))
    return np.array(parts), np.array(norms), [five.sum(axis=0) for five in seen]


def drawn(found, plain):
    figure, axes = plt.subplots(2, 3, figsize=(11.5, 7.5), height_ratios=[1.2, 1])
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    for (upper, lower), (bias, (parts, norms, matrices)) in zip(axes.T, found.items(), strict=True):
        lags = np.arange(1, len(norms) + 1)
        for name, values in zip(TERMS, parts.T, strict=True):
            style = {"ds z": {"lw": 3}, "-dc z": {"ls": (0, (4, 3))}}.get(name, {})
            upper.semilogy(lags[:-1], values[:-1], label=f"through {name}", **style)  # s_0 = 0 ends the lines
        upper.semilogy(lags, norms[:, 0], "k", label="all five", lw=1.2)
        upper.semilogy(lags, norms[:, 1], "k:", label="all without ds z")
        upper.semilogy(lags, plain, "0.6", ls="--", label="plain network")
        upper.set(title=f"bias of z: {bias}", ylim=(1e-22, 10), xlabel="steps back")
        values = np.linalg.eigvals(matrices).ravel()
        lower.plot(circle.real, circle.imag, "0.7")
        lower.scatter(values.real, values.imag, 3, alpha=0.4, color="C1")
        lower.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal", xlabel="real part")
    axes[0, 0].set(ylabel="norm of the gradient")
    axes[1, 0].set(ylabel="imaginary part")
    axes[1, 1].set_title("eigenvalues of $ds_t / ds_{t-1}$, and the unit circle", size=11)
    axes[0, 2].legend(bbox_to_anchor=(1.03, 1), loc="upper left")
    figure.tight_layout()
    picture("gru_derivative", figure)


def main(hidden=32, inputs=8, steps=60):
    if steps <= LAG:
        raise ValueError(f"{steps} steps are too few: what is measured is the gradient {LAG} steps back")
    restart()
    rng = generator()
    layer, xs = nn.GRU(inputs, hidden, reset_after=False), rng.normal(size=(steps, inputs)).astype(np.float32)
    cells = {bias: cell_of(layer, bias) for bias in BIASES}
    found = {bias: backwards(xs, cell, generator(1)) for bias, cell in cells.items()}
    plain = nn.inspect.gradient_by_lag(nn.RNN(inputs, hidden), xs[:, None])
    drawn(found, plain)
    s = rng.normal(size=hidden) / 2
    by_engine = jacobian(lambda s: step(s, xs[0], *cells[0])[0])(s)
    off = np.abs(terms(s, xs[0], *cells[0]).sum(axis=0) - by_engine).max()
    results = {"largest difference of the five terms from jacobian": off}
    results[f"baseline: plain network, gradient at lag {LAG}"] = plain[LAG]
    for bias, (parts, norms, _) in found.items():
        results[f"bias {bias}: gradient at lag {LAG}"] = norms[LAG - 1, 0]
        results[f"bias {bias}: share of ds z"] = np.mean(parts[:, 1] / parts.sum(axis=1))
        results[f"baseline: bias {bias}, without ds z"] = norms[LAG - 1, 1]
    return {name: float(value) for name, value in results.items()}


if __name__ == "__main__":
    run(main)
