"""Computes what a formula of a docstring says, from its tree alone: the notation with NumPy's numbers in it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import scipy.integrate
import scipy.special as sp

from minigrad.viz.notation import Tree, read

__all__ = ["CannotBeComputed", "agrees", "value_of", "values_by_index"]

TERMS = 120  #: of a sum without end


class CannotBeComputed(Exception):
    """The formula holds prose, or functions that are not here."""


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: getattr(np, n) for n in ("arccos", "arcsin", "arctan", "conj", "cos", "cosh", "exp", "floor", "log", "log2")},
    **{n: getattr(np, n) for n in ("sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "diag", "tril", "triu", "mean", "var")},
    **{n: getattr(sp, n) for n in ("beta", "boxcox", "erf", "erfc", "expit", "gamma", "hyp0f1", "hyp1f1", "hyp2f1", "i0e")},
    **{n: getattr(sp, n) for n in ("i1e", "ive", "k0e", "k1e", "kve", "ndtr", "psi", "stdtr", "zeta", "softmax")},
    "max": np.maximum, "min": np.minimum, "det": np.linalg.det, "Re": np.real, "Im": np.imag, "arg": np.angle, "P": sp.gammainc,
    "Phi": sp.ndtr, "fft": np.fft.fft, "ifft": np.fft.ifft, "rfft": np.fft.rfft, "K": sp.ellipk, "E": sp.ellipe,
    "onehot": lambda target: np.eye(3)[target], "cosdg": sp.cosdg, "sindg": sp.sindg, "sinc": np.sinc, "fdtr": sp.fdtr,
    "log10": np.log10, "sigmoid": sp.expit,
    "Ai": lambda z: sp.airy(z)[0], "Ai'": lambda z: sp.airy(z)[1], "Bi": lambda z: sp.airy(z)[2], "Bi'": lambda z: sp.airy(z)[3],
}  # fmt: skip
#: Functions whose order stands below: J_v(z).
ORDERED = {
    "J": sp.jv, "Y": sp.yv, "I": sp.iv, "K": sp.kv, "H": sp.struve, "L": sp.modstruve, "T": sp.eval_chebyt, "U": sp.eval_chebyu,
    "He": sp.eval_hermitenorm, "E": sp.expn,
}  # fmt: skip
#: And whose parameters stand above: P_n^(alpha, beta)(x).
ABOVE = {"P": sp.eval_jacobi, "C": sp.eval_gegenbauer, "L": sp.eval_genlaguerre}
CONSTANTS = {"pi": np.pi, "inf": np.inf, "NaN": np.nan}


def value_of(text: str, names: dict[str, Any], others: dict[str, str], matrices: bool = False) -> Any:
    """What a right side gives.

    Args:
        names: what the names stand for.
        others: further definitions, left side to right side.
        matrices: whether powers are those of matrices.
    """
    return _Reader(names, others, matrices).of(read(text, names))


def values_by_index(
    left: str, right: str, shape: tuple[int, ...], names: dict[str, Any], others: dict[str, str], matrices: bool = False
) -> Any:
    """What a right side gives for each index of the left side: `out_i = ...`."""
    if "[" in left or "{" in left:
        raise CannotBeComputed(left)
    letters = left.partition("_")[2]
    if "integral" in right:  # of one number at a time
        names = {n: np.broadcast_to(x, shape).ravel()[0] if np.ndim(x) else x for n, x in names.items()}
    if not letters or left[1:] in names:
        return value_of(right, names, others, matrices)
    if len(letters) != len(shape):
        raise CannotBeComputed(f"{left} of shape {shape}")
    out = np.empty(shape, dtype=complex)
    for place in product(*map(range, shape)):
        out[place] = value_of(right, {**names, **dict(zip(letters, place, strict=True))}, others)
    return out


def agrees(got: Any, actual: Any) -> bool:
    """Whether what a formula gives is what was computed."""
    if isinstance(actual, tuple):
        return isinstance(got, tuple) and len(got) == len(actual) and all(map(agrees, got, actual))
    got = np.asarray(got)
    if not np.iscomplexobj(actual):
        got = np.real(got)
    if got.shape != np.shape(actual):
        got = _summed(got, np.shape(actual))
    if got is None or np.shape(got) != np.shape(actual):
        return False
    known = np.isfinite(got) & np.isfinite(actual)  # elsewhere stands a remark: 0 at 0
    return bool(known.any()) and np.allclose(got[known], np.asarray(actual)[known], rtol=1e-4, atol=1e-6)


def _summed(got: Any, shape: tuple[int, ...]) -> Any:
    """What is sent to an input that was stretched adds up; what was not stretched stands for all."""
    try:
        if got.ndim < len(shape) or got.size < np.prod(shape):
            return np.broadcast_to(got, shape)
        got = got.sum(tuple(range(got.ndim - len(shape))))
        return got.sum(tuple(i for i, n in enumerate(shape) if n == 1 and got.shape[i] != 1), keepdims=True)
    except ValueError:
        return None


class _Reader:
    def __init__(self, names: dict[str, Any], others: dict[str, str], matrices: bool) -> None:
        self.names, self.others, self.matrices = names, others, matrices

    def of(self, tree: Tree) -> Any:
        kind, *parts = tree
        how = getattr(self, f"_{kind}", None)
        if how is None:
            raise CannotBeComputed(f"{kind} {parts}")
        return how(*parts)

    def _num(self, text: str) -> float:
        return float(text) if "." in text or "e" in text else int(text)

    def _name(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in self.others:
            return self._with().of(read(self.others[name], self.names))
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name == "e":
            return math.e
        if name == "i":
            return 1j
        raise CannotBeComputed(name)

    def _with(self, **names: Any) -> _Reader:
        return _Reader({**self.names, **names}, self.others, self.matrices)

    def _op(self, text: str) -> Any:
        raise CannotBeComputed(text)

    def _mul(self, *factors: Tree) -> Any:
        out = self.of(factors[0])
        for factor in factors[1:]:
            out = out * self.of(factor)
        return out

    def _matmul(self, a: Tree, b: Tree) -> Any:
        x, y = self.of(a), self.of(b)
        if np.ndim(x) < 2 or np.ndim(y) < 2:
            raise CannotBeComputed("vectors may be rows or columns")
        return np.matmul(x, y)

    def _frac(self, top: Tree, below: Tree) -> Any:
        a, b = self.of(top), self.of(below)
        if np.ndim(b) == 2 and b.shape[0] == b.shape[1] and not np.diag(b).any():  # 1 / E, 0 on the diagonal
            b = b + np.diag(np.full(len(b), np.inf))
        with np.errstate(all="ignore"):
            return np.true_divide(a, b)

    def _sup(self, base: Tree, script: Tree) -> Any:
        if script in (("name", "T"), ("name", "H")):
            x = np.asarray(self.of(base))
            x = np.swapaxes(x, -1, -2) if x.ndim > 1 else x
            return x.conj() if script[1] == "H" else x
        if script == ("op", "+"):
            return np.linalg.pinv(self.of(base))
        if script in (("sum", ("op", "-"), ("name", "T")), ("sum", ("op", "-"), ("name", "H"))):
            return self._sup(("value", np.linalg.inv(self.of(base))), script[2])
        exponent = self.of(script)
        if base == ("name", "e"):
            return np.exp(exponent)
        x = self.of(base)
        if self.matrices and np.ndim(x) > 1 and isinstance(exponent, int):
            return np.linalg.matrix_power(x, exponent)
        with np.errstate(all="ignore"):
            return np.power(x, exponent) if np.iscomplexobj(x) else np.power(np.asarray(x, float), exponent)

    def _value(self, value: Any) -> Any:
        return value

    def _sub(self, base: Tree, script: Tree) -> Any:
        if base[0] != "name":
            raise CannotBeComputed(str(base))
        name = base[1]
        if script[0] in ("name", "num") and f"{name}_{script[1]}" in self.names:
            return self.names[f"{name}_{script[1]}"]
        definition = next((left for left in self.others if left.startswith(f"{name}_") and len(left) == len(name) + 2), None)
        if name not in self.names and definition is not None:
            return self._with(**{definition[-1]: self.of(script)}).of(read(self.others[definition], self.names))
        if name not in self.names and (definition := f"{name}_ij") in self.others and script == ("name", "ij"):
            return self.of(read(self.others[definition], self.names))
        letters = script[1] if script[0] == "name" else None
        places = [self.of(script)] if letters is None or letters in self.names else [self.names[c] for c in letters]
        array = np.asarray(self._name(name))
        if any(not 0 <= int(i) < n for i, n in zip(places, array.shape, strict=True)):
            return 0
        return array[tuple(map(int, places))]

    def _call(self, function: Tree, inside: Tree) -> Any:
        arguments = [self.of(a) for a in _arguments(inside)]
        if function == ("name", "Phi") and self.matrices:
            return np.tril(arguments[0]) - np.tril(arguments[0]) * np.eye(arguments[0].shape[-1]) / 2
        if function[0] == "name" and function[1] in FUNCTIONS:
            return FUNCTIONS[function[1]](*arguments)
        if function[0] == "sub" and function[1][0] == "name":
            name, order = function[1][1], self.of(function[2])
            if name == "P":
                return sp.eval_legendre(order, *arguments)
            if name == "C" or (name == "I" and len(arguments) == 2):
                return sp.betainc(*arguments, order)
            if name in self.laguerre_or_hermite():
                return (sp.eval_laguerre if name == "L" else sp.eval_hermite)(order, *arguments)
            if name in ORDERED:
                return ORDERED[name](order, *arguments)
        if function[0] == "sup" and function[1][0] == "sub" and function[1][1][1] in ABOVE:
            more = [self.of(a) for a in _arguments(function[2])]
            return ABOVE[function[1][1][1]](self.of(function[1][2]), *more, *arguments)
        raise CannotBeComputed(str(function))

    def laguerre_or_hermite(self) -> set[str]:
        """Struve's functions and the polynomials share letters; these have a whole number n for their order."""
        return {"L", "H"} if "n" in self.names else set()

    def _apply(self, function: Tree, argument: Tree) -> Any:
        if function[0] == "sup":
            return self._call(function[1], argument) ** self.of(function[2])
        return self._call(function, argument)

    def _bracket(self, opened: str, inside: Tree, _: str) -> Any:
        if opened == "[" and inside[0] == "row" and ("op", "=") in inside:
            return float(self._holds(inside))
        if inside[0] == "row" and ("op", ",") in inside:
            return tuple(self.of(a) for a in _arguments(inside))
        return np.abs(self.of(inside)) if opened == "|" else self.of(inside)

    def _sum(self, *parts: Tree) -> Any:
        out, sign = None, 1
        for part in parts:
            if part[0] == "op":
                sign = -1 if part[1] == "-" else 1
                continue
            value = self.of(part)
            if self.matrices and np.ndim(value) > 1 and out is not None and np.ndim(out) == 0:
                out = out * np.eye(np.shape(value)[-1])  # 1 - U U^H: the unit matrix
            out = sign * value if out is None else out + sign * value
        return out

    def _row(self, *parts: Tree) -> Any:
        if parts[1:] == (("op", "!"),):
            return sp.gamma(np.asarray(self.of(parts[0])) + 1.0)
        if parts[1] == ("op", "="):  # P(a, x) = 1 / gamma(a) ...: the first is enough
            return self.of(parts[0])
        if parts[1] == ("op", ","):
            return tuple(self.of(p) for p in parts[::2])
        raise CannotBeComputed(str(parts))

    def _cases(self, *cases: tuple[Tree, Tree | None]) -> Any:
        out: Any = 0
        for value, condition in reversed(cases):
            out = self.of(value) if condition is None else np.where(self._holds(condition), self.of(value), out)
        return out

    def _holds(self, condition: Tree) -> Any:
        if condition[0] == "name":
            return self._name(condition[1])
        if condition[0] != "row":
            raise CannotBeComputed(str(condition))
        compare = {"<": np.less, ">": np.greater, "<=": np.less_equal, ">=": np.greater_equal, "=": np.equal, "!=": np.not_equal}
        terms, signs = [self.of(p) for p in condition[1::2]], [p[1] for p in condition[2::2]]
        out: Any = True
        for a, sign, b in zip(terms, signs, terms[1:], strict=False):
            if sign not in compare:
                raise CannotBeComputed(sign)
            out = np.logical_and(out, compare[sign](a, b))
        return out

    def _big(self, sign: Tree, body: Tree) -> Any:
        name = sign[1] if sign[0] == "name" else sign[1][1] if sign[1][0] == "name" else sign[1][1][1]
        if name == "integral":
            low, high = self.of(sign[1][2]), self.of(sign[2])
            kept, letter = _without_differential(body)
            with warnings.catch_warnings():
                warnings.simplefilter("error", scipy.integrate.IntegrationWarning)
                try:
                    return scipy.integrate.quad(lambda t: np.real(self._with(**{letter: t}).of(kept)), low, high)[0]
                except scipy.integrate.IntegrationWarning as error:  # a pole on the way
                    raise CannotBeComputed(str(error)) from error
        script = sign[2]
        letter, condition = (script[1], None) if script[0] == "name" else (script[1][1], script)
        if script[0] == "row" and ("op", ",") in script:
            raise CannotBeComputed(str(script))
        parts = []
        for i in range(self._length(letter, body)):
            inside = self._with(**{letter: i})
            if condition is None or inside._holds(condition):
                parts.append(inside.of(body))
        if len(parts) == TERMS and np.any(np.abs(parts[-1]) > 1e-9 * np.abs(sum(parts))):
            raise CannotBeComputed("more terms than there is time for")
        return {"sum": sum, "prod": math.prod, "max": max, "min": min}[name](parts)

    def _length(self, letter: str, body: Tree) -> int:
        """How long the arrays are that have this index; a sum without arrays has no end."""
        lengths = [np.shape(self.names[name])[0] for name in _indexed(body, letter) if np.ndim(self.names.get(name)) == 1]
        return max(lengths) if lengths else TERMS


def _arguments(inside: Tree) -> list[Tree]:
    if inside[0] == "row" and ("op", ",") in inside:
        return [part for part in inside[1:] if part != ("op", ",")]
    return [] if inside == ("row",) else [inside]


def _without_differential(body: Tree) -> tuple[Tree, str]:
    """The integrand, and the letter of dt."""
    if body[0] != "mul" or body[-1][0] != "name" or body[-1][1][0] != "d":
        raise CannotBeComputed(str(body))
    kept = body[1:-1]
    return (kept[0] if len(kept) == 1 else ("mul", *kept)), body[-1][1][1:]


def _indexed(tree: Tree, letter: str) -> Iterator[str]:
    if tree[0] == "sub" and tree[1][0] == "name" and letter in str(tree[2]):
        yield tree[1][1]
    for part in tree[1:]:
        if isinstance(part, tuple):
            yield from _indexed(part, letter)
