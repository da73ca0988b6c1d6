"""NumPy's protocols: functions, ufuncs and their methods, operators from the left, and what has no rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import nn
from minigrad import Tensor


def leaf(*values: float) -> Tensor:
    return Tensor(np.array(values), requires_grad=True)


def test_numpy_functions_on_tensors_record() -> None:
    x = leaf(1.0, 2.0)
    for y in (
        np.tanh(x), np.sum(x), x.sum(), np.concatenate([x, np.ones(2)]), np.stack([np.ones(2), x]), np.linalg.norm(x),
        np.einsum("i,i", np.ones(2), x), np.where(x > 1, x, 0), np.ones((3, 2)) @ x, np.float64(2) * x, 2 ** x, [1.0, 2.0] + x,
        np.ones(2) / x, np.ones(2) - x, scipy.special.expit(x), scipy.special.logit(x / 3), scipy.special.xlogy(2.0, x),
        np.add.reduce(x), np.multiply.outer(x, x), np.maximum.reduce(x), np.logaddexp.reduce(x),
        np.add.accumulate(x), mg.tanh(x), x.tanh(),
    ):  # fmt: skip
        assert isinstance(y, Tensor)
        assert y.requires_grad
    assert mg.sin(1.0) == np.sin(1.0)  # on plain numbers an op is its NumPy function


def test_scipys_expit_has_the_right_gradient() -> None:
    x = leaf(-1.0, 2.0)
    scipy.special.expit(x).sum().backward()
    y = scipy.special.expit(x.data)
    np.testing.assert_allclose(x.grad.numpy(), y * (1 - y))


def test_constants() -> None:
    x = leaf(1.5, -2.5)
    for y, expected in (
        (x > 0, [True, False]), (np.floor(x), [1.0, -3.0]), (np.sign(x), [1.0, -1.0]), (x.argmax(), 0), (np.argsort(x), [1, 0]),
        (np.round(x), [2.0, -2.0]), (x.round(), [2.0, -2.0]), (np.isnan(x), [False, False]), (x == 1.5, [True, False]),
        (x // 1, [1.0, -3.0]), ((x > 0) | (x < 0), [True, True]), (~(x > 0), [False, True]), ((x > 0).any(), True),
        (np.nonzero(x > 0)[0], [0]), (np.trunc(x), [1.0, -2.0]), (np.linalg.norm(x, 0), 2.0),
    ):  # fmt: skip
        assert isinstance(y, Tensor)
        assert not y.requires_grad
        assert y.tolist() == expected
    assert np.shape(x) == (2,)
    assert np.ndim(x) == 1
    assert np.allclose(x, x)


def test_a_function_without_a_rule_names_itself() -> None:
    x = leaf(1.0, 2.0)
    with pytest.raises(NotImplementedError, match=r"scipy\.special\.mathieu_a.*use x\.detach"):
        scipy.special.mathieu_a(0, x)
    with pytest.raises(NotImplementedError, match="takes no signature="):
        np.exp(x, signature="d->d")
    # Where there is no gradient to lose, the function just runs.
    assert isinstance(scipy.special.mathieu_a(0, x.detach()), Tensor)


def test_isclose_minds_equal_nan() -> None:
    x = Tensor([np.nan, 1.0])
    assert np.isclose(x, x, equal_nan=True).tolist() == [True, True]
    assert np.isclose(x, x).tolist() == [False, True]


def test_functions_take_numpys_arguments() -> None:
    x = leaf(3.0, 1.0, 2.0)
    assert np.clip(x, min=1.5).tolist() == [3.0, 1.5, 2.0]
    assert np.clip(x, 0, 1).tolist() == [1.0, 1.0, 1.0]
    assert np.sum(x, axis=0, keepdims=True).shape == (1,)
    assert np.split(x, [1])[1].tolist() == [1.0, 2.0]
    assert np.sum(x.astype("float32"), dtype="float64").dtype == np.float64
    assert np.sum(x, where=np.array([True, False, True])).tolist() == 5.0
    with pytest.raises(TypeError, match="unexpected keyword argument 'wheer'"):
        mg.ops.reduce.sum(x, wheer=0)
    assert x.reshape(3, 1).T.shape == (1, 3)
    assert x.reshape((1, 3)).transpose(1, 0).shape == (3, 1)
    assert np.broadcast_arrays(x, np.ones((2, 1)))[0].shape == (2, 3)
    assert [g.shape for g in mg.meshgrid(x, leaf(1.0, 2.0))] == [(2, 3), (2, 3)]


@settings(max_examples=60, deadline=None)
@given(terms=st.lists(st.text("ijk", max_size=3), min_size=1, max_size=3), data=st.data())
def test_einsum_of_any_subscripts(terms: list[str], data: st.DataObject) -> None:
    """Random subscripts with repeated, shared and lone indices: NumPy's value, and gradients by finite differences."""
    sizes = {"i": 2, "j": 3, "k": 2}
    present = sorted(set("".join(terms)))
    out = "".join(data.draw(st.lists(st.sampled_from(present), unique=True))) if present else ""
    spec = ",".join(terms) + "->" + out
    arrays = [np.random.default_rng(0).normal(size=[sizes[c] for c in term]) for term in terms]
    np.testing.assert_allclose(np.einsum(spec, *map(Tensor, arrays)).numpy(), np.einsum(spec, *arrays), atol=1e-12)
    assert mg.gradcheck(lambda *xs: np.einsum(spec, *xs), *arrays)


