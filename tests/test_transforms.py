"""grad and its kin: values, argnums, containers, nesting, what goes in comes out."""

from __future__ import annotations

import functools
import inspect
import math
import pydoc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad as hips_grad
from autograd.misc import optimizers as hips_optimizers
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import minigrad as mg
import nn
from minigrad import Tensor, egrad, grad, hessian, holomorphic_grad, jacobian, value_and_grad
from minigrad.arrays.batch import Batch
from minigrad.transforms import jacobians


def tanh(x):
    return (1 - np.exp(-2 * x)) / (1 + np.exp(-2 * x))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


POINT = np.array([0.3, -0.7, 1.2, 0.5])


def test_the_classic_example() -> None:
    g = grad(tanh)(1.0)
    assert g == pytest.approx(0.419974341614026, abs=1e-15)
    assert type(g) is np.float64


def test_six_nested_derivatives_of_tanh() -> None:
    x = np.linspace(-3, 3, 41)
    p = np.polynomial.Polynomial([0.0, 1.0])  # in t = tanh x, with dt/dx = 1 - t^2
    f = tanh
    for _ in range(6):
        p = p.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])
        f = egrad(f)
        expected = p(np.tanh(x))
        np.testing.assert_allclose(f(x), expected, atol=1e-9 * np.abs(expected).max())


def test_rosenbrock_against_scipy() -> None:
    v = np.array([1.0, -2.0, 0.5, 3.0])
    value, gradient = value_and_grad(rosenbrock)(POINT)
    assert value == pytest.approx(rosen(POINT))
    np.testing.assert_allclose(gradient, rosen_der(POINT))
    np.testing.assert_allclose(hessian(rosenbrock)(POINT), rosen_hess(POINT))
    expected = rosen_hess_prod(POINT, v)
    np.testing.assert_allclose(mg.hvp(rosenbrock)(POINT, v), expected)
    np.testing.assert_allclose(mg.hessian_tensor_product(rosenbrock)(POINT, v), expected)
    np.testing.assert_allclose(mg.make_hvp(rosenbrock)(POINT)(v), expected)


def test_agrees_with_hips_autograd() -> None:
    def program(np, x, w):
        h = np.tanh(np.dot(w, x))
        return np.sum(np.where(h > 0, h, 0.1 * h) ** 2) + np.log(np.sum(np.exp(h)))

    w = np.random.default_rng(0).normal(size=(3, 4))
    expected = hips_grad(lambda x: program(anp, x, w))(POINT)
    np.testing.assert_allclose(grad(lambda x: program(np, x, w))(POINT), expected)


def test_argnums_and_keywords() -> None:
    def f(x, y, *, scale=1.0):
        return scale * x**2 * y

    assert grad(f, argnums=1)(3.0, 2.0, scale=10.0) == 90.0
    assert grad(f, argnums=(1, 0))(3.0, 2.0) == (9.0, 12.0)
    assert grad(f, argnums=-1)(3.0, 2.0) == 9.0
    with pytest.raises(TypeError, match="2 positional arguments"):
        grad(f, argnums=2)(3.0, 2.0)


def test_containers_come_back_as_they_went_in() -> None:
    parameters = {"layers": [(np.ones((2, 3)), np.zeros(2)), {"w": np.array(2.0)}], "b": 1.5}

    def f(p):
        w, b = p["layers"][0]
        return np.sum(np.tanh(w @ np.arange(3.0) + b)) * p["layers"][1]["w"] ** 2 + p["b"] ** 3

    g = grad(f)(parameters)
    assert list(g) == ["layers", "b"]
    assert isinstance(g["layers"][0], tuple)
    assert g["layers"][0][0].shape == (2, 3)
    assert g["b"] == pytest.approx(3 * 1.5**2)
    assert g["layers"][1]["w"] == pytest.approx(2 * 2.0 * 2 * np.tanh(3.0))


def test_what_you_pass_is_what_you_get_back() -> None:
    assert type(grad(np.sin)(1.0)) is np.float64
    assert type(grad(np.sin)(np.float32(1.0))) is np.float32
    assert type(grad(np.sum)(np.ones(2, np.float32))) is np.ndarray
    assert grad(np.sum)(np.ones(2, np.float32)).dtype == np.float32
    out = grad(np.sum)(Tensor([1.0, 2.0]))
    assert type(out) is Tensor
    with pytest.raises(TypeError, match=r"write 3\.0 instead of 3"):
        grad(np.sin)(3)
    with pytest.raises(TypeError, match="elementwise_grad"):
        grad(np.sin)(np.ones(3))
    with pytest.raises(TypeError, match="real result"):
        grad(lambda x: x * 1j)(1.0)


def test_a_gradient_of_a_tensor_goes_on_to_what_the_function_closes_over() -> None:
    w = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    slope = grad(lambda r: mg.sin(w @ r))  # w cos(w . r), at 0: w
    assert isinstance(slope(np.zeros(2)), np.ndarray)
    (slope(Tensor(np.zeros(2))) ** 2).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_a_result_that_does_not_depend_on_the_argument_has_gradient_zero() -> None:
    assert grad(lambda x: 3.0)(1.0) == 0.0
    assert grad(lambda x: np.floor(x))(1.5) == 0.0
    np.testing.assert_array_equal(grad(lambda x, y: np.sum(y), argnums=0)(np.ones(2), np.ones(3)), np.zeros(2))
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0


def test_transforms_nest_without_confusing_their_variables() -> None:
    # Perturbation confusion (Siskind and Pearlmutter): the inner derivative is 1, not 2.
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y**2)(3.0))(2.0) == 6.0
    assert grad(lambda x: jacobian(lambda y: x * y**3)(2.0))(5.0) == 12.0
    np.testing.assert_allclose(jacobian(grad(rosenbrock))(POINT), rosen_hess(POINT))
    np.testing.assert_allclose(jacobian(jacobian(jacobian(lambda x: np.sum(x**3))))(np.array([1.0, 2.0])).sum(), 12)


