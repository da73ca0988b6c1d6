"""Every ufunc takes NumPy's options when it is called as minigrad's function: out, where, dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

from .test_signatures import same

X = np.array([[2.0, -1.0, 0.5], [3.0, 4.0, -2.5]])
Y = np.array([[0.5, 2.0, 1.5], [-1.0, 3.0, 2.5]])
P = np.array([[0.2, 0.4, 0.6], [0.9, 0.3, 0.5]])
N = np.array([[3, 1, 2], [5, 4, 7]])
S = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.0]])
MASK = np.array([[True, False, True], [True, True, False]])

#: Ufuncs that need other inputs than X, or X and Y.
OF_INTEGERS = {
    "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "gcd", "invert", "lcm", "left_shift", "right_shift",
}  # fmt: skip
OF_SHARES = {
    "acos", "arccos", "arccosh", "acosh", "asin", "arcsin", "atanh", "arctanh", "log", "log10", "log1p", "log2", "sqrt",
}  # fmt: skip
OF_POSITIVE = {"power", "pow", "float_power"}
SPECIAL: dict[str, tuple[np.ndarray, ...]] = {
    "matmul": (X, S), "matvec": (X, S[0]), "vecmat": (S[0], S), "vecdot": (X, Y), "ldexp": (X, N),
    "arccosh": (1 + P,), "acosh": (1 + P,), "isnat": (np.array(["2020", "NaT"], "M8[D]"),),
}  # fmt: skip


def ufuncs() -> list[str]:
    short = [n.removeprefix("numpy.") for n in mg.registered() if n.startswith("numpy.")]
    return [n for n in short if isinstance(getattr(np, n, None), np.ufunc)]


def inputs(name: str) -> tuple[np.ndarray, ...]:
    nin = getattr(np, name).nin
    if name in SPECIAL:
        return SPECIAL[name]
    if name in OF_INTEGERS:
        return (N, N[::-1] % 3)[:nin]
    if name in OF_SHARES:
        return (P,)
    return (P, Y) if name in OF_POSITIVE else (X, Y)[:nin]


def tensors(arrays: Any) -> Any:
    return [Tensor(a) if a.dtype.kind in "biuf" else a for a in arrays]


def many(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def check(name: str, given: Any, out: bool, **options: Any) -> None:
    """The same answer as NumPy's, written into `out` where that is given; or an error where NumPy has one."""
    arrays, ours = inputs(name), getattr(mg, name)
    plain = getattr(np, name)(*arrays)
    holds = [np.full_like(part, 7 if part.dtype.kind != "b" else True) for part in many(plain)]
    theirs = [h.copy() for h in holds]
    written = [Tensor(h.copy()) if any(isinstance(x, Tensor) for x in given) else h.copy() for h in holds]
    by_numpy, by_us = dict(options), dict(options)
    if out:
        by_numpy["out"], by_us["out"] = tuple(theirs), tuple(written)
    try:
        want = getattr(np, name)(*arrays, **by_numpy)
    except TypeError:
        with pytest.raises(TypeError):
            ours(*given, **by_us)
        return
    got = ours(*given, **by_us)
    same(got, want)
    if out:
        assert all(a is b for a, b in zip(many(got), written, strict=True))
        same(tuple(written), tuple(theirs))


@pytest.mark.parametrize("kind", ["arrays", "tensors"])
@pytest.mark.parametrize("name", ufuncs())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_ufunc_takes_numpys_options(name: str, kind: str) -> None:
    given = tensors(inputs(name)) if kind == "tensors" else inputs(name)
    check(name, given, out=False)
    check(name, given, out=True)
    check(name, given, out=True, where=MASK if name != "isnat" else MASK[0, :2])
    for dtype in (np.float32, np.float64, np.int64, bool, np.complex128):
        check(name, given, out=False, dtype=dtype)
    check(name, given, out=False, dtype=np.float32, casting="no")
    check(name, given, out=False, order="F", subok=False)
    check(name, given, out=False, casting="unsafe")


@pytest.mark.parametrize("name", ufuncs())
def test_an_unknown_option_is_refused_by_name(name: str) -> None:
    for given in (inputs(name), tensors(inputs(name))):
        with pytest.raises(TypeError, match="keepdim"):
            getattr(mg, name)(*given, keepdim=True)


@pytest.mark.parametrize("name", ["matmul", "matvec", "vecmat"])
def test_products_of_matrices_take_no_mask(name: str) -> None:
    for given in (inputs(name), tensors(inputs(name))):
        with pytest.raises(TypeError, match="where"):
            getattr(mg, name)(*given, where=True)
    with pytest.raises(TypeError, match="it takes out, casting, order"):
        mg.matmul(*tensors(inputs("matmul")), keepdim=True)


def test_out_of_a_ufunc_of_two_results_carries_the_gradient() -> None:
    x = Tensor(X, requires_grad=True)
    rest, whole = x * 0.0, x * 0.0
    got = mg.divmod(x, 2.0, out=(whole, rest))
    assert got[0] is whole and got[1] is rest
    rest.sum().backward()
    assert x.grad.tolist() == np.ones_like(X).tolist()


def test_out_of_a_constant_is_recorded() -> None:
    """What was in `out` before is gone, so no gradient reaches it."""
    x = Tensor(X, requires_grad=True)
    out = x * 3.0
    assert mg.floor(Tensor(Y), out=out) is out
    (out + x).sum().backward()
    assert x.grad.tolist() == np.ones_like(X).tolist()


@pytest.mark.parametrize("name", ["floor", "divmod", "frexp", "less", "multiply", "modf"])
def test_numpys_function_keeps_what_out_holds_behind_a_mask(name: str) -> None:
    arrays = inputs(name)
    holds = [np.full_like(part, 1) for part in many(getattr(np, name)(*arrays))]
    written = [Tensor(h.copy()) for h in holds]
    want = getattr(np, name)(*arrays, out=tuple(holds), where=MASK)
    same(getattr(np, name)(*tensors(arrays), out=tuple(written), where=MASK), want)
    same(tuple(written), tuple(holds))
