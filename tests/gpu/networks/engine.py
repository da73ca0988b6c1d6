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


#: Indices into (4, 6) that name places twice, and the shape of the values that are written there.
TWICE: list[tuple[Any, tuple[int, ...]]] = [
    (np.arange(3000) % 3, (3000, 6)),
    (np.array([1, 3, 1]), (6,)),
    (np.array([[1, -3], [0, 1]]), (1, 2, 2, 6)),
    ((slice(None), np.array([2, 2, 5])), (4, 3)),
    ((slice(1, 3), np.array([2, 2])), (2, 1)),
    ((np.array([1, 1, 0]), np.array([4, -2, 4])), (3,)),
    ((np.array([[1], [1]]), np.array([4, 5, 4])), (2, 3)),
    ((2, np.array([0, 0])), (2,)),
    ((..., None, np.array([0, 3, 0])), (4, 1, 3)),
    ((np.array([0, 0]), None, np.array([3, 3])), (2, 1)),
    ((np.array([True, False, True, True]), np.array([1, 1, 1])), (3,)),
]


def written(x: Any, index: Any, values: Any) -> Any:
    """A copy of x with values at an index; the parts of the index on the device of x."""
    parts = index if isinstance(index, tuple) else (index,)
    there = tuple(mg.beside(p, x) if isinstance(p, np.ndarray) else p for p in parts)
    x = x + 0.0
    x[there if isinstance(index, tuple) else there[0]] = values
    return x


@case
def the_last_value_for_a_place_stays(device: str) -> Any:
    x, found = on(device, ramp(4, 6)), []
    for index, shape in TWICE:
        values = on(device, ramp(*shape), requires_grad=True)
        out = written(x, index, values)  # recorded
        (out**2).sum().backward()
        with mg.no_grad():
            found += [out, values.grad, written(x, index, values)]
    return found


@case
def the_last_value_for_a_place_stays_in_numpys_functions(device: str) -> Any:
    x = on(device, ramp(4, 6))
    flat, rows, by_axis = x + 0.0, x + 0.0, x + 0.0
    np.put(flat, [3, 27, 3], on(device, ramp(3)), "wrap")
    np.put_along_axis(rows, on(device, np.array([3, 3, 1])), on(device, ramp(3)), axis=None)
    np.put_along_axis(by_axis, on(device, np.array([[1, 1], [5, 0], [2, 2], [0, 0]])), on(device, ramp(4, 2)), axis=1)
    return [flat, rows, by_axis]


@case
def the_last_value_for_a_place_stays_for_each_example(device: str) -> Any:
    x, places, values = on(device, ramp(3, 5)), on(device, np.array([[1, 1], [4, -1], [0, 2]])), on(device, ramp(3, 2))
    return [mg.vmap(written)(x, places, values), mg.vmap(written, in_axes=(0, None, 0))(x, np.array([2, 2]), values)]


@case
def options_of_numpys_functions(device: str) -> Any:
    x = on(device, ramp(4, 6))
    return [
        np.sum(x, axis=0, where=x > 0),
        np.add(x, 1.0, where=x > 0, out=on(device, np.zeros((4, 6), np.float32))),
        np.max(x, initial=0.5),
    ]