def test_transforms_mix_with_backward() -> None:
    w = Tensor([1.0, 2.0], dtype="float64", requires_grad=True)
    x = Tensor([0.5, -1.0], dtype="float64")
    penalty = (grad(lambda x: np.sum(np.sin(w * x)))(x) ** 2).sum()  # a gradient penalty
    penalty.backward()
    wd, xd = w.detach().numpy(), x.numpy()
    expected = 2 * wd * np.cos(wd * xd) * (np.cos(wd * xd) - wd * xd * np.sin(wd * xd))
    np.testing.assert_allclose(w.grad.numpy(), expected)
    assert x.grad is None


def test_jacobian_shapes() -> None:
    a = np.random.default_rng(0).normal(size=(3, 2))
    np.testing.assert_allclose(jacobian(lambda x: a @ x)(np.ones(2)), a)
    assert jacobian(lambda x: np.outer(x, x))(np.ones(2)).shape == (2, 2, 2)
    left, right = jacobian(lambda x, y: x * y, argnums=(0, 1))(np.array([1.0, 2.0]), 3.0)
    np.testing.assert_array_equal(left, 3 * np.eye(2))
    np.testing.assert_array_equal(right, [1.0, 2.0])
    assert jacobian(lambda x: x[:0])(np.ones(2)).shape == (0, 2)


def test_vjp_and_jvp_agree_with_the_jacobian() -> None:
    def f(x, y):
        return np.tanh(x) * y, np.sum(x * y)

    x, y = np.array([0.1, 0.2]), np.array([3.0, 4.0])
    value, pull = mg.vjp(f, x, y)
    np.testing.assert_allclose(value[0], np.tanh(x) * y)
    gx, gy = pull((np.array([1.0, 10.0]), np.array(100.0)))
    np.testing.assert_allclose(gx, np.array([1, 10]) * y * (1 - np.tanh(x) ** 2) + 100 * y)
    np.testing.assert_allclose(gy, np.array([1, 10]) * np.tanh(x) + 100 * x)
    (first, second), (d_first, d_second) = mg.jvp(f, (x, y), (np.array([1.0, 0.0]), np.array([0.0, 2.0])))
    np.testing.assert_allclose(d_first, [y[0] * (1 - np.tanh(0.1) ** 2), 2 * np.tanh(0.2)])
    assert d_second == pytest.approx(y[0] + 2 * x[1])
    assert second == pytest.approx(np.sum(x * y))
    assert mg.make_jvp(f, 0)(x, y)(np.ones(2))[1][1] == pytest.approx(7.0)
    pull, value = mg.make_vjp(np.exp)(0.5)
    assert pull(2.0) == pytest.approx(2 * np.exp(0.5))


def test_jvp_of_what_does_not_depend_on_the_argument_is_zero() -> None:
    assert mg.jvp(np.floor, (1.5,), (1.0,)) == (1.0, 0.0)
    value, tangent = mg.jvp(lambda x, y: (np.sin(x), y * 2), (0.0, 1.0), (1.0, 0.0))
    assert (tangent[0], tangent[1]) == (1.0, 0.0)


def test_tensor_jacobian_product_and_gauss_newton() -> None:
    a = np.random.default_rng(0).normal(size=(3, 2))
    x, v = np.array([0.3, 0.4]), np.array([1.0, -1.0])

    def f(x):
        return np.tanh(a @ x)

    j = jacobian(f)(x)
    np.testing.assert_allclose(mg.tensor_jacobian_product(f)(x, np.arange(3.0)), np.arange(3.0) @ j)
    np.testing.assert_allclose(mg.ggnvp(f)(x, v), j.T @ j @ v)
    np.testing.assert_allclose(mg.make_ggnvp(f)(x)(v), j.T @ j @ v)

    def loss(y):
        return np.sum(np.exp(y))

    np.testing.assert_allclose(mg.ggnvp(f, loss)(x, v), j.T @ np.diag(np.exp(f(x))) @ j @ v)


def test_grad_and_aux() -> None:
    g, aux = mg.grad_and_aux(lambda x: (x**2, {"twice": 2 * x, "note": "kept"}))(3.0)
    assert (g, aux) == (6.0, {"twice": 6.0, "note": "kept"})


def test_autograd_grad() -> None:
    x, y, unused = (Tensor(v, requires_grad=True) for v in (2.0, 3.0, 4.0))
    gx, gy = mg.autograd.grad(x * y, [x, y])
    assert (gx.item(), gy.item()) == (3.0, 2.0)
    assert x.grad is None
    z = x * y
    assert mg.autograd.grad([z, z * 2], x, [Tensor(1.0), Tensor(10.0)])[0].item() == 63.0
    assert mg.autograd.grad(x * 1, [x, unused], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match=r"inputs\[1\].*allow_unused"):
        mg.autograd.grad(x * 1, [x, unused])
    with pytest.raises(RuntimeError, match=r"inputs\[0\].*does not require"):
        mg.autograd.grad(x * 1, Tensor(1.0))
    middle = x * y
    assert mg.autograd.grad(middle * middle, middle)[0].item() == 12.0


def test_checkpoint_gives_the_same_gradients_with_less_saved() -> None:
    w = Tensor(np.random.default_rng(0).normal(size=(4, 4)), requires_grad=True)
    x = Tensor(np.linspace(-1, 1, 8).reshape(2, 4), requires_grad=True)

    def block(x, scale=1.0):
        noise = mg.random.randn(*x.shape, dtype="float64")  # drawn the same way again in the backward pass
        return np.tanh(x @ w) * scale + noise * x, x.sum()

    def run(f):
        mg.random.manual_seed(0)
        y, s = f(x, scale=2.0)
        after = mg.random.rand(1).item()
        grads = mg.autograd.grad((y * y).sum() * s, [x, w], create_graph=True)
        second = mg.autograd.grad((grads[0] ** 2).sum() + grads[1].sum(), [x, w])
        return [after, *(g.detach().numpy() for g in (*grads, *second))]

    for plain, checked in zip(run(block), run(mg.checkpoint(block)), strict=True):
        np.testing.assert_allclose(plain, checked, rtol=1e-12)
    # Parameters get their gradients even where no argument needs one.
    mg.checkpoint(lambda x: (x @ w).sum())(x.detach()).backward()
    np.testing.assert_allclose(w.grad.numpy(), np.broadcast_to(x.detach().numpy().sum(0)[:, None], (4, 4)))


