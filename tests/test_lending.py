"""A forward or a rule of the user's own cannot write into what it gets, whatever kind of array that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, compile, grad, jacobian, no_grad, primitive, vmap

A, B = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])


def product(**options: Any) -> Any:
    @primitive(method=False, override=True, **options)
    def lent_product(x: Any, y: Any) -> Any:
        return x * y

    return lent_product


def into_g(g: Any, y: Any) -> Any:
    g *= y
    return g


def into_what_it_reads(g: Any, y: Any) -> Any:
    np.multiply(y, g, out=y)
    return y


def into_an_element(g: Any, y: Any) -> Any:
    g[0] = g[0] * y[0]
    return np.concatenate([g[:1], g[1:] * y[1:]])


def backward(f: Any) -> None:
    given = np.ones(3)
    try:
        f(Tensor(A, requires_grad=True), Tensor(B, requires_grad=True)).backward(given)
    finally:
        np.testing.assert_array_equal(given, 1.0)


WAYS: dict[str, Callable[[Any], Any]] = {
    "backward": backward,
    "grad": lambda f: grad(lambda x, y: (f(x, y) * 2.0).sum(), (0, 1))(A, B),
    "jacobian": lambda f: jacobian(f, (0, 1))(A, B),
    "vmap": lambda f: vmap(grad(lambda x, y: (f(x, y) * 2.0).sum(), (0, 1)))(np.stack([A, B]), np.stack([B, A])),
    "compile": lambda f: compile(grad(lambda x, y: (f(x, y) * 2.0).sum(), (0, 1)))(A, B),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("rule", [into_g, into_what_it_reads, into_an_element])
def test_a_rule_that_writes_is_an_error(rule: Any, way: Callable[[Any], Any]) -> None:
    a, b = A.copy(), B.copy()
    with pytest.raises(ValueError, match=r"the rule of lent_product for x must not write .*g \* y in place"):
        way(product(x=rule, y=lambda g, x: g * x))
    np.testing.assert_array_equal([A, B], [a, b])


def test_a_joint_rule_that_writes_is_an_error() -> None:
    def joint(g: Any, needs: Any, x: Any, y: Any) -> Any:
        x *= g
        return g * y, x

    with pytest.raises(ValueError, match="the rule of lent_product must not write"):
        WAYS["grad"](product(joint=joint, inputs=("x", "y")))


def test_what_a_rule_writes_into_a_recorded_gradient_is_its_own() -> None:
    f = product(x=into_g, y=lambda g, x: g * x)

    def squares(x: Any, y: Any) -> Any:
        first = grad(lambda x, y: (f(x, y) * 2.0).sum(), (0, 1))(x, y)
        return sum((g**2).sum() for g in first)  # 4 y^2 + 4 x^2

    np.testing.assert_allclose(grad(squares, (0, 1))(A, B), [8 * A, 8 * B])


@pytest.mark.parametrize("wrapped", [lambda f: f, vmap, compile], ids=["eager", "vmap", "compile"])
def test_a_forward_that_writes_is_an_error(wrapped: Any) -> None:
    @primitive(method=False, override=True, x=lambda g: 2 * g)
    def lent_double(x: Any) -> Any:
        x *= 2
        return x

    x = np.ones((2, 3))
    with pytest.raises(ValueError, match="the forward of lent_double must not write into what it gets"):
        wrapped(lent_double)(x)
    np.testing.assert_array_equal(x, 1.0)


@pytest.mark.parametrize("writable", [True, False])
def test_a_view_that_a_forward_gives_is_writable_where_its_input_is(writable: bool) -> None:
    @primitive(method=False, override=True, x=lambda g, x_shape: g.reshape(x_shape))
    def lent_ravel(x: Any) -> Any:
        return x.reshape(-1)

    x = np.ones((2, 2))
    x.flags.writeable = writable
    out = lent_ravel(Tensor(x)).data
    assert out.flags.writeable is writable and np.shares_memory(out, x)
    tensor = Tensor(np.ones((2, 2)))
    with no_grad():
        lent_ravel(tensor)[0] = 3.0
    assert tensor.tolist() == [[3.0, 1.0], [1.0, 1.0]]
    np.testing.assert_array_equal(grad(lambda x: (lent_ravel(x) ** 2).sum())(np.ones((2, 2))), 2.0)


def test_a_constant_that_is_locked_stays_so() -> None:
    constant = np.arange(3.0)
    locked = constant.view()
    locked.flags.writeable = False

    @primitive(method=False, override=True)
    def lent_constant(x: Any) -> Any:
        return locked

    assert not lent_constant(np.ones(3)).flags.writeable


def test_a_view_of_one_input_is_writable_beside_another_that_is_locked() -> None:
    @primitive(method=False, override=True)
    def lent_first(x: Any, y: Any) -> Any:
        return x[:1]

    locked = np.ones(3)
    locked.flags.writeable = False
    assert lent_first(np.ones(3), locked).flags.writeable
    assert not lent_first(locked, np.ones(3)).flags.writeable


def test_errors_of_ones_own_stay() -> None:
    def rule(g: Any, y: Any) -> Any:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="^mine"):
        WAYS["grad"](product(x=rule, y=lambda g, x: g * x))


@pytest.mark.parametrize("wrapped", [lambda f: f, compile], ids=["eager", "compiled"])
def test_an_op_of_ones_own_computes_on_a_gpu(wrapped: Any, stand_in: Any) -> None:
    def slopes(x: Any, y: Any) -> Any:
        f = product(x=lambda g, y: g * y, y=lambda g, x: g * x)
        return grad(lambda x, y: (f(x, y) ** 2).sum(), (0, 1))(x, y)

    got = wrapped(slopes)(Tensor(A, device="cuda"), Tensor(B, device="cuda"))
    np.testing.assert_allclose([g.detach().cpu().numpy() for g in got], [2 * A * B**2, 2 * A**2 * B])
