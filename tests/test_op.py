"""What is generated from a definition: one function, called as it was written."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, autograd, primitive
from minigrad.primitive import registry


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def test_parameters_are_called_by_their_names() -> None:
    @primitive(y=lambda g: g, x=lambda g: -g, method=False)
    def minus(y: Any, x: Any) -> Any:
        return y - x

    assert minus(y=10.0, x=1.0) == 9.0
    x = leaf(1.0)
    minus(x=x, y=Tensor([10.0])).backward()
    assert x.grad.tolist() == [-1.0]
    assert list(inspect.signature(minus).parameters) == ["y", "x"]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        minus(1.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        minus(1.0, 2.0, z=3.0)


def test_options_defaults_and_extras_follow_the_definition() -> None:
    def scaled_rule(g: Any, x: Any, factor: float, square: Any) -> Any:
        return g * factor * square / x**2

    @primitive(x=scaled_rule, extras=("square",), method=False)
    def scaled(x: Any, *, factor: float = 2.0) -> Any:
        return x * factor, x**2

    x = leaf(3.0, 4.0)
    out = scaled(x, factor=5.0)
    out.backward(np.ones(2))
    assert out.tolist() == [15.0, 20.0]
    assert x.grad.tolist() == [5.0, 5.0]
    assert scaled(np.array([1.0])).tolist() == [2.0]


def test_a_sequence_of_inputs_is_one_parameter() -> None:
    def total_rule(g: Any, needs: Sequence[bool], weights: Any) -> list[Any]:
        return [g * w if need else None for need, w in zip(needs, weights, strict=True)]

    @primitive(joint=total_rule, inputs=("parts",), method=False)
    def total(parts: Sequence[Any], weights: Any = (1.0, 1.0)) -> Any:
        return sum(w * p for w, p in zip(weights, parts, strict=True))

    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    total([x, y], weights=(2.0, 3.0)).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0, 2.0], [3.0, 3.0])
    total(parts=(np.ones(2), x), weights=(1.0, 10.0)).sum().backward()
    assert x.grad.tolist() == [12.0, 12.0]


def test_several_outputs_come_in_the_container_of_the_forward() -> None:
    @primitive(x=lambda g: g[0] * 2 + g[1] * 3, method=False)
    def two_and_three(x: Any) -> list[Any]:
        return [2 * x, 3 * x]

    x = leaf(1.0)
    out = two_and_three(x)
    assert type(out) is list
    (out[0] * out[1]).backward()
    assert x.grad.tolist() == [12.0]


def test_the_body_of_a_definition_on_a_ufunc_runs() -> None:
    @primitive(np.exp, x=lambda g, out: g * out, method=False, name="clipped_exp", override=True)
    def clipped_exp(x: Any) -> Any:
        return np.exp(np.clip(x, -1, 1))

    assert np.exp(Tensor([5.0])).item() == pytest.approx(np.e)


def test_a_second_op_for_one_numpy_function_or_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"exp stands for NumPy's exp already.*override=True"):

        @primitive(np.exp, method=False)
        def my_exp(x: Any) -> Any:
            return np.exp(x)

    with pytest.raises(ValueError, match="there is an op 'tanh' already"):

        @primitive(method=False)
        def tanh(x: Any) -> Any:
            return x

    assert "my_exp" not in registry
    assert np.exp(Tensor([0.0])).tolist() == [1.0]


def test_a_rule_that_reads_what_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="a rule reads 'z'; it can read out, x, x_shape"):
        primitive(x=lambda g, z: g, method=False, name="f")(lambda x: x)
    with pytest.raises(TypeError, match=r"rules for \['y'\]"):
        primitive(y=lambda g: g, method=False, name="f")(lambda x: x)


def test_what_operators_do_not_know_gets_its_turn() -> None:
    class Mine:
        __array_ufunc__ = None

        def __rmul__(self, other: Any) -> str:
            return "rmul"

        __radd__ = __rsub__ = __rtruediv__ = __rpow__ = __rmatmul__ = __rmod__ = __rfloordiv__ = __rmul__

        def __gt__(self, other: Any) -> str:
            return "gt"

    t, mine = Tensor([1.0]), Mine()
    assert [t * mine, t + mine, t - mine, t / mine, t**mine, t @ mine, t % mine, t // mine] == ["rmul"] * 8
    assert (t < mine) == "gt"
    assert (t == mine) is False
    with pytest.raises(TypeError, match="'Tensor' and 'str'"):
        t + "a"


@pytest.mark.parametrize("where", [None, np.array([True, False, True])])
def test_ufuncs_take_numpys_options(where: Any) -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    x = Tensor(a, requires_grad=True)
    options = {} if where is None else {"where": where}
    kept = np.full(3, 7.0)
    out = np.multiply(x, b, dtype="float32", out=Tensor(kept.copy()), **options)
    np.multiply(a, b, out=kept, **options)
    np.testing.assert_allclose(out.detach().numpy(), kept)
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), b if where is None else b * where)
    assert np.multiply(x, b, dtype="float32").dtype == np.float32
    with pytest.raises(TypeError, match="casting rule 'no'"):
        np.multiply(x, b, dtype="float32", casting="no")
    with pytest.raises(TypeError, match="no option 'wheer'"):
        mg.multiply(x, b, wheer=True)
    with pytest.raises(TypeError, match="cannot hold"):
        mg.multiply(x.detach(), b, out=np.zeros(3, int))


def test_out_of_a_function_is_written() -> None:
    @primitive(x=lambda g: 2 * g, method=False)
    def twice(x: Any, out: Any = None) -> Any:
        return 2 * x

    target = np.zeros(2)
    assert twice(Tensor([1.0, 2.0]), target) is target
    assert target.tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match="the gradient would be lost"):
        twice(leaf(1.0, 2.0), out=target)


def test_the_source_of_an_op_can_be_read() -> None:
    source = mg.multiply.op.source()
    assert source.startswith("def multiply(x, y, /, out=None, **_options):")
    assert "_node.saved = _saved" in source


def test_errors_of_a_forward_show_the_generated_line() -> None:
    with pytest.raises(ValueError, match="multiply") as raised:
        leaf(1.0, 2.0) * leaf(1.0, 2.0, 3.0)
    assert "_out = _forward(x, y)" in "".join(traceback.format_exception(raised.value))


def test_the_second_derivative_reaches_inputs_that_the_first_was_not_asked_for() -> None:
    def product_rule(g: Any, needs: Any, x: Any, y: Any) -> list[Any]:
        return [g * y, g * x]

    @primitive(joint=product_rule, inputs=("x", "y"), composite=lambda x, y: x * y, method=False)
    def fused_product(x: Any, y: Any) -> Any:
        return x * y

    x, y = leaf(2.0), leaf(3.0)
    (g,) = autograd.grad(fused_product(x, y), x, np.ones(1), create_graph=True)
    (g**2).backward()
    assert y.grad.tolist() == [6.0]


def test_what_a_definition_lacks_is_said_at_once() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * y

    refused: list[tuple[dict[str, Any], str]] = [
        ({"joint": lambda g, needs, x, y: [g * y, g * x]}, "name what is differentiated"),
        ({"composite": product}, "name what is differentiated"),
        (
            {"joint": lambda g, x, y: [g * y, g * x], "inputs": ("x", "y")},
            r"function of \(g, needs",
        ),
        ({"x": lambda g, y: g * y, "inputs": ("x", "y")}, "rules for"),
    ]
    for definition, message in refused:
        with pytest.raises(TypeError, match=message):
            primitive(method=False, name="f", **definition)(product)
    for name in ("_tensors", "_out", "type", "isinstance"):
        names: dict[str, Any] = {}
        exec(f"def f({name}): return {name}", names)
        with pytest.raises(TypeError, match=f"needs the name '{name}'"):
            primitive(method=False)(names["f"])
    for bad in (None, "my op", "class", "f(x): pass\nprint(1)\ndef g"):
        with pytest.raises(ValueError, match="is no name for an op"):
            primitive(method=False, name=bad, x=lambda g: g)(lambda x: x)
    with pytest.raises(TypeError, match="NumPy does not hand kaiser"):
        primitive(np.kaiser, method=False, name="f")(lambda M, beta: M)
    with pytest.raises(TypeError, match="with brackets"):
        primitive(product)


def test_tensors_operators_are_not_replaced_by_accident() -> None:
    for operators, message in (
        (("__add__",), "has the operator __add__ already"),
        (("__nonsense__",), "write names such as"),
        ("__add__", "write names such as"),
    ):
        with pytest.raises(ValueError, match=message):

            @primitive(x=lambda g: g, y=lambda g: -g, operators=operators, method=False)
            def my_difference(x: Any, y: Any) -> Any:
                return x - y

    assert (Tensor([5.0]) + Tensor([2.0])).item() == 7


def test_a_rule_and_a_composite_share_the_orders() -> None:
    """The rule is for the first order, at higher ones the composite is differentiated."""

    @primitive(x=lambda g, x, k: g * k * np.cos(x), composite=lambda x, k: k * np.sin(x), method=False)
    def scaled_sine(x: Any, k: float = 2.0) -> Any:
        return k * np.sin(x)

    assert mg.grad(scaled_sine)(0.5) == pytest.approx(2 * np.cos(0.5))
    assert mg.grad(mg.grad(scaled_sine))(0.5) == pytest.approx(-2 * np.sin(0.5))


def test_what_a_forward_or_a_rule_returns_is_looked_at() -> None:
    def define(forward: Any, **rules: Any) -> Any:
        return primitive(method=False, name="f", override=True, **rules)(forward)

    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="f: its forward returned NoneType"):
        define(lambda x: None, x=lambda g: g)(x)
    with pytest.raises(TypeError, match="f: its forward returned Tensor"):
        define(lambda x: Tensor(x), x=lambda g: g)(x)
    with pytest.raises(TypeError, match="the rule of f for x returned None"):
        define(lambda x: 2 * x, x=lambda g: None)(x).sum().backward()
    with pytest.raises(ValueError, match=r"a rule returned shape \(2,\) for an input of shape \(3,\)"):
        define(lambda x: x[:2], x=lambda g: g)(leaf(1.0, 2.0, 3.0)).sum().backward()
    short = define(lambda x, y: x * y, joint=lambda g, needs, x, y: [g * y], inputs=("x", "y"))
    with pytest.raises(TypeError, match="must return a sequence of 2 gradients"):
        short(x, x).sum().backward()


def test_an_op_with_any_options_is_differentiated_through_its_composite() -> None:
    def scaled(x: Any, **options: float) -> Any:
        return x * options["by"]

    fused = primitive(composite=scaled, inputs=("x",), method=False, name="scaled_by")(scaled)
    x = leaf(2.0)
    fused(x, by=3.0).backward()
    assert x.grad.tolist() == [3.0]


def test_a_masked_array_is_not_taken_for_an_array() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [0, 1])
    with pytest.raises((TypeError, RuntimeError), match="masked|lose the gradient"):
        masked * leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="masked"):
        leaf(1.0, 2.0) * masked
    with pytest.raises(TypeError, match="masked"):
        Tensor(masked)


def test_a_forward_may_be_anything_that_is_called() -> None:
    class Scale:
        def __call__(self, x: Any) -> Any:
            return 3 * x

    for i, forward in enumerate((functools.partial(lambda k, x: k * x, 3), Scale())):
        op = primitive(x=lambda g: 3 * g, method=False, name=f"scale{i}")(forward)
        assert mg.grad(op)(2.0) == 3.0


def test_an_extra_has_no_second_derivative_in_silence() -> None:
    @primitive(x=lambda g, slope: g * slope, extras=("slope",), method=False)
    def own_square(x: Any) -> Any:
        return x * x, 2 * x

    assert mg.grad(own_square)(3.0) == 6.0
    with pytest.raises(NotImplementedError, match="the extra 'slope'.*composite="):
        mg.grad(mg.grad(own_square))(3.0)


def test_casting_is_numpys() -> None:
    whole, half = np.array([1, 2]), np.array([0.5, 1.5])
    calls: list[Any] = [
        lambda x: np.add(x(whole), 1.5, dtype=int),
        lambda x: np.add(x(half), 1.5, dtype="i4", casting="unsafe"),
        lambda x: np.exp(x(whole), dtype=int),
        lambda x: np.multiply(x(half), 2.0, casting="safe"),
        lambda x: np.multiply(x(half), 2.0, casting="unsafe", out=x(np.zeros(2, int))),
        lambda x: np.divide(x(whole), 2, dtype=int),
        lambda x: np.add(x(whole), x(half), casting="no"),
        lambda x: np.add(x(half), x(half), casting="safe", out=x(np.zeros(2, np.float32))),
        lambda x: np.add(x(half), 1.0, where=x(whole), out=x(np.zeros(2))),
        lambda x: np.add(x(half), 1.0, where=[True, False], out=x(np.zeros(2))),
        lambda x: np.add(x(half), 1.0, out=x(np.zeros((3, 2)))),
        lambda x: np.add(x(half), 1.0, out=x(np.zeros(1))),
        lambda x: np.sum(x(half), out=x(np.zeros(3))),
        lambda x: np.modf(x(half), where=np.array([True, False]), out=(x(np.zeros(2)), x(np.ones(2)))),
    ]
    for call in calls:
        try:
            want: Any = call(np.array)
        except (TypeError, ValueError):
            with pytest.raises((TypeError, ValueError)):
                call(Tensor)
            continue
        got = call(Tensor)
        for g, w in zip(*((r if isinstance(r, tuple) else (r,)) for r in (got, want)), strict=True):
            np.testing.assert_array_equal(g.numpy(), w)
            assert g.dtype == w.dtype


def test_an_error_of_ones_own_is_not_replaced() -> None:
    class Strict(Exception):
        def __init__(self, code: int) -> None:
            super().__init__(code + 1)

    def fails(x: Any) -> Any:
        raise Strict(1)

    with pytest.raises(RuntimeError, match="fails: 2"):
        primitive(x=lambda g: g, method=False)(fails)(leaf(1.0))
