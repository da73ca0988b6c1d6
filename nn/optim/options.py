"""What the options of optimizers may be: one table for constructors, groups and loaded states."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

import numpy as np

from minigrad import Tensor, raw
from minigrad.tracing import decided, is_traced

from ..checks import (
    FLAG,
    POSITIVE,
    Kind,
    WrongType,
    at_least,
    number,
    one_of,
    several,
    whole,
    within,
)

__all__ = ["BESIDE", "NO_EFFECT", "RULES", "check_rules", "plain", "rules"]

#: Options that PyTorch has for the sake of speed: they change no number.  `foreach=False` steps
#: parameters one by one on a GPU; the others are taken without an effect.
NO_EFFECT = ("foreach", "fused", "capturable", "differentiable")


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(n, str) for n in value)


_FLAG_OR_NONE = Kind("True, False or None", lambda value: value is None or FLAG.test(value))
_NOT_NEGATIVE = at_least(0)

RULES: dict[str, Kind] = {
    **dict.fromkeys(
        ("lr", "momentum", "weight_decay", "eps", "alpha", "lr_decay", "initial_accumulator_value",
         "momentum_decay", "lambd", "tolerance_grad", "tolerance_change"),
        _NOT_NEGATIVE,
    ),
    **dict.fromkeys(("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay"), FLAG),
    **dict.fromkeys(("capturable", "differentiable"), FLAG),
    **dict.fromkeys(("foreach", "fused"), _FLAG_OR_NONE),
    **dict.fromkeys(("max_iter", "max_eval", "history_size"), POSITIVE),
    "dampening": Kind("a finite number", lambda value: isfinite(number(value))),
    "t0": Kind("a number", lambda value: not isnan(number(value))),
    "betas": several(2, lambda a, b: 0 <= a < 1 and 0 <= b < 1, "two numbers in [0, 1)"),
    "rho": within(0, 1),
    "etas": several(2, lambda a, b: 0 < a < 1 < b, "two numbers 0 < a < 1 < b"),
    "step_sizes": several(2, lambda a, b: 0 <= a <= b, "two numbers 0 <= a <= b"),
    "beta2_decay": Kind("a number of at most 0", lambda value: number(value) <= 0),
    "d": Kind("a number of at least 1", lambda value: number(value) >= 1),
    "ns_coefficients": several(3, lambda a, b, c: isfinite(a + b + c), "three numbers"),
    "ns_steps": whole(1, 99),
    "adjust_lr_fn": one_of(None, "original", "match_rms_adamw"),
    "line_search_fn": one_of(None, "armijo", "strong_wolfe"),
}  # fmt: skip

#: What schedules and users write into groups beside an optimizer's options.
BESIDE: dict[str, Kind] = {
    **dict.fromkeys(("initial_lr", "max_lr", "min_lr", "swa_lr"), _NOT_NEGATIVE),
    **dict.fromkeys(("base_momentum", "max_momentum"), _NOT_NEGATIVE),
    "name": Kind("text", lambda value: isinstance(value, str)),
    "param_names": Kind("names", _are_names),
}


def rules(*names: str) -> dict[str, Kind]:
    """Those of the table that an optimizer has.

    >>> sorted(rules("lr", "eps"))
    ['eps', 'lr']
    """
    return {name: RULES[name] for name in names}


def check_rules(kind: str, options: Mapping[str, Any], known: Mapping[str, Kind]) -> None:
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
            fits = rule.test(value)
        except WrongType:
            raise TypeError(f"{kind}: {name} must be {rule.words}, got {_shown(value)}") from None
        if not fits:
            raise ValueError(f"{kind}: {name} must be {rule.words}, got {_shown(value)}")


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with Python's numbers in place of tensors and of NumPy's, which would change dtypes."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return decided(raw(value)) if is_traced(raw(value)) else number(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size == 1:
        return value.item()
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value


def _shown(value: Any) -> str:
    return " ".join(repr(value).split())[:80]
