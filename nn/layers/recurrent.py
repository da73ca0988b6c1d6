"""Recurrent layers and cells; the mathematics is in `nn.functional.recurrent`."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from minigrad import Tensor, beside, concatenate, empty, ones, raw, stack, zeros

from .. import functional as F
from .. import init
from ..checks import POSITIVE, PROBABILITY, check
from ..functional import recurrent as R
from ..module import Module, Parameter
from ..utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from ..values import as_input, host

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell"]


class _Recurrent(Module):
    """What the recurrent layers share.

    Attributes:
        weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0: of the first layer, (gates * hidden_size, ...), uniform in
            ±1/sqrt(hidden_size) at first; `_l1` and so on for the layers above, `_reverse` for the direction back.
    """

    gates: int
    proj_size: int = 0
    recurrent_dropout: float = 0.0  # of layers that were pickled before there was one
    weight_ih_l0: Parameter

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: str | None = None, dtype: Any = None, *,
        recurrent_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        """Inputs are (T, B, I), outputs (T, B, H); `forward` takes the first state, and gives the last one.

        Args:
            input_size: length of the inputs of a step, I.
            hidden_size: length of the state, H.
            num_layers: how many layers there are, each of which reads the outputs of the one below.
            bias: whether b_ih and b_hh are added.
            batch_first: whether inputs and outputs are (B, T, ...), in place of (T, B, ...); states are (..., B, H) in any case.
            dropout: the probability with which inputs of the layers above the first are dropped in training, anew at each step.
            bidirectional: whether each layer also reads the sequence from its end, with parameters of its own; outputs of both
                directions stand one after the other, 2 H long.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
            recurrent_dropout: the probability with which states are dropped in training where W_hh multiplies them. The mask of
                a sequence is the same at all steps (Gal and Ghahramani, 2016); each layer and direction has its own. PyTorch
                has no such option.

        Raises:
            ValueError: an option is out of its range.
        """
        self.input_size, self.hidden_size, self.num_layers, self.bias = input_size, hidden_size, num_layers, bias
        self.batch_first, self.dropout, self.bidirectional = batch_first, dropout, bidirectional
        self.recurrent_dropout = recurrent_dropout
        check(type(self).__name__, "num_layers", num_layers, POSITIVE)
        check(type(self).__name__, "dropout", dropout, PROBABILITY)
        check(type(self).__name__, "recurrent_dropout", recurrent_dropout, PROBABILITY)
        out, rows, bound = self.proj_size or hidden_size, self.gates * hidden_size, 1 / sqrt(hidden_size)
        for layer in range(num_layers):
            features = input_size if layer == 0 else out * (1 + bidirectional)
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, out)}
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
                shapes |= {"weight_hr": (self.proj_size, hidden_size)} if self.proj_size else {}
                for name, shape in shapes.items():
                    parameter = Parameter(empty(shape, dtype=dtype, device=device))
                    init.uniform_(parameter, -bound, bound)
                    setattr(self, name + suffix, parameter)

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        return (f"_l{layer}", f"_l{layer}_reverse") if self.bidirectional else (f"_l{layer}",)

    def _weights(self, suffix: str) -> list[Any]:
        return [getattr(self, name + suffix, None) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]

    def run(self, x: Any, state: tuple[Any, ...], suffix: str, keep: Any, drop: Any) -> tuple[Any, ...]:
        """One layer in one direction: (outputs, *last states)."""
        raise NotImplementedError

    def state_sizes(self) -> tuple[int, ...]:
        """The length of each state."""
        return (self.hidden_size,)

    def forward(self, input: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:  # noqa: A002
        """All steps.

        Args:
            input: (T, B, input_size), (B, T, input_size) with batch_first, (T, input_size) for one sequence, or a PackedSequence.
            state: the first state, (layers * directions, B, hidden_size), without B for one sequence; of an LSTM a pair (h, c),
                h as long as proj_size says; None: zeros.
            lengths: (B,), where the sequences end, integers from 1 to T; outputs beyond are 0 and the last state is that at the
                end. None: all have T steps. PyTorch takes lengths in a PackedSequence alone.

        Returns:
            The outputs of the last layer, as the input is laid out, and the last state of every layer and direction.
        """
        if isinstance(input, PackedSequence):
            return self._packed(input, state)
        x = as_input(input, self.weight_ih_l0)
        single = x.ndim == 2
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ValueError(f"{type(self).__name__}: expected last axis {self.input_size} of 2 or 3 axes, got shape {x.shape}")
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = x.swapaxes(0, 1)
        steps, batch = x.shape[:2]
        states = self._first_states(state, batch, x, single)
        lengths = None if lengths is None else host(lengths)
        if lengths is not None and (lengths.shape != (batch,) or (lengths < 1).any() or lengths.max() > steps):
            raise ValueError(f"{type(self).__name__}: lengths {lengths} do not fit {batch} sequences of {steps} steps")
        keep = None if lengths is None else self._keep(lengths, x)
        last: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outs = []
            for suffix in self._suffixes(layer):
                backwards = suffix.endswith("_reverse")
                inputs, first = _turned(x, lengths) if backwards else x, tuple(s[len(last)] for s in states)
                out, *ends = self.run(inputs, first, suffix, keep, self._drop(first[0]))
                outs.append(_turned(out, lengths) if backwards else out)
                last.append(tuple(ends))
            x = concatenate(outs, axis=-1) if len(outs) > 1 else outs[0]
        final = tuple(stack(list(each)) for each in zip(*last, strict=True))
        if single:
            x, final = x[:, 0], tuple(s[:, 0] for s in final)
        elif self.batch_first:
            x = x.swapaxes(0, 1)
        return x, final if len(final) > 1 else final[0]

    def _first_states(self, state: Any, batch: int, x: Tensor, single: bool) -> tuple[Any, ...]:
        count = self.num_layers * (1 + self.bidirectional)
        shapes = [(count, batch, size) for size in self.state_sizes()]
        if state is None:
            return tuple(zeros(shape, dtype=x.dtype, device=x.device) for shape in shapes)
        given = state if isinstance(state, (tuple, list)) else (state,)
        given = tuple(as_input(s[:, None] if single else s, self.weight_ih_l0) for s in given)
        if [s.shape for s in given] != shapes:
            _complain_of_states(type(self).__name__, shapes, [s.shape for s in given])
        return given

    def _keep(self, lengths: np.ndarray, x: Tensor) -> Any:
        return beside((np.arange(x.shape[0])[:, None] < lengths)[..., None], x)

    def _drop(self, h: Any) -> Any:
        """The factors of a state in all recurrent products, of mean 1; None where nothing is dropped."""
        if not (self.training and self.recurrent_dropout):
            return None
        return raw(F.dropout(ones(h.shape, dtype=h.dtype, device=h.device), self.recurrent_dropout))

    def _packed(self, packed: PackedSequence, state: Any) -> tuple[Any, Any]:
        padded, lengths = pad_packed_sequence(packed)
        batch_first, self.batch_first = self.batch_first, False
        try:
            out, final = self.forward(padded, state, lengths)
        finally:
            self.batch_first = batch_first
        return pack_padded_sequence(out, lengths, enforce_sorted=packed.sorted_indices is None), final

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (
            ("num_layers", 1),
            ("bias", True),
            ("batch_first", False),
            ("dropout", 0.0),
            ("bidirectional", False),
            ("recurrent_dropout", 0.0),
        ):
            if (value := getattr(self, name)) != default:
                text += f", {name}={value}"
        return text


def _turned(x: Any, lengths: np.ndarray | None) -> Any:
    """Sequences from their ends to their beginnings; what is beyond the end stays beyond it."""
    if lengths is None:
        return np.flip(x, 0)
    steps = np.arange(np.shape(x)[0])[:, None]
    return x[np.where(steps < lengths, lengths - 1 - steps, steps), np.arange(len(lengths))]


class RNN(_Recurrent):
    """Elman's network (1990); with nonlinearity="relu" max(z, 0) in place of tanh(z).

        h_t = tanh(z_t),  z_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh

    Args:
        nonlinearity: "tanh" or "relu".

    >>> out, h = RNN(3, 5, num_layers=2)(Tensor([[[1.0, 2.0, 3.0]]] * 4))
    >>> out.shape, h.shape
    ((4, 1, 5), (2, 1, 5))
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: str | None = None,
        dtype: Any = None, *, recurrent_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype,
            recurrent_dropout=recurrent_dropout,
        )  # fmt: skip

    def run(self, x: Any, state: tuple[Any, ...], suffix: str, keep: Any, drop: Any) -> tuple[Any, ...]:
        return R.rnn(x, state[0], *self._weights(suffix), keep, self.nonlinearity, drop)


