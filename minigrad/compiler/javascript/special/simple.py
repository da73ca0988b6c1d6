"""Functions that are one expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .wide import wide

__all__ = ["SIMPLE", "cospi", "sinpi"]


def sinpi(x: Any) -> Any:
    """sin(pi x), exact where it is 0, 1 or -1."""
    near = np.rint(x)
    return np.sin(np.pi * (x - near)) * (1.0 - 2.0 * np.remainder(near, 2.0))


def cospi(x: Any) -> Any:
    """cos(pi x) = sin(pi (x + 1/2)), of the remainder, to which 1/2 can be added exactly."""
    return sinpi(np.remainder(x, 2.0) + 0.5)


@wide
def xlog1py(x: Any, y: Any) -> Any:
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log1p(y))


@wide
def entr(x: Any) -> Any:
    return np.where(x > 0, -x * np.log(x), np.where(x == 0, 0.0, np.where(x < 0, -np.inf, x)))


@wide
def rel_entr(x: Any, y: Any) -> Any:
    inside = np.where((x == 0) & (y >= 0), 0.0, np.inf)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.where((x > 0) & (y > 0), x * np.log(x / y), inside))


@wide
def kl_div(x: Any, y: Any) -> Any:
    inside = np.where((x == 0) & (y >= 0), y, np.inf)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.where((x > 0) & (y > 0), x * np.log(x / y) - x + y, inside))


@wide
def huber(delta: Any, r: Any) -> Any:
    size = np.abs(r)
    return np.where(delta < 0, np.inf, np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta)))


@wide
def pseudo_huber(delta: Any, r: Any) -> Any:
    v = r / delta
    inside = np.where((delta == 0) | (r == 0), 0.0, r * r / (np.sqrt(1.0 + v * v) + 1.0))
    return np.where(delta < 0, np.inf, inside)


@wide
def boxcox(x: Any, power: Any) -> Any:
    return np.where(np.abs(power) < 1e-19, np.log(x), np.expm1(power * np.log(x)) / power)


@wide
def boxcox1p(x: Any, power: Any) -> Any:
    return np.where(np.abs(power) < 1e-19, np.log1p(x), np.expm1(power * np.log1p(x)) / power)


@wide
def inv_boxcox(x: Any, power: Any) -> Any:
    return np.where(power == 0, np.exp(x), np.exp(np.log1p(power * x) / power))


@wide
def inv_boxcox1p(x: Any, power: Any) -> Any:
    return np.where(power == 0, np.expm1(x), np.expm1(np.log1p(power * x) / power))


@wide
def cosm1(x: Any) -> Any:
    half = np.sin(0.5 * x)
    return -2.0 * half * half


@wide
def powm1(x: Any, y: Any) -> Any:
    return np.where(x > 0, np.expm1(y * np.log(x)), np.power(x, y) - 1.0)


@wide
def exprel(x: Any) -> Any:
    return np.where(np.abs(x) < 1e-16, 1.0, np.expm1(x) / x)


@wide
def sindg(x: Any) -> Any:
    return sinpi(np.remainder(x, 360.0) / 180.0)


@wide
def cosdg(x: Any) -> Any:
    return cospi(np.remainder(x, 360.0) / 180.0)


@wide
def tandg(x: Any) -> Any:
    turn = np.remainder(x, 360.0) / 180.0
    return sinpi(turn) / cospi(turn)


SIMPLE: dict[str, Callable[..., Any]] = {
    "xlog1py": xlog1py, "entr": entr, "rel_entr": rel_entr, "kl_div": kl_div, "huber": huber, "pseudo_huber": pseudo_huber,
    "boxcox": boxcox, "boxcox1p": boxcox1p, "inv_boxcox": inv_boxcox, "inv_boxcox1p": inv_boxcox1p, "cosm1": cosm1,
    "powm1": powm1, "exprel": exprel, "sindg": sindg, "cosdg": cosdg, "tandg": tandg,
    "exp10": wide(lambda x: np.power(10.0, x)),
}  # fmt: skip
