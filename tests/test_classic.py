"""Elman, Jordan and Hopfield networks, Boltzmann machines, autoencoders: by hand, and what they learn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor
from nn import functional as F

rng = np.random.default_rng(0)


def test_elman_and_jordan_by_hand() -> None:
    x = rng.normal(size=(3, 2, 2))
    elman = nn.Elman(2, 3, 1).double()
    w, u, b, c = (p.detach().numpy() for p in elman.hidden.parameters())
    v, d = (p.detach().numpy() for p in elman.output.parameters())
    h, expected = np.zeros((2, 3)), []
    for step in x:
        h = np.tanh(step @ w.T + b + h @ u.T + c)
        expected.append(h @ v.T + d)
    y, last = elman(x)
    np.testing.assert_allclose(y.detach().numpy(), expected)
    np.testing.assert_allclose(last.detach().numpy()[0], h)
    jordan = nn.Jordan(2, 3, 1).double()
    w, b = (p.detach().numpy() for p in jordan.input.parameters())
    u = jordan.feedback.weight.detach().numpy()
    v, d = (p.detach().numpy() for p in jordan.output.parameters())
    out, expected = np.zeros((2, 1)), []
    for step in x:
        out = np.tanh(np.tanh(step @ w.T + b + out @ u.T) @ v.T + d)
        expected.append(out)
    np.testing.assert_allclose(jordan(x)[0].detach().numpy(), expected)
    assert mg.gradcheck(lambda x: jordan(x)[0], x)
    assert mg.gradcheck(lambda x: elman(x)[0], x)


@pytest.mark.parametrize("kind", [nn.Elman, nn.Jordan])
def test_recurrence_remembers(kind: type) -> None:
    """A running mean, y_t = (y_{t-1} + x_t) / 2: without feedback a quarter of its variance would be left."""
    model = kind(1, 8, 1)
    bits = rng.integers(0, 2, (12, 40, 1)).astype(np.float32) * 1.6 - 0.8
    mean = np.zeros_like(bits)
    for t in range(12):
        mean[t] = (bits[t] + (mean[t - 1] if t else 0)) / 2
    optimizer = nn.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(200):
        y, _ = model(bits)
        loss = F.mse_loss(y, Tensor(mean))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02 * mean.var()


def test_hopfield_recalls_damaged_patterns() -> None:
    patterns = np.sign(rng.normal(size=(4, 100)))
    memory = nn.Hopfield(100)
    memory.store(patterns)
    np.testing.assert_allclose(memory.weight.numpy(), memory.weight.numpy().T)
    assert not np.diag(memory.weight.numpy()).any()
    damaged = patterns.copy()
    damaged[:, rng.permutation(100)[:15]] *= -1
    np.testing.assert_array_equal(memory(damaged).numpy(), patterns)
    assert (
        memory.energy(Tensor(patterns.astype(np.float32))).numpy() < memory.energy(Tensor(damaged.astype(np.float32))).numpy()
    ).all()
    with pytest.raises(ValueError, match="patterns of 100 elements"):
        memory.store(np.ones((1, 3)))


def test_free_energy_is_that_of_the_definition() -> None:
    """e^-F(v) is the sum of e^-E(v, h) over all hidden states."""
    rbm = nn.RBM(3, 4).double()
    for p in rbm.parameters():
        p.data = rng.normal(size=p.shape)
    w, b, c = (p.detach().numpy() for p in (rbm.weight, rbm.visible_bias, rbm.hidden_bias))
    v = np.array([1.0, 0.0, 1.0])
    total = sum(np.exp(v @ b + np.array(h) @ c + np.array(h) @ w @ v) for h in product([0, 1], repeat=4))
    np.testing.assert_allclose(np.exp(-rbm.free_energy(v[None]).item()), total)


@pytest.mark.parametrize("persistent", [False, True])
def test_a_boltzmann_machine_learns_its_data(persistent: bool) -> None:
    """Two patterns: after training almost all of the probability (computed exactly) is theirs."""
    data = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]] * 20, dtype=np.float32)
    rbm = nn.RBM(6, 4)
    optimizer = nn.optim.SGD(rbm.parameters(), lr=0.05 if persistent else 0.2, momentum=0.5)
    for _ in range(800):
        optimizer.zero_grad()
        rbm.contrastive_divergence(data, k=2, persistent=persistent).backward()
        optimizer.step()
    every = np.array(list(product([0.0, 1.0], repeat=6)), dtype=np.float32)
    p = np.exp(-rbm.free_energy(every).detach().numpy().astype(np.float64))
    p /= p.sum()
    assert p[7] + p[56] > 0.7
    assert min(p[7], p[56]) > 0.15
    assert np.abs(rbm(data[:2]).detach().numpy() - data[:2]).max() < 0.3


def test_autoencoders() -> None:
    """A tied one of two units finds the plane of the data, as principal components do.

    Not from any start: a unit whose weights stand far from the plane stays there, which is a minimum too.
    """
    rng = np.random.default_rng(1)
    mg.random.manual_seed(1)
    basis = np.linalg.qr(rng.normal(size=(8, 2)))[0]
    data = (rng.normal(size=(200, 2)) @ basis.T).astype(np.float32)
    model = nn.Autoencoder(8, 2, activation=lambda x: x)
    assert list(model.state_dict()) == ["weight", "hidden_bias", "visible_bias"]
    optimizer = nn.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(300):
        loss = F.mse_loss(model(data), Tensor(data))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02 * data.var()
    assert len(list(nn.Autoencoder(8, 2, tied=False).parameters())) == 4
    sparse = nn.Autoencoder(8, 6)
    optimizer = nn.optim.Adam(sparse.parameters(), lr=0.05)
    before = sparse.encode(data).mean().item()
    for _ in range(100):
        h = sparse.encode(data)
        optimizer.zero_grad()
        (F.mse_loss(sparse.decode(h), Tensor(data)) + 0.1 * nn.Autoencoder.sparsity_penalty(h, 0.05)).backward()
        optimizer.step()
    assert before > 0.4
    assert sparse.encode(data).mean().item() < 0.15


def test_binary_units_lower_the_energy_and_recall_what_is_stored() -> None:
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1.0, 1.0], (10, 200))
    memory = nn.Hopfield(200, binary=True, dtype=np.float64)
    memory.store(patterns)
    np.testing.assert_array_equal(memory(patterns).numpy(), patterns)
    noisy = patterns * rng.choice([1.0, -1.0], patterns.shape, p=[0.85, 0.15])
    one_step = nn.Hopfield(200, max_steps=1, binary=True, dtype=np.float64)
    one_step.store(patterns)
    energies = [memory.energy(x).numpy() for x in (noisy, one_step(noisy).numpy(), memory(noisy).numpy())]
    assert (energies[0] > energies[1]).all()
    assert (energies[1] >= energies[2]).all()
    assert (memory(noisy).numpy() == patterns).mean() > 0.99
