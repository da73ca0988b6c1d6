"""Networks of the textbooks: Elman, Jordan and Hopfield networks, restricted Boltzmann machines, autoencoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor, empty, no_grad, random, stack, zeros
from minigrad.devices import on_gpu_of

from .. import init
from ..functional import linear, sigmoid, softplus, tanh
from ..module import Buffer, Module, Parameter
from ..values import as_constant, as_input
from .linear import Linear
from .recurrent import RNN

__all__ = ["RBM", "Autoencoder", "Elman", "Hopfield", "Jordan"]


def _identity(x: Any) -> Any:
    return x


class Elman(Module):
    """Elman's simple recurrent network (1990): the hidden state is fed back.

        h_t = tanh(W x_t + U h_{t-1} + b),  y_t = f(V h_t + c)

    (x (T, B, input_size), h_0) -> (y (T, B, output_size), h_T).

    Args:
        input_size: length of x_t.
        hidden_size: length of h_t.
        output_size: length of y_t.
        output_activation: the function f; by default the identity.

    >>> y, h = Elman(3, 5, 2)(Tensor(np.ones((4, 1, 3))))
    >>> y.shape, h.shape
    ((4, 1, 2), (1, 1, 5))
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, output_activation: Callable[..., Any] = _identity
    ) -> None:
        self.hidden, self.output, self.output_activation = (
            RNN(input_size, hidden_size),
            Linear(hidden_size, output_size),
            output_activation,
        )

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> tuple[Any, Any]:
        """All steps.

        Args:
            x: (T, B, input_size).
            state: h_0, (1, B, hidden_size); None: zeros.
            lengths: (B,), where the sequences end, as in `RNN`; None: all have T steps.
        """
        hs, last = self.hidden(x, state, lengths)
        return self.output_activation(self.output(hs)), last