def test_complex_parts_as_attributes() -> None:
    z = Tensor(np.array([1 + 2j]), requires_grad=True)
    (z.real * z.imag).sum().backward()
    assert z.grad.tolist() == [2 + 1j]


def test_divmod_and_modf() -> None:
    x = leaf(7.5, -7.5)
    quotient, rest = divmod(x, 2.0)
    assert (quotient.tolist(), rest.tolist(), rest.requires_grad) == ([3.0, -4.0], [1.5, 0.5], True)
    assert [t.tolist() for t in np.modf(x)] == [[0.5, -0.5], [7.0, -7.0]]
    assert divmod(9.0, leaf(4.0))[1].tolist() == [1.0]


def test_unknown_operands_are_named() -> None:
    with pytest.raises(TypeError, match="'Tensor' and 'object'"):
        leaf(1.0) + object()
    with pytest.raises(TypeError, match="'Tensor' and 'str'"):
        leaf(1.0) - "a"


def test_minigrad_is_light_to_import() -> None:
    import subprocess
    import sys

    code = (
        "import sys, minigrad, nn; print([m for m in ('scipy', 'graphviz', 'matplotlib', 'cupy', 'torch') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
    code = "import minigrad, sys; assert 'nn' not in sys.modules; from minigrad import nn; import nn as other; print(nn is other)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "True"


SHAPES: list[tuple[Any, str]] = [
    (lambda: mg.ones((2, 3)) @ mg.ones((4, 5)), r"matmul: the shapes \(2, 3\) and \(4, 5\) do not fit"),
    (lambda: mg.ones((2, 3)) @ mg.ones((2, 3)), r"x @ y.mT would fit"),
    (lambda: mg.ones((3, 2)) @ mg.ones((3, 4)), r"x.mT @ y would fit"),
    (lambda: mg.ones(3) @ mg.ones(4), r"the only axis of y has length 4"),
    (lambda: mg.ones((5, 2, 3)) @ mg.ones((4, 3, 2)), r"the axes \(5,\) and \(4,\) before the matrices"),
    (lambda: mg.ones(3) @ Tensor(2.0), r"write x \* y"),
    (lambda: np.einsum("ij,jk", mg.ones((2, 3)), mg.ones((4, 5))),
     r"einsum: 'j' in 'ij,jk->ik' stands for axes of lengths 3 and 4"),
    (lambda: np.broadcast_to(mg.ones(3), (2, 4)), r"broadcast_to: \(3,\) does not broadcast to \(2, 4\)"),
    (lambda: mg.ones((2, 3)).squeeze(0), r"squeeze: axis 0 of shape \(2, 3\) is not of length 1"),
    (lambda: mg.ones((2, 3)).squeeze(7), r"axis 7 is out of bounds"),
    (lambda: mg.ones((2, 3, 4)).transpose(1, 2), r"np.swapaxes\(x, 1, 2\)"),
    (lambda: nn.functional.linear(mg.ones((3, 4)), mg.ones((2, 5))), r"linear: x of shape \(3, 4\) has 4 features, .* takes 5"),
    (lambda: nn.functional.linear(mg.ones((3, 4)), mg.ones((2, 4)), mg.ones(3)), r"linear: a bias of shape \(3,\)"),
    (lambda: mg.ones((2, 3)) + mg.ones((4, 5)), r"add: operands could not be broadcast .*\(2, 3\).*\(4, 5\)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), SHAPES)
def test_shapes_that_do_not_fit_are_told_in_words(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "gufunc" not in str(caught.value) and "remapped" not in str(caught.value)


def test_a_products_shapes_fit_where_no_reason_is_found() -> None:
    """The reasons look at shapes alone: they may not invent one for shapes that fit."""
    from minigrad import reasons

    for x, y in (((2, 3), (3, 4)), ((3,), (3,)), ((5, 2, 3), (3, 2)), ((5, 2, 3), (1, 3, 2)), ((0, 3), (3, 0))):
        assert np.matmul(np.ones(x), np.ones(y)) is not None
        assert reasons.reason("matmul", ValueError("matmul: other"), {}, [x, y]) == "other"


def test_a_function_without_a_rule_names_no_distant_one() -> None:
    from scipy.special import mathieu_a

    with pytest.raises(NotImplementedError, match=r"scipy\.special\.mathieu_a, called at .*test_dispatch") as caught:
        mathieu_a(1, leaf(1.0))
    assert "there is one for" not in str(caught.value)
    with pytest.raises(NotImplementedError, match=r"numpy\.save\b") as caught:
        np.save("unused.npy", leaf(1.0))
    assert "there is one for" not in str(caught.value)


def test_an_error_of_numpys_own_type_keeps_its_kind() -> None:
    with pytest.raises(TypeError, match="multiply: ufunc 'multiply'"):
        np.outer(leaf(1.0), "a")


def test_operators_of_bits_name_the_dtypes() -> None:
    with pytest.raises(TypeError, match="invert is not defined for float64; it takes bools and whole numbers"):
        ~leaf(1.0)
