"""Behind a mask nothing happens: where a masking op sends no gradient, none arrives further down.

In ``np.where(x > 0, np.log(x), 0)`` no gradient is sent to the logarithm where x <= 0.  The chain rule
multiplies that 0 with the slope of the logarithm, which is infinite or NaN there, and 0 * inf is NaN.

The engine mends this in one place, for all rules (`mended`).  An op that sends gradients to a part of
its input alone is declared with `masks=`.  What lies below it in the graph is looked at: if the rule of
an op gives numbers that are not finite, they become 0 where only zeros of the mask went into them.
Other zeros are not touched, so that 0 * exp(x) is what IEEE 754 says (`sent_below` tells them apart).  A
backward pass that meets no masking op looks at nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy import ndarray

from .arrays.batch import all_examples
from .graph import Node
from .later import holds_for_any, is_unread
from .tensor import raw

__all__ = [
    "EVERYWHERE", "BehindMask", "Sent", "any_numbers", "closed", "either", "has_no_zero", "is_finite", "masks",
    "mended", "sent_below", "sent_to",
]  # fmt: skip

#: A rule of which everything is known but the gradient and the values that it reads.
Rule = Callable[[Any, Sequence[Any]], Any]
_NUMBER = np.zeros(())


def masks(node: Node, look: bool = True) -> bool:
    """Whether the op of a node sends its gradient to a part of its input alone.

    Without a look at numbers on a GPU: whether it may.
    """
    op = node.op
    if op.masks is True:
        return True
    if not op.masks or node.saved is None:
        return False
    named = (zip(r, v, strict=True) for r, v in zip(op.reads, node.saved, strict=False) if v)
    values = {name: value for pairs in named for name, value in pairs}
    read = [values[name] for name in op.mask_reads]
    if not look and any(map(is_unread, read)):
        return True
    return bool(op.masks(*read))


class Sent:
    """Where a gradient was sent, also if it happens to be 0 there: found when it is asked for.

    Attributes:
        above: what this follows from.
        find: gives the mask, from those of `above`.
    """

    __slots__ = ("_mask", "above", "find")

    def __init__(self, find: Callable[..., Any], *above: Sent) -> None:
        self.find, self.above, self._mask = find, above, None

    @property
    def mask(self) -> Any:
        """True where the gradient was sent.  A graph may be too deep for a recursion."""
        stack = [self]
        while stack:
            missing = [sent for sent in stack[-1].above if sent._mask is None]
            if missing:
                stack += missing
                continue
            sent = stack.pop()
            if sent._mask is None:
                sent._mask = sent.find(*(other._mask for other in sent.above))
        return self._mask


#: Where a masking op is the first: its own gradient was sent everywhere.
EVERYWHERE = Sent(lambda: np.True_)


class BehindMask(dict[Node, "Sent | None"]):
    """The nodes whose gradient has come through a masking op, and where it was sent (None: not known), in a backward pass.

    From the first of them on NumPy does not warn: what is not finite is mended.
    """

    _silent: np.errstate | None = None

    def silence(self) -> None:
        if self._silent is None:
            self._silent = np.errstate(all="ignore")
            self._silent.__enter__()

    def __enter__(self) -> BehindMask:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._silent is not None:
            self._silent.__exit__(*error)


def sent_to(g: Any) -> Sent:
    """To where a gradient is not 0."""
    return Sent(lambda: raw(g) != 0)


def either(one: Sent | None, two: Sent | None) -> Sent | None:
    """To where one or the other was sent."""
    return None if one is None or two is None else Sent(np.logical_or, one, two)


def closed(sent: Sent | None, whole: bool, g: Any) -> Any:
    """Where g is a 0 of the mask, or any 0 where it is not known to what it was sent.

    Args:
        whole: whether what lies outside of the mask is 0 for certain, whatever g is (`NodeInfo.behind_mask`);
            otherwise g may have come by other ways too.
    """
    if sent is None:
        return raw(g) == 0
    mask = sent.mask
    if isinstance(mask, np.bool_):  # one for all elements: it is made where g is, on a GPU perhaps
        outside = np.full_like(raw(g), not mask, dtype=bool)
    else:
        outside = np.broadcast_to(~mask, g.shape)
    return outside if whole else outside & (raw(g) == 0)


def sent_below(sent: Sent | None, node: Node, g: Any, rule: Callable[[Any], Any]) -> Sent | None:
    """Where a node sends its gradient g on to a parent.

    Args:
        rule: what arrives at the parent, in its shape, for another gradient.
    """
    if sent is None or node.shape is None:
        return None
    like = _NUMBER if type(g) is ndarray else g  # an array's buffer may be reused, if nobody holds it

    def below(mask: Any) -> Any:
        ones = np.ones_like(raw(like), shape=node.shape) * mask
        return rule(ones.astype(node.dtype)) != 0

    return Sent(below, sent)


def is_finite(c: Any) -> bool:
    """Whether all numbers of an array, of a Tensor's or of a batch's, are finite."""
    if type(c) is not ndarray:
        c = all_examples(raw(c))
    elif isfinite(np.vdot(c, c).real):  # reads once and makes no array
        return True
    return not holds_for_any(np.logical_not(np.isfinite(c)))


def has_no_zero(c: Any) -> bool:
    """Whether no number is 0.  Of many numbers the first ones tell most often."""
    c = all_examples(raw(c))
    if is_unread(c):
        return bool(np.all(c != 0))
    if not isinstance(c, (ndarray, np.generic)):  # rows that were left out are 0
        return False
    if c.size > 4096 and not c.flat[:64].all():
        return False
    return bool(np.count_nonzero(c) == c.size)


def mended(
    c: Any,
    g: Any,
    is_closed: Callable[[Any], Any],
    elementwise: bool,
    masking: bool,
    rule: Rule,
    reads: Sequence[Any],
) -> Any:
    """A contribution, with 0 in place of what is not finite because of zeros of a mask.

    Args:
        c: what the rule gave.
        g: the gradient that it got, or a tuple for an op of several outputs.
        is_closed: tells where g is a 0 of the mask (`closed`).
        elementwise, masking: what kind of op it is.
        rule, reads: the rule, and what it read beside the gradient.

    The rule of a product adds up many elements of g.  It runs again with numbers in place of what it
    read that is not finite: what does not change with these numbers was only multiplied with zeros.  At
    last what is infinite only for numbers that are finite (the slope of a root at 0): what stays 0 with
    1 in place of all that was sent, and any numbers in place of what the rule reads.
    """
    elementwise = elementwise and np.shape(c) == getattr(g, "shape", None)
    parts = g if type(g) is tuple else (g,)
    if not elementwise and all(bool(np.all(all_examples(is_closed(part)))) for part in parts):
        return np.zeros_like(c)
    wrong = ~np.isfinite(raw(c))
    values = _raw(reads)
    if masking:  # it may have multiplied its mask with an infinite gradient
        share = rule(_swapped(_raw(g), np.ones_like), values)
        c = _replaced(c, wrong & (share == 0), 0)
        wrong = wrong & (share != 0)
    if elementwise:
        return _replaced(c, wrong & is_closed(g), 0)
    ones = _swapped(_raw(g), lambda x: (~is_closed(x)).astype(x.dtype))
    g = _swapped(g, lambda x: _replaced(x, is_closed(x), 0))
    with_1, with_2 = (rule(ones, _swapped(values, _finite(number))) for number in (1, 2))
    same = np.isfinite(with_1) & (with_1 == with_2)
    c = _replaced(c, wrong & same, rule(g, _swapped(reads, _finite(1))))
    wrong = wrong & ~same
    if np.any(all_examples(wrong)):
        c = _replaced(c, wrong & (rule(ones, _swapped(values, any_numbers)) == 0), 0)
    return c


def _replaced(c: Any, where: Any, by: Any) -> Any:
    return np.where(where, by if hasattr(by, "dtype") else np.zeros_like(c, shape=()), c)


def _raw(x: Any) -> Any:
    return type(x)(map(_raw, x)) if type(x) in (tuple, list) else raw(x)


def _swapped(x: Any, swap: Callable[[Any], Any]) -> Any:
    """Nested values, with another array in place of each that holds real or complex numbers."""
    if type(x) in (tuple, list):
        return type(x)(_swapped(part, swap) for part in x)
    return swap(x) if getattr(x, "dtype", np.dtype(bool)).kind in "fc" else x


def _finite(number: int) -> Callable[[Any], Any]:
    return lambda x: _replaced(x, ~np.isfinite(raw(x)), np.full_like(raw(x), number, shape=()))


def any_numbers(x: Any) -> Any:
    """Numbers between 1/4 and 3/4 that have nothing to do with one another, in place of an array."""
    count = np.arange(x.size, like=all_examples(x)).reshape(x.shape)
    return (0.25 + 0.5 * (count * 0.6180339887498949 % 1)).astype(x.dtype)