class Jordan(Module):
    """Jordan's network (1986): the output is fed back.

        h_t = tanh(W x_t + U y_{t-1} + b),  y_t = f(V h_t + c)

    (x (T, B, input_size), y_0) -> (y (T, B, output_size), y_T).

    Args:
        input_size: length of x_t.
        hidden_size: length of h_t.
        output_size: length of y_t.
        output_activation: the function f; tanh by default.

    >>> y, last = Jordan(3, 5, 2)(Tensor(np.ones((4, 1, 3))))
    >>> y.shape, last.shape
    ((4, 1, 2), (1, 2))
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int, output_activation: Callable[..., Any] = tanh) -> None:
        self.input, self.feedback = Linear(input_size, hidden_size), Linear(output_size, hidden_size, bias=False)
        self.output, self.output_activation = Linear(hidden_size, output_size), output_activation

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """All steps.

        Args:
            x: (T, B, input_size).
            state: y_0, (B, output_size); None: zeros.
        """
        driven = self.input(x)
        y = state
        if state is None:
            shape = (driven.shape[1], self.output.out_features)
            y = zeros(shape, dtype=driven.dtype, device=driven.device)
        ys = []
        for step in driven:
            y = self.output_activation(self.output(tanh(step + self.feedback(y))))
            ys.append(y)
        return stack(ys), y


class Hopfield(Module):
    """Hopfield's associative memory (1982), W symmetric with a zero diagonal.

        x <- max(-1, min(1, W x + b)),  all units at once: saturated linear units
        x_i <- sign(W_i x + b_i),         unit by unit, as in the paper: binary units, which lower the energy at each change

    Args:
        size: how many units there are.
        max_steps: how often all units are updated at most.
        binary: whether the second rule holds, by which a unit that is driven by exactly 0 stays as it is; False: the first.
        dtype: of the buffers; None: the default dtype, float32 at first.

    Attributes:
        weight, bias: buffers, (size, size) and (size,): patterns are stored, not learned by gradients.

    >>> memory = Hopfield(4)
    >>> memory.store(np.array([[1.0, -1.0, 1.0, -1.0]]))
    >>> memory(np.array([1.0, -1.0, 1.0, 1.0])).tolist()
    [1.0, -1.0, 1.0, -1.0]
    """

    def __init__(self, size: int, max_steps: int = 100, binary: bool = False, dtype: Any = None) -> None:
        self.size, self.max_steps, self.binary = size, max_steps, binary
        self.weight, self.bias = Buffer(zeros((size, size), dtype=dtype)), Buffer(zeros(size, dtype=dtype))

    def store(self, patterns: Any) -> None:
        """Add patterns of 1 and -1, (N, size), by Hebb's rule: W <- W + sum p p^T / size, without the diagonal."""
        with on_gpu_of(self.weight):
            p = np.atleast_2d(as_constant(patterns, self.weight)).astype(self.weight.dtype)
        if p.shape[1] != self.size:
            raise ValueError(f"Hopfield: patterns of {self.size} elements are needed, got shape {np.shape(patterns)}")
        with on_gpu_of(self.weight):
            self.weight.data += p.T @ p / self.size
            np.fill_diagonal(self.weight.data, 0.0)

    def forward(self, x: Any) -> Tensor:
        """Recall: from patterns (..., size) to where the state stays, or oscillates after max_steps.

        The gain of linear units is chosen so that saturated states are stable: W is scaled to norm 2 before the units saturate.
        """
        with on_gpu_of(self.weight):
            return Tensor(self._recalled(as_constant(x, self.weight).astype(self.weight.dtype)))

    def _recalled(self, state: Any) -> Any:
        step = self._binary_step if self.binary else self._linear_step()
        for _ in range(self.max_steps):
            new = step(state)
            if np.array_equal(new, state):
                break
            state = new
        return state

    def _linear_step(self) -> Callable[[Any], Any]:
        values = np.abs(np.linalg.eigvalsh(self.weight.data))
        largest = float(values.max()) if values.size else 0.0
        weight = self.weight.data * (2.0 / largest if largest else 1.0)
        return lambda state: np.clip(state @ weight + self.bias.data, -1.0, 1.0)

    def _binary_step(self, state: Any) -> Any:
        state = state.copy()
        for i in range(self.size):
            driven = state @ self.weight.data[:, i] + self.bias.data[i]
            state[..., i] = np.where(driven == 0, state[..., i], np.sign(driven))
        return state

    def energy(self, x: Any) -> Any:
        """-x^T W x / 2 - b x: it never grows when units are updated one by one."""
        return -np.sum((x @ self.weight) * x, axis=-1) / 2 - x @ self.bias