def _write(t: Tensor) -> None:
    with mg.no_grad():
        t += 5.0


def _rebind(t: Tensor) -> None:
    t.data = t.data + 5.0


@pytest.mark.parametrize("change", [_write, _rebind])
@pytest.mark.parametrize("which", ["an argument", "a closed-over leaf", "an input"])
def test_checkpoint_refuses_what_changed_before_the_backward_pass(change: Callable[[Tensor], None], which: str) -> None:
    x, w = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    c = Tensor(np.ones(2))
    y = mg.checkpoint(lambda x, c: ((x + c + w) ** 2).sum())(x, c)
    change({"an argument": c, "a closed-over leaf": w, "an input": x}[which])
    if which == "an input" and change is _rebind:  # the array that was passed is what counts
        y.backward()
        assert x.grad.tolist() == [6.0, 6.0]
        return
    with pytest.raises(RuntimeError, match=r"checkpoint: a.* of shape \(2,\).*(changed|backward)"):
        y.backward()


def test_checkpoint_refuses_a_closed_over_result_that_was_updated() -> None:
    x, w = (Tensor(np.ones(2), requires_grad=True) for _ in range(2))
    middle = w * 2.0
    y = mg.checkpoint(lambda x: (x * middle).sum())(x)
    middle += 1.0
    with pytest.raises(RuntimeError, match="beside its arguments was computed again"):
        y.backward()


def test_what_a_checkpointed_function_closes_over_may_be_computed_of_one_another() -> None:
    found = []
    for wrap in (lambda f: f, mg.checkpoint):
        w = Tensor([1.0, 2.0], requires_grad=True)
        squares = w * w
        wrap(lambda x, w=w, squares=squares: w * x + squares * x)(Tensor([3.0, 4.0])).sum().backward()
        found.append(w.grad.tolist())
    assert found[1] == found[0] == [9.0, 20.0]  # x (1 + 2 w)