class LSTM(_Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); the state is a pair (h, c).

        z_i, z_f, z_g, z_o = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh
        i = sigmoid(z_i),  f = sigmoid(z_f),  g = tanh(z_g),  o = sigmoid(z_o)
        c_t = f c_{t-1} + i g
        h_t = o tanh(c_t)    (W_hr o tanh(c_t) with proj_size)

    Args:
        proj_size: length P of h, and so of the outputs, smaller than hidden_size, which is that of c; 0: both are hidden_size
            long.

    >>> out, (h, c) = LSTM(3, 5, bidirectional=True)(Tensor([[[1.0, 2.0, 3.0]]] * 4))
    >>> out.shape, h.shape, c.shape
    ((4, 1, 10), (2, 1, 5), (2, 1, 5))
    """

    gates = 4

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: str | None = None,
        dtype: Any = None, *, recurrent_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"LSTM: proj_size {proj_size} must be smaller than hidden_size {hidden_size}")
        self.proj_size = proj_size
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype,
            recurrent_dropout=recurrent_dropout,
        )  # fmt: skip

    def state_sizes(self) -> tuple[int, ...]:
        return (self.proj_size or self.hidden_size, self.hidden_size)

    def run(self, x: Any, state: tuple[Any, ...], suffix: str, keep: Any, drop: Any) -> tuple[Any, ...]:
        return R.lstm(x, *state, *self._weights(suffix), getattr(self, "weight_hr" + suffix, None), keep, drop)


class GRU(_Recurrent):
    """Gated recurrent units (Cho et al., 2014), in PyTorch's form.

        p_r, p_z, p_n = W_ih x_t + b_ih
        q_r, q_z, q_n = W_hh h_{t-1} + b_hh
        r = sigmoid(p_r + q_r),  z = sigmoid(p_z + q_z),  n = tanh(p_n + r q_n)
        h_t = (1 - z) n + z h_{t-1}

    Args:
        reset_after: whether the reset gate multiplies the product W_hn h, as in PyTorch; False: h before it, as in the paper.

    >>> out, h = GRU(3, 5, batch_first=True)(Tensor([[[1.0, 2.0, 3.0]] * 4]))
    >>> out.shape, h.shape
    ((1, 4, 5), (1, 1, 5))
    """

    gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, device: str | None = None, dtype: Any = None, *,
        reset_after: bool = True, recurrent_dropout: float = 0.0,
    ) -> None:  # fmt: skip
        self.reset_after = reset_after
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype,
            recurrent_dropout=recurrent_dropout,
        )  # fmt: skip

    def run(self, x: Any, state: tuple[Any, ...], suffix: str, keep: Any, drop: Any) -> tuple[Any, ...]:
        weights = self._weights(suffix)
        if self.reset_after:
            return R.gru(x, state[0], *weights, keep, drop)
        return R.loop_of(R.gru_cell, reset_after=False, drop=drop)(x, state[0], *weights, keep)


def _complain_of_states(name: str, wanted: Sequence[tuple[int, ...]], given: Sequence[tuple[int, ...]]) -> None:
    """An error about first states of a wrong number, or of wrong shapes."""
    what = "is a pair (h, c) of shapes" if len(wanted) == 2 else "is one tensor h of shape"
    got = f"{len(given)} of shapes" if len(given) > 1 else "one of shape"
    raise ValueError(
        f"{name}: the first state {what} {' and '.join(map(str, wanted))}, got {got} {' and '.join(map(str, given))}"
    )


class _Cell(Module):
    """One step of a recurrent layer; parameters as in the layer, without suffix."""

    #: In pictures the names of a step's sigmoids and tanhs, in the order in which it computes them; None of one that is no gate.
    __gates__: tuple[str | None, ...] = (None,)
    gates: int
    weight_ih: Parameter
    weight_hh: Parameter

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: str | None = None, dtype: Any = None
    ) -> None:
        """The state is zeros where `forward` gets none.

        Args:
            input_size: length of the input, I.
            hidden_size: length of the state, H.
            bias: whether b_ih and b_hh are added.
            device: where the parameters are, "cpu" or "cuda"; None: the default device.
            dtype: of the parameters; None: the default dtype, float32 at first.
        """
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows, bound = self.gates * hidden_size, 1 / sqrt(hidden_size)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
        for name, shape in shapes.items():
            parameter = Parameter(empty(shape, dtype=dtype, device=device))
            init.uniform_(parameter, -bound, bound)
            setattr(self, name, parameter)

    def _weights(self) -> tuple[Any, Any, Any, Any]:
        return self.weight_ih, self.weight_hh, getattr(self, "bias_ih", None), getattr(self, "bias_hh", None)

    def _first_state(self, x: Tensor, given: Any) -> Any:
        shape = (*x.shape[:-1], self.hidden_size)
        if given is None:
            return zeros(shape, dtype=x.dtype, device=x.device)
        if np.shape(given) != shape:
            name = type(self).__name__
            raise ValueError(f"{name}: a state has shape {np.shape(given)}, for x of shape {x.shape} expected {shape}")
        return as_input(given, self.weight_ih)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


class RNNCell(_Cell):
    """One step of an RNN: (x (B, I), h (B, H)) -> h'.

    Args:
        nonlinearity: "tanh" or "relu".

    >>> RNNCell(3, 5)(Tensor([[1.0, 2.0, 3.0]])).shape
    (1, 5)
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
        device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, x: Any, h: Any = None) -> Any:
        """One step.

        Args:
            x: (B, input_size), or (input_size,) for a single one.
            h: the state before it, (B, hidden_size), or (hidden_size,); None: zeros.

        Returns:
            The state after it, of the same shape.
        """
        x = as_input(x, self.weight_ih)
        return R.rnn_cell(x, self._first_state(x, h), *self._weights(), self.nonlinearity)


