"""grad and its kin: values, argnums, containers, nesting, what goes in comes out."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad as hips_grad
from scipy.optimize import rosen, rosen_der, rosen_hess, rosen_hess_prod

import minigrad as mg
from minigrad import Tensor, egrad, grad, hessian, holomorphic_grad, jacobian, value_and_grad
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
