"""What the options of optimizers may be: one table for constructors, groups and loaded states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isfinite, isnan
from typing import Any

import numpy as np

from minigrad import Tensor

__all__ = ["NO_EFFECT", "RULES", "Rule", "WrongType", "at_least", "check_options", "number", "plain", "rules"]

#: Options that PyTorch has for the sake of speed, and that are taken here without an effect.
NO_EFFECT = ("foreach", "fused", "capturable", "differentiable")


class WrongType(TypeError):
    """A value is of another type; not the error of a number that leaves a graph, which is a TypeError too."""


@dataclass(frozen=True)
class Rule:
    """What an option may be: a test, and its words for the error.

    The test raises WrongType for a value of another type.
    """

    holds: Callable[[Any], bool]
    text: str


def number(value: Any) -> float:
    """A real number of any kind, also a tensor of one element, as a float.

    Raises:
        WrongType: it is none; a TypeError.

    >>> number(Tensor([0.5])), number(np.float32(2))
    (0.5, 2.0)
    """
    if isinstance(value, (Tensor, np.ndarray, np.generic)):
        if value.size != 1 or value.dtype.kind not in "fiu":
            raise WrongType("no number")
        return float(value.item())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType("no number")
    return float(value)


def at_least(low: float, below: float = inf) -> Rule:
    """A finite number in [low, below).

    >>> at_least(0).text, at_least(0, 1).holds(1.0)
    ('a number of at least 0', False)
    """
    text = f"a number of at least {low:g}" + (f" and below {below:g}" if below < inf else "")
    return Rule(lambda value: low <= number(value) < below, text)


def _within(low: float, high: float) -> Rule:
    text = f"a number from {low:g} to {high:g}"
    return Rule(lambda value: low <= number(value) <= high, text)


def _several(count: int, holds: Callable[..., bool], text: str) -> Rule:
    """A tuple or list of numbers that pass a test together."""

    def test(value: Any) -> bool:
        if not isinstance(value, (tuple, list)):
            raise WrongType("no tuple")
        return len(value) == count and holds(*map(number, value))

    return Rule(test, text)


def _one_of(*choices: Any) -> Rule:
    return Rule(lambda value: any(value is c or value == c for c in choices), f"one of {choices}")


def _is_flag(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise WrongType("no bool")
    return True


def _is_count(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise WrongType("no whole number")
    return bool(value >= 1)


_FLAG = Rule(_is_flag, "True or False")
_FLAG_OR_NONE = Rule(lambda value: value is None or _is_flag(value), "True, False or None")
_COUNT = Rule(_is_count, "a whole number of at least 1")
_NOT_NEGATIVE = at_least(0)

RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("lr", "momentum", "weight_decay", "eps", "alpha", "lr_decay", "initial_accumulator_value",
         "momentum_decay", "lambd", "tolerance_grad", "tolerance_change"),
        _NOT_NEGATIVE,
    ),
    **dict.fromkeys(("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay"), _FLAG),
    **dict.fromkeys(("capturable", "differentiable"), _FLAG),
    **dict.fromkeys(("foreach", "fused"), _FLAG_OR_NONE),
    **dict.fromkeys(("max_iter", "max_eval", "history_size"), _COUNT),
    "dampening": Rule(lambda value: isfinite(number(value)), "a finite number"),
    "t0": Rule(lambda value: not isnan(number(value)), "a number"),
    "betas": _several(2, lambda a, b: 0 <= a < 1 and 0 <= b < 1, "two numbers in [0, 1)"),
    "rho": _within(0, 1),
    "etas": _several(2, lambda a, b: 0 < a < 1 < b, "two numbers 0 < a < 1 < b"),
    "step_sizes": _several(2, lambda a, b: 0 <= a <= b, "two numbers 0 <= a <= b"),
    "beta2_decay": Rule(lambda value: number(value) <= 0, "a number of at most 0"),
    "d": Rule(lambda value: number(value) >= 1, "a number of at least 1"),
    "ns_coefficients": _several(3, lambda a, b, c: isfinite(a + b + c), "three numbers"),
    "ns_steps": Rule(lambda value: _is_count(value) and value < 100, "a whole number from 1 to 99"),
    "adjust_lr_fn": _one_of(None, "original", "match_rms_adamw"),
    "line_search_fn": _one_of(None, "armijo", "strong_wolfe"),
}  # fmt: skip

#: What schedules and users write into groups beside an optimizer's options.
BESIDE: dict[str, Rule] = {
    **dict.fromkeys(("initial_lr", "max_lr", "min_lr", "swa_lr"), _NOT_NEGATIVE),
    **dict.fromkeys(("base_momentum", "max_momentum"), _NOT_NEGATIVE),
    "name": Rule(lambda value: isinstance(value, str), "text"),
    "param_names": Rule(lambda value: all(isinstance(n, str) for n in value), "names"),
}


def rules(*names: str) -> dict[str, Rule]:
    """Those of the table that an optimizer has.

    >>> sorted(rules("lr", "eps"))
    ['eps', 'lr']
    """
    return {name: RULES[name] for name in names}


def check_options(kind: str, options: Mapping[str, Any], known: Mapping[str, Rule]) -> None:
    """Hold options against an optimizer's rules.

    Raises:
        ValueError: a number is out of range; the message has its name and value.
        TypeError: a value is of another type.
    """
    for name, value in options.items():
        rule = known.get(name) or BESIDE.get(name)
        if rule is None:
            continue
        try:
            fits = rule.holds(value)
        except WrongType:
            raise TypeError(f"{kind}: {name} must be {rule.text}, got {_shown(value)}") from None
        if not fits:
            raise ValueError(f"{kind}: {name} must be {rule.text}, got {_shown(value)}")


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with Python's numbers in place of tensors and of NumPy's, which would change dtypes."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return number(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.item()
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value


def _shown(value: Any) -> str:
    return " ".join(repr(value).split())[:80]
