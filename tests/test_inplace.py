"""Writing in place: recorded in a graph, refused on leaves, real under no_grad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, grad, mark_mutated, no_grad


def test_item_assignment_in_a_graph_is_a_functional_update() -> None:
    x, v = Tensor([1.0, 2.0, 3.0], requires_grad=True), Tensor(5.0, requires_grad=True)
    y = x * 2
    before = y
    view = y[1:]
    y[1] = v * 10
    assert before is y
    assert y.tolist() == [2.0, 50.0, 6.0]
    assert view.tolist() == [4.0, 6.0]  # taken earlier, keeps its values
    (y * np.array([1, 10, 100], np.float32)).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 200.0]
    assert v.grad.item() == 100.0


def test_assignment_makes_a_constant_part_of_the_graph() -> None:
    buffer, v = Tensor(np.zeros(3)), Tensor(2.0, requires_grad=True)
    buffer[0] = v
    buffer[1:] = v * v
    assert buffer.requires_grad
    buffer.sum().backward()
    assert v.grad.item() == 1 + 2 * 2 * 2.0


def _iadd(x, y):
    x += y
    return x


def _isub(x, y):
    x -= y
    return x


def _imul(x, y):
    x *= y
    return x


def _itruediv(x, y):
    x /= y
    return x


def _ipow(x, y):
    x **= y
    return x


@pytest.mark.parametrize(
    ("update", "plain"),
    [(_iadd, np.add), (_isub, np.subtract), (_imul, np.multiply), (_itruediv, np.divide), (_ipow, np.power)],
)
def test_augmented_assignment(update: Callable, plain: Callable) -> None:
    # In a graph: recorded.
    for derivative, expected in zip(
        grad(lambda x, y: np.sum(update(x * 1, y)), argnums=(0, 1))(np.array([2.0, 3.0]), np.array([4.0, 5.0])),
        grad(lambda x, y: np.sum(plain(x, y)), argnums=(0, 1))(np.array([2.0, 3.0]), np.array([4.0, 5.0])),
        strict=True,
    ):
        np.testing.assert_allclose(derivative, expected)
    # On a leaf: refused.
    leaf = Tensor([2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        update(leaf, 3.0)
    assert leaf.tolist() == [2.0]
    # Under no_grad: the array itself.
    array = leaf.data
    with no_grad():
        assert update(leaf, 3.0) is leaf
    assert leaf.data is array
    assert leaf.tolist() == pytest.approx([plain(2.0, 3.0)])
    assert leaf.requires_grad
    # On a constant: the array itself.
    constant = Tensor(np.array([2.0]))
    array = constant.data
    update(constant, 3.0)
    assert array.tolist() == [plain(2.0, 3.0)]


def test_assignment_to_a_leaf_is_refused() -> None:
    x = Tensor([1.0], requires_grad=True, name="w")
    with pytest.raises(RuntimeError, match=r"leaf 'w' .*no_grad"):
        x[0] = 2.0
    with no_grad():
        x[0] = 2.0
    assert x.tolist() == [2.0]


def test_an_update_may_not_change_shape_or_dtype() -> None:
    y = Tensor([1.0], requires_grad=True) * 1
    with pytest.raises(ValueError, match="would change the shape"):
        y += np.ones((3, 1), np.float32)
    y += np.float64(1)
    assert y.dtype == np.float32


HALVES = np.full(2, 0.5)


@pytest.mark.parametrize("update", [_iadd, _isub, _imul, _itruediv, _ipow])
@pytest.mark.parametrize(
    ("x", "y"),
    [(np.zeros(2, int), HALVES), (HALVES.astype("f4"), HALVES), (HALVES, HALVES * 1j), (HALVES, 1j)],
)  # fmt: skip
def test_a_recorded_update_casts_as_numpy_does(update: Callable, x: np.ndarray, y: object) -> None:
    try:
        want = update(x.copy(), y)
    except TypeError:
        want = None
    recorded = Tensor(x) if x.dtype == int else Tensor(x, requires_grad=True) * 1
    value = Tensor(y, requires_grad=True) if isinstance(y, np.ndarray) else y
    if want is None:
        with pytest.raises(TypeError, match="dtype"):
            update(recorded, value)
        assert recorded.tolist() == x.tolist()
        return
    got = update(recorded, value)
    assert (got.dtype, got.tolist()) == (want.dtype, want.tolist())


@pytest.mark.parametrize(("x", "value"), [(np.zeros(2, int), 0.7), (np.zeros(2, bool), 0.7), (np.zeros(2), 1j)])
def test_a_value_whose_gradient_would_be_lost_is_not_assigned(x: np.ndarray, value: complex) -> None:
    value = Tensor(np.array(value), requires_grad=True)
    for write in (lambda t: t.__setitem__(0, value), lambda t: t.fill(value), lambda t: np.put(t, 0, value)):
        target = Tensor(x.copy())
        with pytest.raises(TypeError, match="dtype"):
            write(target)
        assert target.tolist() == x.tolist()


def test_a_value_may_become_narrower_where_it_is_assigned() -> None:
    x, value = Tensor(np.zeros(2, np.float32)), Tensor(np.array(0.5), requires_grad=True)
    x[0] = value
    (x * 3).sum().backward()
    assert (x.dtype, value.grad.item(), value.grad.dtype) == (np.float32, 3.0, np.float64)


def test_the_two_loops_over_parameters_update_them() -> None:
    parameters = [Tensor([1.0, 2.0], requires_grad=True), Tensor(3.0, requires_grad=True)]

    def loss() -> Tensor:
        return (parameters[0] ** 2).sum() + parameters[1] ** 2

    loss().backward()
    for p in parameters:
        with no_grad():
            p -= 0.1 * p.grad
        p.grad = None
    assert parameters[0].tolist() == pytest.approx([0.8, 1.6])
    loss().backward()
    for p in parameters:
        p.data -= 0.5 * p.grad
    assert parameters[0].tolist() == pytest.approx([0.0, 0.0])
    assert parameters[1].item() == pytest.approx(0.0)


@pytest.mark.parametrize("how", ["no_grad item", "no_grad update", "data update", "through a view", "mark_mutated"])
def test_mutation_between_forward_and_backward_is_caught(how: str) -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = np.exp(y).sum() + (y * y).sum()
    with no_grad():
        if how == "no_grad item":
            y[0] = 9.0
        elif how == "no_grad update":
            y += 1
        elif how == "through a view":
            y.detach()[1:] *= 2
    if how == "data update":
        y.data += 1
    elif how == "mark_mutated":
        y.data[0] = 9.0
        mark_mutated(y.data)
    with pytest.raises(RuntimeError, match=r"multiply: an array of shape \(2,\).* changed in place"):
        z.backward()


def test_mutation_of_what_no_rule_reads_is_allowed() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x + 1  # saves nothing
    z = (y * 3).sum()  # saves the 3
    with no_grad():
        y += 1
    z.backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_an_update_before_the_forward_is_no_mutation_of_it() -> None:
    x = Tensor([1.0], requires_grad=True)
    for _ in range(3):
        x.grad = None
        (x * x).sum().backward()
        with no_grad():
            x -= 0.1 * x.grad
    assert x.item() == pytest.approx(0.8**3)


def test_writing_a_tensor_into_an_array_does_not_lose_its_gradient() -> None:
    a, t = np.zeros(2), Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="a = a \\+ t"):
        a += t
    a += t.detach()
    assert a.tolist() == [1.0, 2.0]


def test_out_argument_on_a_tensor_is_a_recorded_update() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    np.multiply(x, 3.0, out=y)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


METHODS: dict[str, Any] = {
    "sort": lambda x: x.sort(),
    "sort along an axis": lambda x: x.sort(0, "stable"),
    "sort by name": lambda x: x.sort(axis=0, stable=True),
    "sort flattened": lambda x: x.sort(None),
    "sort out of range": lambda x: x.sort(2),
    "sort by fields": lambda x: x.sort(order="a"),
    "partition": lambda x: x.partition(1),
    "partition along an axis": lambda x: x.partition(1, axis=0),
    "partition flattened": lambda x: x.partition(1, None),
    "partition out of range": lambda x: x.partition(7),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_write_in_place_do_as_ndarrays_do(name: str) -> None:
    array = np.array([[3.0, 1.0, 2.0], [0.5, 7.0, -1.0]])
    tensor = Tensor(array.copy())
    try:
        want = METHODS[name](array)
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError)):
            METHODS[name](tensor)
        return
    assert want is None and METHODS[name](tensor) is None
    assert tensor.tolist() == array.tolist()


def test_sorting_in_place_is_recorded() -> None:
    leaf = Tensor([3.0, 1.0, 2.0], requires_grad=True)
    x = leaf * 1.0
    x.sort()
    (x * Tensor([1.0, 10.0, 100.0])).sum().backward()
    assert leaf.grad.tolist() == [100.0, 1.0, 10.0]
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.sort()


def test_a_retained_gradient_goes_with_the_object() -> None:
    """`retain_grad()` before a write in place keeps the gradient of what the object is afterwards, as in PyTorch."""
    x = Tensor([1.0], requires_grad=True)
    for change in (lambda a: a.__imul__(2.0), lambda a: a.__setitem__(0, a[0] * 2.0)):
        a = x.clone()
        a.retain_grad()
        change(a)
        (a * 5.0).sum().backward()
        assert a.grad is not None and a.grad.tolist() == [5.0]


# --------------------------------------------------------------- one element is a number, no view


def _one_of(x: Tensor, i: int) -> Any:
    """The number 5 of a tensor, taken in one of several ways, and whether NumPy gives a view of it."""
    m = np.reshape(x, (2, 3))
    return [
        (x[5], False),
        (x[-1], False),
        (x[np.int64(5)], False),
        (x[(5,)], False),
        (x[...][5], False),
        (x[2:][3], False),
        (m[1, 2], False),
        (m[1][2], False),
        (x[5][()], False),
        (x[Tensor(5, device=x.device)], False),
        (list(x)[5], False),
        (list(m[1])[2], False),
        (np.unstack(x)[5], False),
        (np.take(x, 5), False),
        (x[5, ...], True),
        (m[1, ..., 2], True),
        (x[5, ..., None], True),
        (x[5:], True),
    ][i]


WRITES: dict[str, Any] = {
    "x += 1": lambda x: x.__iadd__(1.0),
    "x[5] = 9": lambda x: x.__setitem__(5, 9.0),
    "x[...] = 9": lambda x: x.__setitem__(..., 9.0),
    "fill": lambda x: x.data.fill(9.0),
}


@pytest.mark.parametrize("i", range(18))
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_one_element_is_a_number_that_later_writes_do_not_change(i: int, device: str, stand_in: Any) -> None:
    for write in WRITES.values():
        x = Tensor(np.arange(6.0), device=device)
        one, is_view = _one_of(x, i)
        write(x)
        assert (one.item() != 5.0) == is_view
        x = Tensor(np.arange(6.0), device=device)
        one, is_view = _one_of(x, i)
        one += 1
        assert (x.tolist()[5] == 6.0) == is_view


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_one_element_that_was_detached_stays_as_it_was(device: str, stand_in: Any) -> None:
    x = Tensor([1.0, 2.0], device=device, requires_grad=True)
    first = x[0].detach()
    with no_grad():
        x[0] = 9.0
    assert first.item() == 1.0
    y = x * 1.0
    second = y[1]
    y[1] = 7.0
    assert (second.item(), y.tolist()) == (2.0, [9.0, 7.0])