class RBM(Module):
    """Restricted Boltzmann machine of binary units (Smolensky, 1986), trained by contrastive divergence (Hinton, 2002).

        E(v, h) = -v b_v - h b_h - h W v;  p(h | v) = sigmoid(W v + b_h),  p(v | h) = sigmoid(W^T h + b_v)

    Args:
        visible: how many visible units there are.
        hidden: how many hidden ones.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: (hidden, visible), normal with std 0.01 at first.
        visible_bias, hidden_bias: zeros at first.

    >>> rbm = RBM(6, 4)
    >>> v = Tensor(np.ones((2, 6)))
    >>> rbm.contrastive_divergence(v, k=1).backward()
    >>> rbm.weight.grad.shape
    (4, 6)
    """

    def __init__(self, visible: int, hidden: int, device: str | None = None, dtype: Any = None) -> None:
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.weight = Parameter(empty((hidden, visible), **options))
        init.normal_(self.weight, 0.0, 0.01)
        self.visible_bias, self.hidden_bias = Parameter(zeros(visible, **options)), Parameter(zeros(hidden, **options))
        self._chain: Any = None

    def hidden_given(self, v: Any) -> Any:
        """p(h = 1 | v), (N, visible) -> (N, hidden)."""
        return sigmoid(linear(as_input(v, self.weight), self.weight, self.hidden_bias))

    def visible_given(self, h: Any) -> Any:
        """p(v = 1 | h), (N, hidden) -> (N, visible)."""
        return sigmoid(h @ self.weight + self.visible_bias)

    def forward(self, v: Any) -> Any:
        """The reconstruction: the mean visible units of the mean hidden ones."""
        return self.visible_given(self.hidden_given(v))

    def free_energy(self, v: Any) -> Any:
        """F(v) = -v b_v - sum log(1 + e^(W v + b_h)), so that p(v) is proportional to e^-F; (N, visible) -> (N,)."""
        v = as_input(v, self.weight)
        return -(v @ self.visible_bias) - np.sum(softplus(linear(v, self.weight, self.hidden_bias)), axis=-1)

    @no_grad()
    def gibbs(self, v: Any, k: int = 1) -> Tensor:
        """k steps of sampling hidden from visible and visible from hidden units."""
        v = as_input(v, self.weight)
        for _ in range(k):
            v = random.bernoulli(self.visible_given(random.bernoulli(self.hidden_given(v))))
        return v

    def contrastive_divergence(self, v: Any, k: int = 1, persistent: bool = False) -> Any:
        """A loss whose gradient is that of CD-k: the mean free energy of the data minus that of samples.

        Args:
            persistent: the samples go on from those of the last call (Tieleman, 2008), in place of from the data.
        """
        v = as_input(v, self.weight)
        start = self._chain if persistent and self._chain is not None and self._chain.shape == v.shape else v.detach()
        sample = self.gibbs(start, k)
        if persistent:
            self._chain = sample
        return np.mean(self.free_energy(v)) - np.mean(self.free_energy(sample))


class Autoencoder(Module):
    """One hidden layer that learns to reproduce its input.

        h = f(W x + b),  x' = g(W^T h + c)

    Args:
        visible: length of the input.
        hidden: length of h.
        tied: whether the decoder's weight is the encoder's, transposed; False: it has one of its own.
        activation: the function f; the sigmoid by default.
        output_activation: the function g; by default the identity.
        device: where the parameters are, "cpu" or "cuda"; None: the default device.
        dtype: of the parameters; None: the default dtype, float32 at first.

    Attributes:
        weight: (hidden, visible), shared where it is tied; decoder_weight: (visible, hidden) otherwise.

    >>> model = Autoencoder(6, 2)
    >>> model(Tensor(np.ones((3, 6)))).shape, len(list(model.parameters()))
    ((3, 6), 3)
    """

    def __init__(
        self, visible: int, hidden: int, tied: bool = True, activation: Callable[..., Any] = sigmoid,
        output_activation: Callable[..., Any] = _identity, device: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.activation, self.output_activation = activation, output_activation
        self.weight = Parameter(empty((hidden, visible), **options))
        init.xavier_uniform_(self.weight)
        self.decoder_weight = None if tied else Parameter(empty((visible, hidden), **options))
        if self.decoder_weight is not None:
            init.xavier_uniform_(self.decoder_weight)
        self.hidden_bias, self.visible_bias = Parameter(zeros(hidden, **options)), Parameter(zeros(visible, **options))

    def encode(self, x: Any) -> Any:
        """(..., visible) -> (..., hidden)."""
        return self.activation(linear(as_input(x, self.weight), self.weight, self.hidden_bias))

    def decode(self, h: Any) -> Any:
        """(..., hidden) -> (..., visible)."""
        weight = self.weight.T if self.decoder_weight is None else self.decoder_weight
        return self.output_activation(linear(h, weight, self.visible_bias))

    def forward(self, x: Any) -> Any:
        return self.decode(self.encode(x))

    @staticmethod
    def sparsity_penalty(h: Any, rho: float = 0.05) -> Any:
        """sum over units of KL(rho, mean activity), for activities between 0 and 1 (Ng, 2011): add it to the loss.

        >>> Autoencoder.sparsity_penalty(Tensor([[0.05, 0.05]])).round(6).item()
        0.0
        """
        mean = np.mean(h, axis=tuple(range(np.ndim(h) - 1)))
        return np.sum(rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean)))
