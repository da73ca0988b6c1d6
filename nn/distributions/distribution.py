"""What all distributions share: shapes, checks of parameters and values, and what follows from a few functions of each."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from minigrad import Tensor, array, beside, broadcast_to, get_default_dtype, no_grad, raw
from minigrad.arrays import all_examples

from .constraints import Constraint

__all__ = ["Distribution"]

Shape = tuple[int, ...]


def parameters(*values: Any) -> list[Tensor]:
    """Parameters side by side, as Tensors of one floating dtype: numbers take that of the others, or the default."""
    known = [v.dtype for v in values if hasattr(v, "dtype") and v.dtype.kind == "f"]
    dtype = np.result_type(*known) if known else np.dtype(get_default_dtype())
    like = next((v for v in values if isinstance(v, Tensor)), None)
    return [_parameter(v, dtype, like) for v in values]


def _parameter(value: Any, dtype: Any, like: Any) -> Tensor:
    if isinstance(value, (list, tuple)):  # of numbers, and of Tensors that keep their gradients
        value = array(value, dtype=dtype)
    tensor = value if isinstance(value, Tensor) else Tensor(beside(np.asarray(raw(value), dtype), like))
    return tensor if tensor.dtype == dtype else tensor.astype(dtype)


def broadcast(*values: Any) -> list[Tensor]:
    """Parameters as Tensors of one floating dtype and one shape."""
    made = parameters(*values)
    shape = np.broadcast_shapes(*(p.shape for p in made))
    return [p if p.shape == shape else broadcast_to(p, shape) for p in made]


def constant_like(values: Any, x: Tensor) -> Tensor:
    """Constant values on the device of x and in its dtype."""
    return Tensor(beside(np.asarray(values, x.dtype), x))


class Distribution:
    """A distribution, or a batch of independent ones: a sample has the shape (*sample_shape, *batch_shape, *event_shape).

    The functions are those of `torch.distributions`.  A subclass lists its parameters in `arg_constraints`, sets them as
    attributes, calls this `__init__`, and defines `log_prob`, and `rsample` (a draw that is a differentiable function of the
    parameters) or `sample`.

    Args:
        batch_shape: the shape of the batch, that of the parameters together.
        event_shape: the shape of one value: () for numbers, (d,) for vectors.
        validate_args: whether parameters and values are checked; None for what `set_default_validate_args` says.

    Raises:
        ValueError: a parameter, or later a value, is not what it must be.
    """

    arg_constraints: ClassVar[Mapping[str, Constraint]] = {}
    has_rsample = False
    has_enumerate_support = False
    _validate_by_default = True

    def __init__(self, batch_shape: Shape = (), event_shape: Shape = (), validate_args: bool | None = None) -> None:
        self.batch_shape, self.event_shape = tuple(batch_shape), tuple(event_shape)
        self._validate_args = self._validate_by_default if validate_args is None else validate_args
        if self._validate_args:
            for name in self._given():
                self._check_parameter(name, getattr(self, name), self.arg_constraints[name])

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions that are made from now on check their parameters and values."""
        Distribution._validate_by_default = bool(value)

    def _given(self) -> list[str]:
        """The names of the parameters that are kept, as attributes; others follow from them."""
        return [name for name in self.arg_constraints if name in vars(self)]

    def _check_parameter(self, name: str, value: Tensor, constraint: Constraint) -> None:
        constraint.require(value, partial(_not_in, f"{type(self).__name__}: {name} must be", value.shape, constraint), True)

    def _first(self) -> Any:
        """A parameter, which says the dtype and the device of the numbers."""
        return getattr(self, self._given()[0])

    # --------------------------------------------------------------------------------- values

    @property
    def support(self) -> Constraint:
        """Which values are possible."""
        self._missing("support")

    def _value(self, value: Any) -> Any:
        """A value as a Tensor, checked: its last axes are those of an event, the others fit the batch."""
        like = self._first()
        if isinstance(value, (list, tuple)):
            value = array(value, dtype=like.dtype)
        if not isinstance(value, Tensor):
            kept = getattr(value, "dtype", None)
            values = np.asarray(raw(value), None if kept is not None and kept.kind == "f" else like.dtype)
            value = Tensor(beside(values, like))
        elif value.dtype.kind in "biu":
            value = value.astype(like.dtype)
        self._check_value(value)
        return value

    def _check_value(self, value: Tensor) -> None:
        events = len(self.event_shape)
        shape, own = value.shape, (*self.batch_shape, *self.event_shape)
        name = type(self).__name__
        if events and shape[max(len(shape) - events, 0) :] != self.event_shape:
            raise ValueError(f"{name}: expected values of shape (..., {str(self.event_shape)[1:-1]}), got {shape}")
        try:
            np.broadcast_shapes(shape, own)
        except ValueError:
            raise ValueError(f"{name}: values of shape {shape} do not fit the batch of shape {own}") from None
        if self._validate_args:
            self.support.require(value, partial(_not_in, f"{name}: values must be", value.shape, self.support), True)

    def _extended(self, sample_shape: Any) -> Shape:
        """The shape of a sample."""
        sizes = (sample_shape,) if isinstance(sample_shape, (int, np.integer)) else tuple(sample_shape)
        return (*map(int, sizes), *self.batch_shape, *self.event_shape)

    # ----------------------------------------------------------------- what subclasses define

    def _missing(self, what: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} has no {what}")

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draws that are differentiable functions of the parameters."""
        raise NotImplementedError(
            f"{type(self).__name__} has no rsample, its draws do not move with the parameters; use sample() and log_prob() "
            "(the score function), or a relaxed distribution"
        )

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws, as constants."""
        with no_grad():
            return self.rsample(sample_shape).detach()

    def log_prob(self, value: Any) -> Tensor:
        """Logarithm of the density, or of the probability, of a value."""
        self._missing("log_prob")

    def cdf(self, value: Any) -> Tensor:
        """The probability of a value up to this one."""
        self._missing("cdf")

    def icdf(self, value: Any) -> Tensor:
        """The quantile of a probability."""
        self._missing("icdf")

    def entropy(self) -> Tensor:
        """Minus the mean of `log_prob`."""
        self._missing("entropy")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All possible values, along a first axis of their own.

        Args:
            expand: repeat them along the batch: (K, *batch_shape, *event_shape); False: with axes of length 1 there.
        """
        raise NotImplementedError(f"{type(self).__name__}: its values cannot be enumerated")

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        self._missing("mean")

    @property
    def mode(self) -> Tensor:
        """The value of the highest density or probability."""
        self._missing("mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        self._missing("variance")

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return np.sqrt(self.variance)

    def perplexity(self) -> Tensor:
        """e to the entropy."""
        return np.exp(self.entropy())

    def expand(self, batch_shape: Any) -> Self:
        """The same distribution with its parameters repeated along a larger batch.

        Args:
            batch_shape: the new shape, to which the present one can be broadcast.

        >>> from nn.distributions import Normal
        >>> Normal(0.0, 1.0).expand((3, 2)).sample().shape
        (3, 2)
        """
        shape = tuple(batch_shape)
        out = copy.copy(self)
        for name in self._given():
            value = getattr(self, name)
            last = self.arg_constraints[name].event_dim
            setattr(out, name, broadcast_to(value, (*shape, *value.shape[value.ndim - last :])))
        out.batch_shape = shape
        return out

    def __repr__(self) -> str:
        shown = []
        for name in self._given():
            value = getattr(self, name)
            plain = all_examples(raw(value))
            shown.append(f"{name}: {float(plain):g}" if np.size(plain) == 1 and not np.ndim(plain) else f"{name}: {value.shape}")
        return f"{type(self).__name__}({', '.join(shown)})"


class Numbers(Distribution):
    """A distribution of single numbers: its parameters are broadcast to one shape, the batch's.

    A subclass writes its parameters in the signature of its `__init__` and hands them on by name.
    """

    def __init__(self, validate_args: bool | None = None, **given: Any) -> None:
        """Parameters of any shapes that can be broadcast together.

        Args:
            validate_args: whether parameters and values are checked; None: what `set_default_validate_args` says.
        """
        values = broadcast(*given.values())
        for name, value in zip(given, values, strict=True):
            setattr(self, name, value)
        super().__init__(values[0].shape, (), validate_args)


class Centred(Distribution):
    """A distribution around `loc`, which is the mean and the mode."""

    loc: Any

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc


def _not_in(words: str, shape: Shape, constraint: Constraint, first: Any, wrong: int, number: int) -> ValueError:
    """The error; a constraint says its bounds, which may have to be read, when it is made."""
    if first is None:
        excerpt = f"{wrong} of {number} that are not, in shape {shape}"
    else:
        excerpt = f"{float(first):g} ({wrong} of {number} in shape {shape})"
    return ValueError(f"{words} {constraint}, got {excerpt}")