class LSTMCell(_Cell):
    """One step of an LSTM: (x (B, I), (h, c)) -> (h', c').

    >>> h, c = LSTMCell(3, 5)(Tensor([[1.0, 2.0, 3.0]]))
    >>> h.shape, c.shape
    ((1, 5), (1, 5))
    """

    __gates__ = ("i", "f", "g", "o", None)
    gates = 4

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """One step.

        Args:
            x: (B, input_size), or (input_size,) for a single one.
            state: the pair (h, c) before it, each (B, hidden_size), or (hidden_size,); None: zeros.

        Returns:
            The pair after it, of the same shapes.
        """
        x = as_input(x, self.weight_ih)
        if state is not None and (not isinstance(state, (tuple, list)) or len(state) != 2):
            raise ValueError(f"LSTMCell: the state is a pair (h, c), got {type(state).__name__}: write cell(x, (h, c))")
        h, c = (None, None) if state is None else state
        return R.lstm_cell(x, self._first_state(x, h), self._first_state(x, c), *self._weights())


class GRUCell(_Cell):
    """One step of a GRU: (x (B, I), h (B, H)) -> h'.

    Args:
        reset_after: as of `GRU`.

    >>> GRUCell(3, 5)(Tensor([[1.0, 2.0, 3.0]])).shape
    (1, 5)
    """

    __gates__ = ("r", "n", "z")
    gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: str | None = None, dtype: Any = None, *,
        reset_after: bool = True,
    ) -> None:  # fmt: skip
        self.reset_after = reset_after
        super().__init__(input_size, hidden_size, bias, device, dtype)

    def forward(self, x: Any, h: Any = None) -> Any:
        """One step.

        Args:
            x: (B, input_size), or (input_size,) for a single one.
            h: the state before it, (B, hidden_size), or (hidden_size,); None: zeros.

        Returns:
            The state after it, of the same shape.
        """
        x = as_input(x, self.weight_ih)
        return R.gru_cell(x, self._first_state(x, h), *self._weights(), self.reset_after)