def test_checkpoint_in_a_training_loop_with_steps_between() -> None:
    x, w = Tensor(np.ones(2)), Tensor(np.ones(2), requires_grad=True)
    optimizer = nn.optim.SGD([w], lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        mg.checkpoint(lambda x: ((x * w) ** 2).sum())(x).backward()
        optimizer.step()
    np.testing.assert_allclose(w.detach().numpy(), 0.64)
    loss = mg.checkpoint(lambda x: ((x * w) ** 2).sum())(x)
    optimizer.step()
    with pytest.raises(RuntimeError, match="checkpoint: .* changed in place"):
        loss.backward()


def test_gradcheck_says_what_is_wrong() -> None:
    @mg.primitive(x=lambda g, x: g * np.cos(x) * np.where(x > 1, 2.0, 1.0), method=False)
    def wrong_sine(x):
        return np.sin(x)

    assert mg.gradcheck(wrong_sine, np.array([0.5, 0.7]))
    with pytest.raises(
        mg.GradcheckError, match=r"input 0, entry \(1,\): the derivative of output 0, entry \(1,\) is -0.83"
    ) as raised:
        mg.gradcheck(wrong_sine, np.array([0.5, 2.0]))
    assert "-0.416" in str(raised.value)
    assert not mg.gradcheck(wrong_sine, np.array([2.0]), raise_exception=False)

    @mg.primitive(x=lambda g, x: g * Tensor(2 * x.data if isinstance(x, Tensor) else 2 * x).data, method=False)
    def loses_the_second_order(x):
        return x**2

    assert mg.gradcheck(loses_the_second_order, 3.0)
    with pytest.raises(mg.GradcheckError):
        mg.gradgradcheck(loses_the_second_order, 3.0)


@pytest.mark.parametrize("composite", [lambda x: x**3 * 1.1, lambda x: x**3 + 5.0 * x, lambda x: x.detach() ** 3])
def test_gradgradcheck_finds_a_composite_that_is_not_what_the_rule_differentiates(composite: Any) -> None:
    """Of the second the derivative differs by a constant, so that its own differences are right."""
    cube = mg.primitive(x=lambda g, x: g * 3 * x**2, composite=composite, method=False, name=f"cube_{id(composite)}")(
        lambda x: x**3
    )
    assert mg.gradcheck(cube, X)
    with pytest.raises(mg.GradcheckError):
        mg.gradgradcheck(cube, X)
    assert not mg.gradgradcheck(cube, X, raise_exception=False)
    right = mg.primitive(x=lambda g, x: g * 3 * x**2, composite=lambda x: x * x * x, method=False, name=f"right_{id(composite)}")(
        lambda x: x**3
    )
    assert mg.gradgradcheck(right, X)
    assert mg.gradgradcheck(right, X, order=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.gradcheck(lambda x: x.detach().numpy(), X), "the result is ndarray.*not float"),
        (lambda: mg.gradcheck(lambda x: {"a": x.sum(), "b": 1.0}, X), r"the result\['b'\] is float.*Tensor\(c\)"),
        (lambda: mg.gradgradcheck(lambda x: None, X), "the result is NoneType"),
        (lambda: mg.gradcheck(np.sum(X), X), r"needs a function, got float64: write gradcheck\(f, x\)"),
        (lambda: mg.check_grads(np.tanh, X), r"write check_grads\(f\)\(x\)"),
        (lambda: mg.check_grads(X), r"needs a function, got ndarray: write check_grads\(f\)\(x\)"),
    ],
)
def test_checks_that_are_called_wrongly_say_how(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_a_check_of_nothing_is_an_error() -> None:
    for check in (mg.gradcheck, mg.gradgradcheck, lambda f, *x: mg.check_grads(f)(*x)):
        with pytest.raises(ValueError, match="no input to differentiate.*got int64.*3.0 instead of 3"):
            check(np.tanh, 3)
        with pytest.raises(ValueError, match="got none"):
            check(np.tanh)
    with pytest.raises(ValueError, match="order must be 2 or higher, got 1"):
        mg.gradgradcheck(np.tanh, X, order=1)


def test_what_is_checked_may_return_trees() -> None:
    f = lambda x: {"a": np.tanh(x), "b": [x.sum(), Tensor(1.0)]}
    assert mg.gradcheck(f, X)
    assert mg.gradgradcheck(f, X)
    mg.check_grads(f, "rev", 2)(X)


def test_a_rule_that_reads_an_unknown_name_is_an_error_at_definition() -> None:
    with pytest.raises(TypeError, match=r"a rule reads 'z'; it can read out, x, x_shape"):

        @mg.primitive(x=lambda g, z: g)
        def f(x):
            return x

    with pytest.raises(ValueError, match="Tensor has an attribute 'grad' already"):

        @mg.primitive(x=lambda g: g, name="grad")
        def clashing(x):
            return x

    with pytest.raises(TypeError, match=r"rules for \['y'\]"):

        @mg.primitive(y=lambda g: g)
        def h(x):
            return x


def test_a_custom_op_with_two_outputs_and_options() -> None:
    @mg.primitive(x=lambda g, x, power: g[0] * np.cos(x) + g[1] * power * x ** (power - 1), method=False)
    def sine_and_power(x, power=2):
        return np.sin(x), x**power

    assert mg.gradgradcheck(sine_and_power, np.array([0.3, 0.9]))
    assert grad(lambda x: sine_and_power(x, power=3)[1])(2.0) == 12.0
    assert sine_and_power(0.0, power=1) == (0.0, 0.0)


def test_a_fused_op_is_differentiated_through_its_composite() -> None:
    calls = []

    def kernel(g, needs, x, y):
        calls.append(needs)
        return [g * y * np.exp(x * y), g * x * np.exp(x * y)]

    @mg.primitive(method=False, joint=kernel, inputs=("x", "y"), composite=lambda x, y: np.exp(x * y))
    def exp_product(x, y):
        return np.exp(x * y)

    x, y = np.array([0.2, 0.4]), np.array([0.5, 0.7])
    assert mg.gradcheck(exp_product, x, y)
    assert calls
    calls.clear()
    assert mg.gradgradcheck(exp_product, x, y)
    assert mg.gradgradcheck(exp_product, x, y, order=3)


def test_jacobian_goes_the_cheaper_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows for few outputs, columns for many; both are right."""
    taken = []
    for way in ("_rows", "_columns"):
        own = getattr(jacobians, way)
        monkeypatch.setattr(jacobians, way, lambda call, out, own=own, way=way: taken.append(way) or own(call, out))
    a = np.random.default_rng(0).normal(size=(300, 20))
    for matrix in (a, a.T, a[:20, :2]):  # tall, wide, and tall but small
        found = jacobian(lambda x, m=matrix: np.sin(m @ x))(np.ones(matrix.shape[1]))
        np.testing.assert_allclose(found, np.cos(matrix.sum(1))[:, None] * matrix, rtol=1e-9)
    assert taken == ["_columns", "_rows", "_rows"]


def test_jacobian_beside_hooks() -> None:
    """A hook sees one gradient at a time, so that the rows are computed one after the other."""

    def f(x: Any) -> Any:
        y = x * 2.0
        y.register_hook(lambda g: g * 10.0)
        return y * x

    np.testing.assert_allclose(jacobian(f)(np.array([1.0, 2.0])), np.diag([22.0, 44.0]))


def test_holomorphic_grad() -> None:
    z = 0.3 + 0.8j
    for f, derivative in ((np.exp, np.exp(z)), (lambda z: 1 / z, -1 / z**2), (np.tanh, 1 - np.tanh(z) ** 2)):
        np.testing.assert_allclose(holomorphic_grad(f)(z), derivative)
    second = holomorphic_grad(holomorphic_grad(lambda z: z**3))
    np.testing.assert_allclose(second(z), 6 * z)
    with pytest.raises(TypeError, match="complex arguments"):
        holomorphic_grad(np.exp)(1.0)
    with pytest.raises(TypeError, match="one number"):
        holomorphic_grad(np.exp)(np.ones(2) * 1j)


# ------------------------------------------------------------- pull-backs and push-forwards

X, V = np.array([1.0, 2.0]), np.array([0.5, -1.5])

PUSH = mg.make_jvp(lambda x: x**3)(X)

#: Linear maps of v, made outside of what differentiates them, and the diagonals of their matrices.
LINEAR: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "vjp": (mg.vjp(lambda x: x**3, X)[1], 3 * X**2),
    "make_vjp": (mg.make_vjp(lambda x: x**3)(X)[0], 3 * X**2),
    "jvp": (lambda v: mg.jvp(lambda x: x**3, (X,), (v,))[1], 3 * X**2),
    "make_jvp": (lambda v: PUSH(v)[1], 3 * X**2),
    "hvp": (lambda v: mg.hvp(lambda x: np.sum(x**3))(X, v), 6 * X),
    "make_hvp": (mg.make_hvp(lambda x: np.sum(x**3))(X), 6 * X),
    "tensor_jacobian_product": (
        lambda v: mg.tensor_jacobian_product(lambda x: x**3)(X, v),
        3 * X**2,
    ),
    "ggnvp": (lambda v: mg.ggnvp(lambda x: x**3)(X, v), 9 * X**4),
    "make_ggnvp": (mg.make_ggnvp(lambda x: x**3)(X), 9 * X**4),
}


@pytest.mark.parametrize(("product", "d"), LINEAR.values(), ids=LINEAR)
def test_products_are_differentiable_in_their_vector(product: Any, d: Any) -> None:
    np.testing.assert_allclose(product(V), d * V)
    square = lambda v: np.sum(product(v) ** 2)
    np.testing.assert_allclose(grad(square)(V), 2 * d**2 * V)
    np.testing.assert_allclose(jacobian(product)(V), np.diag(d))
    np.testing.assert_allclose(hessian(square)(V), np.diag(2 * d**2))
    np.testing.assert_allclose(grad(lambda v: np.sum(grad(square)(v) ** 2))(V), 8 * d**4 * V)
    np.testing.assert_allclose(mg.jvp(product, (V,), (X,))[1], d * X)
    np.testing.assert_allclose(mg.hvp(square)(V, X), 2 * d**2 * X)


@pytest.mark.parametrize(("product", "d"), LINEAR.values(), ids=LINEAR)
def test_products_reach_a_tensor_that_is_their_vector(product: Any, d: Any) -> None:
    v = Tensor(V, requires_grad=True)
    (product(v) ** 2).sum().backward()
    np.testing.assert_allclose(v.grad.numpy(), 2 * d**2 * V)
    assert type(product(V)) is np.ndarray
    with mg.no_grad():
        assert type(product(v)) is np.ndarray


def test_a_pull_back_is_differentiable_in_the_point_and_the_cotangent() -> None:
    f = lambda x, v: np.sum(mg.vjp(np.sin, x)[1](v) ** 2)
    gx, gv = grad(f, argnums=(0, 1))(X, V)
    np.testing.assert_allclose(gx, -2 * V**2 * np.cos(X) * np.sin(X))
    np.testing.assert_allclose(gv, 2 * V * np.cos(X) ** 2)


def test_a_pull_back_may_be_called_again_and_again() -> None:
    pull, _ = mg.make_vjp(lambda x: np.tanh(x) * x)(X)
    plain = pull(V)
    grad(lambda v: np.sum(pull(v)))(V)
    np.testing.assert_array_equal(pull(V), plain)
    np.testing.assert_allclose(pull(2 * V), 2 * plain)


def test_pull_backs_of_trees_are_differentiable_in_their_cotangents() -> None:
    f = lambda p: {"u": p["a"] * p["b"], "v": p["a"] ** 2}
    pull, value = mg.make_vjp(f)({"b": 3.0, "a": 2.0})
    assert value == {"u": 6.0, "v": 4.0}
    h = lambda w: pull(w)["a"] ** 2 + pull(w)["b"]
    g = grad(h)({"v": 1.0, "u": 10.0})  # a: 3 u + 4 v = 34, b: 2 u
    assert g == {"v": 2 * 34.0 * 4, "u": 2 * 34.0 * 3 + 2}


def test_transforms_of_empty_trees_are_empty() -> None:
    assert grad(lambda p: 3.0)({}) == {}
    value, pull = mg.vjp(lambda x: {}, 1.0)
    assert (value, pull({})) == ({}, 0.0)
    assert mg.jvp(lambda p: 2.0, ({},), ({},)) == (2.0, 0.0)
    with pytest.raises(TypeError, match="forgets must return an array"):

        def forgets(x: Any) -> None:
            x + 1

        mg.vjp(forgets, 1.0)


# ------------------------------------------------------------------------ coming from autograd


def test_argnum_is_argnums() -> None:
    f = lambda x, y: x**2 * y**3
    for transform in (grad, egrad, jacobian, hessian, mg.deriv):
        assert transform(f, argnum=1)(2.0, 3.0) == transform(f, 1)(2.0, 3.0)
    assert hessian(f, argnum=1)(2.0, 3.0) == 72.0
    assert value_and_grad(f, argnum=1)(2.0, 3.0) == (108.0, 108.0)
    assert mg.grad_and_aux(lambda x, y: (f(x, y), 0), argnum=1)(2.0, 3.0) == (108.0, 0)
    assert holomorphic_grad(f, argnum=1)(2.0, 3.0 + 0j) == 108.0
    assert mg.vjp(f, 2.0, 3.0, argnum=1)[1](1.0) == 108.0
    assert mg.make_vjp(f, argnum=1)(2.0, 3.0)[0](1.0) == 108.0
    assert mg.make_jvp(f, argnum=1)(2.0, 3.0)(1.0) == (108.0, 108.0)
    for product in (mg.hvp, mg.hessian_tensor_product, mg.hessian_vector_product):
        assert product(f, argnum=1)(2.0, 3.0, 1.0) == 72.0
    assert mg.make_hvp(f, argnum=1)(2.0, 3.0)(1.0) == 72.0
    assert mg.tensor_jacobian_product(f, argnum=1)(2.0, 3.0, 1.0) == 108.0
    assert mg.ggnvp(f, argnum=1)(2.0, 3.0, 1.0) == 108.0**2
    assert mg.make_ggnvp(f, argnum=1)(2.0, 3.0)(1.0) == 108.0**2
    assert grad(f, argnum=(1, 0))(2.0, 3.0) == (108.0, 108.0)
    with pytest.raises(TypeError, match="pass one of them"):
        grad(f, 1, argnum=0)


def test_products_with_several_arguments_and_keywords() -> None:
    f = lambda x, y, scale=1.0: scale * x**2 * y
    assert mg.hvp(f, (0, 1))(2.0, 3.0, (1.0, 10.0), scale=10.0) == (460.0, 40.0)
    assert mg.make_jvp(f, (0, 1))(2.0, 3.0, scale=10.0)((1.0, 10.0)) == (120.0, 520.0)
    assert mg.tensor_jacobian_product(f)(2.0, 3.0, 1.0, scale=10.0) == 120.0
    assert mg.make_vjp(f)(2.0, 3.0, scale=10.0)[0](1.0) == 120.0


def test_deriv_is_the_derivative_of_a_curve() -> None:
    curve = lambda t: np.array([1.0, 2.0]) * t**2
    np.testing.assert_allclose(mg.deriv(curve)(3.0), [6.0, 12.0])
    np.testing.assert_allclose(mg.deriv(mg.deriv(curve))(3.0), [2.0, 4.0])
    np.testing.assert_allclose(mg.deriv(np.tanh)(X), egrad(np.tanh)(X))


def test_check_grads_passes_what_is_right() -> None:
    def f(p: Any, n: int, scale: float = 1.0) -> Any:
        return {"y": np.tanh(p["w"][:n]) * scale, "z": np.sum(p["w"]) ** 2, "constant": 3.0}

    mg.check_grads(f, order=3)({"w": X}, 1, scale=2.0)
    mg.check_grads(np.abs)(np.array([1 + 2j, 0.5 - 1j]))


@pytest.mark.parametrize("mode", ["fwd", "rev"])
@pytest.mark.parametrize("order", [1, 2])
def test_check_grads_finds_what_is_wrong(mode: str, order: int) -> None:
    """A gradient, or only a second derivative, that misses a factor."""

    @mg.primitive(x=lambda g, x: g * 3 * raw_at_first(x) ** 2, method=False, name=f"cube_{mode}_{order}")
    def cube(x):
        return x**3

    def raw_at_first(x: Any) -> Any:
        return 2 * x if order == 1 else (x.detach() if isinstance(x, Tensor) else x)

    with pytest.raises(mg.GradcheckError, match="by minigrad"):
        mg.check_grads(cube, modes=(mode,), order=order)(X)
    if order == 2:
        mg.check_grads(cube, modes=(mode,), order=1)(X)
    with pytest.raises(ValueError, match=r"unknown modes \['backwards'\]"):
        mg.check_grads(cube, modes=("backwards",))


TARGET = {"w": np.array([[1.0, -2.0]]), "b": np.array(0.5)}


def slope(p: Any, i: int) -> Any:
    """The gradient of a bowl that tilts with the steps; its keys come in another order."""
    return {"b": 2 * (p["b"] - TARGET["b"]) + 0.01 * i, "w": 4 * (p["w"] - TARGET["w"])}


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_optimizers_take_the_steps_of_hips_autograd(name: str) -> None:
    start = {"w": np.zeros((1, 2)), "b": np.array(3.0)}
    seen: list[Any] = []
    ours = getattr(mg.misc, name)(slope, start, lambda x, i, g: seen.append((i, x["w"], g["b"])), 25, 0.05)
    theirs = getattr(hips_optimizers, name)(slope, start, None, 25, 0.05)
    for key in TARGET:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-12)
    assert [i for i, _, _ in seen] == list(range(25))
    np.testing.assert_array_equal(seen[0][1], start["w"])
    assert seen[0][2] == pytest.approx(5.0)
    np.testing.assert_array_equal(start["w"], np.zeros((1, 2)))


def test_adam_takes_the_steps_of_nn_optim() -> None:
    w = Tensor(np.array([0.0, 5.0]), requires_grad=True)
    optimizer = nn.optim.Adam([w], lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        ((w - Tensor(X)) ** 2).sum().backward()
        optimizer.step()
    ours = mg.misc.adam(lambda x, i: 2 * (x - X), np.array([0.0, 5.0]), num_iters=20, step_size=0.05)
    np.testing.assert_allclose(ours, w.detach().numpy(), rtol=1e-6)


def test_an_optimizer_can_be_differentiated() -> None:
    """x_1 = x - s g (1 - mass) / 1 for momentum; the derivative of a whole run by its step size."""
    run = lambda s: np.sum(mg.misc.sgd(lambda x, i: 2 * x, X, num_iters=5, step_size=s) ** 2)
    step = 1e-6
    assert grad(run)(0.1) == pytest.approx((run(0.1 + step) - run(0.1 - step)) / (2 * step), rel=1e-6)


def test_an_optimizer_refuses_a_gradient_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"the gradient\['w'\] has shape \(2,\), expected \(2, 1\)"):
        mg.misc.adam(lambda p, i: {"w": np.ones(2)}, {"w": np.ones((2, 1))})


# ----------------------------------------------------------------------- names and signatures


def documented(x: Any, y: float = 2.0, *, scale: float = 1.0) -> Any:
    """Twice x, roughly."""
    return np.sum(x * y) * scale


WRAPPERS = (
    grad,
    value_and_grad,
    mg.grad_and_aux,
    egrad,
    holomorphic_grad,
    jacobian,
    hessian,
    mg.deriv,
)


@pytest.mark.parametrize("transform", WRAPPERS)
def test_a_transformed_function_has_the_signature_and_help_of_the_function(transform: Any) -> None:
    made = transform(documented)
    assert inspect.signature(made) == inspect.signature(documented)
    assert inspect.unwrap(made) is documented
    assert made.__name__.endswith("_of_documented")
    text = pydoc.render_doc(made, renderer=pydoc.plaintext)
    assert "Twice x, roughly." in text
    assert "of documented" in text
    shown = "".join(text.split())  # Python 3.13 breaks long ones into lines
    assert "".join(str(inspect.signature(documented)).split()) in shown.replace(",)", ")")


def test_products_add_their_vector_to_the_signature() -> None:
    for made in (mg.hvp(documented), mg.ggnvp(documented), mg.tensor_jacobian_product(documented)):
        assert list(inspect.signature(made).parameters) == ["x", "y", "v", "scale"]
        assert "Twice x, roughly." in pydoc.render_doc(made, renderer=pydoc.plaintext)


def test_functions_without_a_name_or_documentation_are_taken() -> None:
    halved = functools.partial(documented, y=0.5)
    assert grad(halved)(3.0) == 0.5
    assert grad(halved).__name__ == "grad_of_documented"
    assert grad(lambda x: x)(1.0) == 1.0
    layer = nn.Linear(2, 1).double()
    np.testing.assert_allclose(grad(lambda x: layer(x).sum())(X), layer.weight.detach().numpy()[0])
    np.testing.assert_allclose(jacobian(layer)(X), layer.weight.detach().numpy())


def test_errors_name_the_function() -> None:
    def returns_text(x: Any) -> str:
        return "text"

    for transform in (grad, egrad, jacobian, value_and_grad, mg.hvp):
        arguments = (1.0, 1.0) if transform is mg.hvp else (1.0,)
        with pytest.raises(
            TypeError,
            match="returns_text must return an array, a number or a Tensor, it returned str",
        ):
            transform(returns_text)(*arguments)
    with pytest.raises(TypeError, match="documented was called with 0 positional arguments; what is diff"):
        grad(documented)(x=1.0)
    with pytest.raises(TypeError, match="sin must return a pair"):
        mg.grad_and_aux(np.sin)(1.0)
    with pytest.raises(TypeError, match="jvp of sin got 1 primals but 2 tangents"):
        mg.jvp(np.sin, (1.0,), (1.0, 2.0))


# ------------------------------------------------------------------------ results of one's own


def _pull(v: Any) -> Any:
    return mg.vjp(lambda a, b: a + b, np.ones(2), np.ones(2))[1](v)


def _pull_one(v: Any) -> Any:
    return mg.vjp(lambda a: a, np.ones(2))[1](v)


def _push(v: Any) -> Any:
    return mg.jvp(lambda a: (a + 1.0, a), (np.ones(2),), (v,))[1]


def _between(v: Any) -> Any:
    x, y = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(2), requires_grad=True)
    return [g._array for g in mg.autograd.grad(x + y, [x, y, x], Tensor(v))]


def _of_a_tree(v: Any) -> Any:
    return grad(lambda p: np.sum((p["a"] + p["b"]) * v))({"a": np.ones(2), "b": np.ones(2)})


def _of_a_sum(v: Any) -> Any:
    return value_and_grad(np.sum)(v)[1]


def _matrices(v: Any) -> Any:
    return jacobian(lambda a, b: a + b, (0, 1))(v, v)


@pytest.mark.parametrize("make", [_pull, _pull_one, _push, _between, _of_a_tree, _of_a_sum, _matrices])
def test_results_are_arrays_of_their_own(make: Callable[[Any], Any]) -> None:
    v = np.ones(2)
    results = mg.trees.flatten(make(v))
    before = [np.copy(g) for g in results]
    for i, g in enumerate(results):
        g += 100
        for other, value in zip(results[i + 1 :], before[i + 1 :], strict=True):
            np.testing.assert_array_equal(other, value)
    np.testing.assert_array_equal(v, 1.0)


def test_gradients_of_tensors_are_objects_of_their_own() -> None:
    p = {"a": Tensor(np.ones(2)), "b": Tensor(np.ones(2))}
    g = grad(lambda p: ((p["a"] + p["b"]) ** 2).sum())(p)
    g["a"] *= 0.5
    assert g["b"].tolist() == [4.0, 4.0]
    x, y = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(2), requires_grad=True)
    ((x + y) ** 2).sum().backward(create_graph=True)
    x.grad *= 0.5
    assert y.grad.tolist() == [4.0, 4.0]


def test_a_hook_and_retained_gradients_write_into_nothing_else() -> None:
    x, y = Tensor(np.ones(2), requires_grad=True), Tensor(np.ones(2), requires_grad=True)
    a, b = x * 1.0, y * 1.0
    a.retain_grad()
    b.retain_grad()

    def halve(g: Tensor) -> None:
        g *= 0.5

    x.register_hook(halve)
    ((a + b) ** 2).sum().backward()
    a.grad *= 0.5
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0, 2.0], [4.0, 4.0])
    assert (a.grad.tolist(), b.grad.tolist()) == ([2.0, 2.0], [4.0, 4.0])


def test_writing_into_a_value_does_not_change_its_pull_back() -> None:
    value, pull = mg.vjp(np.exp, np.ones(2))
    value[:] = 0.0
    np.testing.assert_allclose(pull(np.ones(2)), np.exp(np.ones(2)))


def test_a_fresh_gradient_is_handed_over_without_a_copy() -> None:
    addresses = []

    def rule(g: Any) -> Any:
        made = 2.0 * g
        addresses.append(made.__array_interface__["data"])
        return np.reshape(made, (10, 100))

    @mg.primitive(x=rule, method=False)
    def doubled_and_flat(x: Any) -> Any:
        return np.reshape(2.0 * x, -1)

    g = grad(lambda x: mg.sum(doubled_and_flat(x)))(np.ones((10, 100)))
    assert g.__array_interface__["data"] == addresses[0]


def test_gradients_of_batches_and_of_rows_are_handed_over_without_a_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied = []
    for kind in (Batch, mg.arrays.RowSparse):
        monkeypatch.setattr(kind, "copy", lambda self: copied.append(self))
    mg.vmap(grad(lambda x: mg.sum(x**2)))(np.ones((2, 3)))
    table = nn.Embedding(5, 2, sparse=True)
    (g,) = mg.autograd.grad((table(np.array([0, 1])) ** 2).sum(), table.weight)
    assert isinstance(g._array, mg.arrays.RowSparse)
    assert not copied


def test_a_tensor_is_replaced_by_one_value_and_nests() -> None:
    w, v = Tensor([1.0]), Tensor([2.0])
    with pytest.raises(ValueError, match="tensors 0 and 2 are one and the same"), mg.replaced([w, v, w], [[3.0], [4.0], [5.0]]):
        pass
    with mg.replaced([w, v], [[3.0], [4.0]]):
        with mg.replaced([w], [[5.0]]):
            assert (w.tolist(), v.tolist()) == ([5.0], [4.0])
        assert w.tolist() == [3.0]
        with mg.replaced([w], [[6.0]]):
            assert w.tolist() == [6.0]
    assert (w.tolist(), v.tolist()) == ([1.0], [2.0])


@dataclass
class Named:
    w: Any
    name: str = "first"


TREE = {"w": np.ones(2), "b": 1.0}


def of_tree(p: Any) -> Any:
    return np.sum(p["w"] ** 2) * p["b"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.jvp(np.sin, np.ones(2), np.ones(2)), r"primals must be a tuple.*not ndarray.*\(x,\), \(v,\)"),
        (lambda: mg.jvp(np.sin, 0.0, 1.0), "primals must be a tuple.*not float"),
        (lambda: mg.jvp(np.sin, (0.0,), 1.0), "tangents must be a tuple.*not float"),
        (lambda: hessian(of_tree)(TREE), r"argument 0 is a tree \(dict\).*ravel_tree"),
        (lambda: hessian(lambda x, y: x * y, (0, 1))(1.0, 2.0), r"argnums is \(0, 1\), expected one number.*ravel_tree"),
        (lambda: jacobian(lambda x: {"a": x})(X), r"returned a tree \(dict\).*ravel_tree"),
        (lambda: mg.hvp(np.sum)(X), r"takes the arguments of sum, and then v; it got 1.*hvp\(f\)\(x, v\)"),
        (lambda: mg.hvp(np.sum)(), "it got 0 in all"),
        (lambda: mg.hvp(lambda x, y: x * y, 1)(1.0, 2.0), "with argnums 1 .* it got 2 in all"),
        (lambda: mg.tensor_jacobian_product(np.sin)(X), r"tensor_jacobian_product\(f\)\(x, v\)"),
        (lambda: mg.ggnvp(np.sin)(X), r"ggnvp\(f\)\(x, v\)"),
        *((lambda t=t: t(np.sin, "x"), "argnums is 'x', expected the number") for t in (grad, jacobian, hessian, mg.hvp)),
        (lambda: mg.vjp(np.sin, 1.0, argnums=("x",)), r"argnums is \('x',\), expected the number"),
        (lambda: grad(np.sin, argnum=1.5), "argnums is 1.5, expected the number"),
        (lambda: grad(3.0), r"grad takes a function.*float: write grad\(f\)\(x\)"),
        (lambda: mg.vmap(X), r"vmap takes a function.*ndarray"),
        (lambda: mg.misc.adam(grad(square), 1.0), r"gradient must be a function of \(x, i\).*lambda x, i: grad\(f\)\(x\)"),
        (lambda: mg.misc.sgd(lambda x, i: x, 1.0, callback=print_point), r"callback must be.*\(x, i, gradient\).*'print_point'"),
        (lambda: mg.misc.rmsprop(2.0, 1.0), "must be a function.*it is 2.0"),
        (lambda: grad(lambda p: p.w**2)(Named(1.0)), r"p\.name, which holds .*field\(metadata=\{.static.: True\}\)"),
        (lambda: mg.ravel_tree(Named(1.0)), r"tree\.name is 'first'.*field\(metadata"),
        (lambda: mg.vmap(lambda p: p.w)(Named(X)), r"argument 0\.name is str.*field\(metadata"),
        (lambda: mg.jvp(np.sin, (1.0,), ("a",)), r"tangents\[0\] is 'a'.*field\(metadata"),
        (lambda: grad(lambda p: p[0] * p[1])([1.0, 3]), "write 3.0 instead of 3"),
    ],
)
def test_calls_that_do_not_fit_say_what_to_write(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def square(x: Any) -> Any:
    return x**2


def print_point(x: Any) -> None:
    print(x)


def test_numbers_of_numpy_choose_arguments_too() -> None:
    f = lambda x, y: x * y**2
    assert grad(f, np.int64(1))(2.0, 3.0) == 12.0
    assert grad(f, np.arange(2).tolist())(2.0, 3.0) == (9.0, 12.0)
    assert grad(f, range(2))(2.0, 3.0) == (9.0, 12.0)
    assert jacobian(grad(f, 0), 1)(2.0, 3.0) == 6.0


def test_a_checkpoint_that_computes_something_else_the_second_time_is_an_error() -> None:
    calls: list[int] = []

    def changing(x: Any) -> Any:
        calls.append(1)
        return (x * 2)[: 3 - len(calls)]

    x = Tensor(np.ones(3), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"changing returned the shapes \[\(2,\)\], but \[\(1,\)\] when it ran again"):
        mg.checkpoint(changing)(x).sum().backward()
    with pytest.raises(TypeError, match="checkpoint takes a function"):
        mg.checkpoint(x)


def test_every_transform_says_what_it_raises() -> None:
    for name in mg.transforms.__all__:
        function = getattr(mg.transforms, name)
        if inspect.isfunction(function):
            assert "Raises:" in function.__doc__, name


def _filled(x: Any) -> Any:
    values = np.zeros(3)
    values[0] = x
    return values[0]


@pytest.mark.parametrize(
    "leave",
    [
        float,
        lambda x: x * math.exp(x),
        lambda x: x * int(x),
        lambda x: x * x.item(),
        lambda x: sum(np.ones(2) * x.tolist()),
        lambda x: np.sum(np.fromiter([x, x], float)),
        _filled,
    ],
)
def test_a_number_that_is_differentiated_does_not_leave_in_silence(leave: Callable[[Any], Any]) -> None:
    for transform in (grad, jacobian, lambda f: lambda x: mg.jvp(f, (x,), (1.0,)), lambda f: grad(grad(f))):
        with pytest.raises((TypeError, ValueError), match="would lose its gradient|array element with a sequence"):
            transform(leave)(1.5)


def test_looking_at_a_number_that_is_differentiated_is_allowed() -> None:
    def looks(x: Any) -> Any:
        text = f"{x:.2f} {x}"
        return x * 2 * float(Tensor(3.0)) if x > 0 and text and x.detach().item() == 1.0 else x

    assert grad(looks)(1.0) == 6.0
    loss = (Tensor([1.0, 2.0], requires_grad=True) ** 2).sum()
    assert (float(loss), loss.item(), f"{loss:.1f}") == (5.0, 5.0, "5.0")


@pytest.mark.parametrize("kind", [int, bool])
def test_whole_numbers_and_bools_are_constants(kind: Any) -> None:
    x = np.array([0.7, 1.3, 2.1])
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * x.astype(kind)))(x), x.astype(kind))
    np.testing.assert_array_equal(jacobian(lambda x: x * np.astype(x, kind))(x), np.diag(x.astype(kind).astype(float)))
    np.testing.assert_array_equal(hessian(lambda x: np.sum(x * x.astype(kind)))(x), np.zeros((3, 3)))
    t = Tensor(x, requires_grad=True)
    for made in (
        t.astype(kind),
        np.concatenate([t, t], dtype=kind, casting="unsafe"),
        np.stack([t, t], dtype=kind, casting="unsafe"),
        mg.array([t[0], t[1]], dtype=kind),
    ):
        assert not made.requires_grad
    assert not np.sum(t, dtype=int).requires_grad


def test_a_complex_gradient_of_a_real_tensor_is_refused() -> None:
    x = Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match="the gradient is complex, but the tensor is float32"):
        (x * 2).backward(Tensor(1 + 2j))
