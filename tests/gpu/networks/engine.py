"""What a network's user does with Tensors themselves: derivatives, drawing of numbers, indices, lists."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg

from .moved import case, on, ramp


@case
def derivatives_of_functions(device: str) -> Any:
    x, w = on(device, np.arange(4.0)), on(device, np.ones((6, 3), np.float32))
    each = mg.vmap(mg.grad(lambda w, x: np.sum(np.tanh(x @ w) ** 2)), in_axes=(None, 0))
    return [
        mg.jacobian(lambda x: np.sin(x) * x[::-1])(x),
        mg.hessian(lambda x: np.sum(x**3))(x),
        each(w, on(device, ramp(4, 6))),
        mg.gradcheck(np.tanh, on(device, np.array([0.1, 0.5]))),
        mg.gradgradcheck(np.tanh, on(device, np.array([0.1, 0.5]))),
    ]


@case
def a_checkpointed_function(device: str) -> Any:
    x = on(device, np.ones(3), requires_grad=True)
    mg.checkpoint(lambda x: np.exp(x))(x).sum().backward()
    return [x.grad]


@case
def one_seed_gives_one_result(device: str) -> Any:
    found = []
    for _ in range(2):
        mg.random.manual_seed(3)
        found.append(mg.random.rand(3, device=device).cpu().numpy())
    return [np.array_equal(*found), len(np.unique(found[0]))]


@case
def indices_and_values_in_lists(device: str) -> Any:
    t = on(device, np.arange(6.0))
    t[0:2] = [1.0, 2.0]
    t[4:] = np.array([7.0, 8.0])
    number = on(device, np.array(2))
    return [t, t[[1, 2]], t[np.array([0, 0])], t[number], len(range(number)), [1, 2, 3][number]]


@case
def options_of_numpys_functions(device: str) -> Any:
    x = on(device, ramp(4, 6))
    return [
        np.sum(x, axis=0, where=x > 0),
        np.add(x, 1.0, where=x > 0, out=on(device, np.zeros((4, 6), np.float32))),
        np.max(x, initial=0.5),
    ]
