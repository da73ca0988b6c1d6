"""Recurrent layers as fused ops: one op runs a layer over all time steps.

Arrays are (T, B, features).  Each op is a kernel made by hand for the first order: one product for the inputs of all steps,
gates in place, and in the backward pass one product for each weight.  Beside it stands the same layer as a loop over its cell,
which higher orders differentiate, and which is the kernel's test.

Sequences of different lengths: `keep` is (T, B, 1), True while a sequence lasts and False after its end, where its state
stays and its output is 0.  What the input holds there has no influence, NaN neither: it is replaced by 0, and results are
chosen, not multiplied with 0.

Recurrent dropout: `drop` is (B, features of h), the factors of h in the product W_hh h, the same at all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import expit as sigmoid
from minigrad import primitive, stack, unstack
from minigrad.devices import follow
from minigrad.kernels import accelerated

#: Variables of this module that are called in pictures as they are here.
__shown__ = ("i", "f", "g", "o", "r", "z", "n", "h", "c")

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn", "rnn_cell"]


# --------------------------------------------------------------------------------- one step


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    out = x @ np.swapaxes(weight, 0, 1)
    return out if bias is None else out + bias


@follow
def rnn_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, nonlinearity: str = "tanh") -> Any:
    """A step of Elman's network (1990); with nonlinearity="relu" max(z, 0) in place of tanh(z).

    h' = tanh(z),  z = W_ih x + b_ih + W_hh h + b_hh

    Here and in `lstm_cell` h stands in the product alone, so that dropping it needs no argument: give h drop.
    """
    z = _affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh)
    return np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0.0)


@follow
def lstm_cell(
    x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, w_hr: Any = None
) -> tuple[Any, Any]:
    """A step of long short-term memory.

    z_i, z_f, z_g, z_o = W_ih x + b_ih + W_hh h + b_hh
    i = sigmoid(z_i),  f = sigmoid(z_f),  g = tanh(z_g),  o = sigmoid(z_o)
    c' = f c + i g
    h' = o tanh(c')    (W_hr o tanh(c') where there is a projection)

    (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000.)
    """
    i, f, g, o = np.split(_affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh), 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    h = o * np.tanh(c)
    return (h if w_hr is None else h @ np.swapaxes(w_hr, 0, 1)), c


@follow
def gru_cell(
    x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None, reset_after: bool = True, drop: Any = None
) -> Any:
    """A step of a gated recurrent unit.

    p_r, p_z, p_n = W_ih x + b_ih
    q_r, q_z, q_n = W_hh h + b_hh
    r = sigmoid(p_r + q_r),  z = sigmoid(p_z + q_z),  n = tanh(p_n + r q_n)
    h' = (1 - z) n + z h

    With reset_after=False the reset gate acts inside of the product, n = tanh(p_n + W_hn (r h) + b_hn), as in the paper
    (Cho et al., 2014).  With `drop` the gates and the candidate read h drop, and z keeps h itself.
    """
    size, fed = np.shape(h)[-1], _fed(h, drop)
    r_x, z_x, n_x = np.split(_affine(x, w_ih, b_ih), 3, axis=-1)
    if reset_after:
        r_h, z_h, n_h = np.split(_affine(fed, w_hh, b_hh), 3, axis=-1)
        r = sigmoid(r_x + r_h)
        n = np.tanh(n_x + r * n_h)
    else:
        w_gates, w_n = np.split(w_hh, [2 * size], axis=0)
        b_gates, b_n = (None, None) if b_hh is None else np.split(b_hh, [2 * size])
        r_h, z_h = np.split(_affine(fed, w_gates, b_gates), 2, axis=-1)
        r = sigmoid(r_x + r_h)
        n = np.tanh(n_x + _affine(r * fed, w_n, b_n))
    z = sigmoid(z_x + z_h)
    return n + z * (h - n)


def _lasting(x: Any, keep: Any) -> Any:
    """What belongs to the sequences; 0 beyond their ends, whatever is there."""
    return x if keep is None else np.where(keep, x, 0.0)


def _held(new: Any, old: Any, keep: Any, t: int) -> Any:
    """The new state while a sequence lasts, then the old one."""
    return new if keep is None else np.where(keep[t], new, old)


def _fed(h: Any, drop: Any) -> Any:
    """What the recurrent product reads of a state."""
    return h if drop is None else h * drop


def _at(g: Any, keep: Any, t: int) -> Any:
    """The gradient of the output of a step, which is a constant 0 beyond the end."""
    return g[t] if keep is None else np.where(keep[t], g[t], 0.0)


def _has_ends(keep: Any) -> bool:
    """Whether the op is a masking one (see `minigrad.masked`)."""
    return keep is not None


# ------------------------------------------------------------------------- what kernels share


@accelerated("input_gates")
def _input_gates(x: Any, w_ih: Any, *biases: Any) -> Any:
    """W_ih x + biases for all steps in one product, (T, B, gates)."""
    steps, batch, features = x.shape
    out = np.matmul(np.reshape(x, (steps * batch, features)), np.swapaxes(w_ih, 0, 1))
    given = [bias for bias in biases if bias is not None]
    if given:
        out += sum(given[1:], given[0])
    return np.reshape(out, (steps, batch, w_ih.shape[0]))


@accelerated("product")
def _product(x: Any, y: Any) -> Any:
    return np.matmul(x, y)


def _before(h0: Any, out: Any) -> Any:
    """The state before each step."""
    return np.concatenate([h0[None], out[:-1]])


@accelerated("weights_of_all_steps")
def _weight_gradient(dz: Any, x: Any) -> Any:
    """sum over steps and batch of dz x^T, as one product."""
    rows = dz.shape[0] * dz.shape[1]
    columns, others = np.reshape(dz, (rows, dz.shape[-1])), np.reshape(x, (rows, x.shape[-1]))
    return np.matmul(np.swapaxes(columns, 0, 1), others)


def _through_inputs(needs: Sequence[bool], dz: Any, x: Any, w_ih: Any) -> tuple[Any, Any, Any]:
    """The gradients of x, of W_ih and of a bias."""
    rows = np.reshape(dz, (dz.shape[0] * dz.shape[1], dz.shape[-1]))
    dx = np.reshape(_product(rows, w_ih), x.shape) if needs[0] else None
    return dx, _weight_gradient(dz, x), np.matmul(np.ones_like(rows, shape=(len(rows),)), rows)


# --------------------------------------------------------------------------------------- RNN


def _rnn_loop(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, keep: Any, nonlinearity: str, drop: Any = None
) -> tuple[Any, Any]:  # fmt: skip
    h, hs = h0, []
    for t, x_t in enumerate(unstack(_lasting(x, keep))):
        h = _held(rnn_cell(x_t, _fed(h, drop), w_ih, w_hh, b_ih, b_hh, nonlinearity), h, keep, t)
        hs.append(h)
    return _lasting(stack(hs), keep), h


@accelerated("rnn_step_back")
def rnn_step_back(h: Any, through: Any, dz: Any, w_hh: Any, nonlinearity: str) -> Any:
    """From the gradient `through` of h: that of z into dz, and that of the h before, which is returned."""
    slope = 1 - h * h if nonlinearity == "tanh" else (h > 0).astype(h.dtype)
    np.multiply(through, slope, out=dz)
    return np.matmul(dz, w_hh)


@accelerated("rnn_step")
def rnn_step(z: Any, h: Any, back: Any, nonlinearity: str) -> None:
    """The new state from z + h back, into z."""
    total = z + np.matmul(h, back)
    if nonlinearity == "tanh":
        np.tanh(total, out=z)
    else:
        np.maximum(total, 0, out=z)


def _rnn_rule(
    g: Any, needs: Sequence[bool], x: Any, h0: Any, w_ih: Any, w_hh: Any, hs: Any, keep: Any, nonlinearity: str,
    drop: Any,
) -> list[Any]:  # fmt: skip
    dz, dh = np.empty_like(hs), g[1].copy()
    for t in range(len(hs) - 1, -1, -1):
        dh = dh + _at(g[0], keep, t)
        before = rnn_step_back(hs[t], _held(dh, 0.0, keep, t), dz[t], w_hh, nonlinearity)
        dh = _held(_fed(before, drop), dh, keep, t)
    dx, dw_ih, db = _through_inputs(needs, dz, _lasting(x, keep), w_ih)
    return [dx, dh, dw_ih, _weight_gradient(dz, _fed(_before(h0, hs), drop)), db, db]


@primitive(
    method=False, joint=_rnn_rule, composite=_rnn_loop, masks=_has_ends, extras=("hs",),
    inputs=("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"),
)  # fmt: skip
def rnn(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, keep: Any, nonlinearity: str, drop: Any = None) -> Any:
    """A layer of `rnn_cell` over all steps: x (T, B, I), h0 (B, H) -> (outputs (T, B, H), last state (B, H)).

    With `drop` w_hh reads h drop.

    out   = ([h_1, ..., h_T], h_T),  h_t = act(z_t),  z_t = w_ih @ x_t + b_ih + w_hh @ h_{t-1} + b_hh
    dx_t  = w_ih^T @ dz_t
    dh0   = w_hh^T @ dz_1
    dw_ih = sum_t dz_t @ x_t^T
    dw_hh = sum_t dz_t @ h_{t-1}^T
    db_ih = sum_t dz_t
    db_hh = sum_t dz_t

    with dz_t = act'(z_t) dh_t,  dh_t = g_t + w_hh^T @ dz_{t+1}
    """
    hs, h = _input_gates(_lasting(x, keep), w_ih, b_ih, b_hh), h0
    back = np.copy(np.swapaxes(w_hh, 0, 1), order="C")
    for t in range(len(hs)):
        z = hs[t]
        rnn_step(z, _fed(h, drop), back, nonlinearity)
        if keep is not None:
            hs[t] = z = np.where(keep[t], z, h)
        h = z
    return (_lasting(hs, keep), h.copy()), hs


# -------------------------------------------------------------------------------------- LSTM


def _lstm_loop(
    x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, keep: Any,
    drop: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    h, c, hs = h0, c0, []
    for t, x_t in enumerate(unstack(_lasting(x, keep))):
        new_h, new_c = lstm_cell(x_t, _fed(h, drop), c, w_ih, w_hh, b_ih, b_hh, w_hr)
        h, c = _held(new_h, h, keep, t), _held(new_c, c, keep, t)
        hs.append(h)
    return _lasting(stack(hs), keep), h, c


@accelerated("lstm_step_back")
def lstm_step_back(gates: Any, before: Any, tanh_c: Any, through: Any, dc: Any, dz: Any, w_hh: Any) -> Any:
    """From the gradients `through` of h and `dc` of c: the gates' gradient into dz, that of the cell before into dc.

    Returns:
        The gradient of the h before.
    """
    size = dc.shape[-1]
    i, f, candidate, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    dc += through * o * (1 - tanh_c * tanh_c)
    di, df = dc * candidate * i * (1 - i), dc * before * f * (1 - f)
    dg, do = dc * i * (1 - candidate * candidate), through * tanh_c * o * (1 - o)
    dz[...] = np.concatenate((di, df, dg, do), axis=1)
    dc *= f
    return np.matmul(dz, w_hh)


def _lstm_rule(
    g: Any, needs: Sequence[bool], x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, w_hr: Any, gates: Any, cs: Any, tanh_cs: Any,
    hs: Any, keep: Any, drop: Any,
) -> list[Any]:  # fmt: skip
    size, dz = cs.shape[-1], np.empty_like(gates)
    dh, dc = g[1].copy(), g[2].copy()
    inner = np.empty_like(hs) if w_hr is not None else None  # the gradient of o tanh(c), before the projection
    for t in range(len(gates) - 1, -1, -1):
        dh += _at(g[0], keep, t)
        through, dcell = _held(dh, 0.0, keep, t), _held(dc, 0.0, keep, t)
        if inner is not None:
            inner[t] = through
            through = np.matmul(through, w_hr)
        before = _fed(lstm_step_back(gates[t], cs[t - 1] if t else c0, tanh_cs[t], through, dcell, dz[t], w_hh), drop)
        dh = before if keep is None else np.where(keep[t], before, dh)
        dc = dcell if keep is None else np.where(keep[t], dcell, dc)
    dx, dw_ih, db = _through_inputs(needs, dz, _lasting(x, keep), w_ih)
    dw_hr = None if w_hr is None else _weight_gradient(inner, gates[..., 3 * size :] * tanh_cs)
    return [dx, dh, dc, dw_ih, _weight_gradient(dz, _fed(_before(h0, hs), drop)), db, db, dw_hr]


@accelerated("lstm_step")
def lstm_step(z: Any, h: Any, back: Any, half: Any, c: Any, new_c: Any, tanh_c: Any, out: Any) -> None:
    """The gates from z + h back, into z (those of a sigmoid come halved); the new cell, its tanh, and o tanh(c)."""
    size = c.shape[-1]
    gates = z + np.matmul(h, back)
    np.tanh(gates, out=gates)
    gates *= half
    np.add(gates, 1 - half, out=z)
    np.multiply(z[:, size : 2 * size], c, out=new_c)
    np.multiply(z[:, :size], z[:, 2 * size : 3 * size], out=out)
    new_c += out
    np.tanh(new_c, out=tanh_c)
    np.multiply(z[:, 3 * size :], tanh_c, out=out)


@primitive(
    method=False, joint=_lstm_rule, composite=_lstm_loop, masks=_has_ends, extras=("gates", "cs", "tanh_cs", "hs"),
    inputs=("x", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"),
)  # fmt: skip
def lstm(x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any, keep: Any, drop: Any = None) -> Any:
    """A layer of `lstm_cell` over all steps: x (T, B, I), h0 (B, P), c0 (B, H) -> (outputs (T, B, P), h_T, c_T).

    With `drop` w_hh reads h drop.

    out   = ([h_1, ..., h_T], h_T, c_T),  h_t = o_t tanh(c_t),  c_t = f_t c_{t-1} + i_t g_t,
            (i_t, f_t, g_t, o_t) = (sigmoid, sigmoid, tanh, sigmoid)(z_t),
            z_t = w_ih @ x_t + b_ih + w_hh @ h_{t-1} + b_hh
    dx_t  = w_ih^T @ dz_t
    dh0   = w_hh^T @ dz_1
    dc0   = f_1 dc_1
    dw_ih = sum_t dz_t @ x_t^T
    dw_hh = sum_t dz_t @ h_{t-1}^T
    db_ih = sum_t dz_t
    db_hh = sum_t dz_t
    dw_hr = sum_t dh_t @ (o_t tanh(c_t))^T       (where h_t is w_hr @ (o_t tanh(c_t)))

    with dz_t = (dc_t g_t i'_t, dc_t c_{t-1} f'_t, dc_t i_t g'_t, dh_t tanh(c_t) o'_t),
         dc_t = dh_t o_t (1 - tanh^2 c_t) + f_{t+1} dc_{t+1},  dh_t = dout_t + w_hh^T @ dz_{t+1}
    """
    size = c0.shape[-1]
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: with the halves in the weights, one tanh serves all four gates.
    half = np.full_like(w_hh, 0.5, shape=(4 * size,))
    half[2 * size : 3 * size] = 1.0
    halved = (None if b is None else b * half for b in (b_ih, b_hh))
    gates = _input_gates(_lasting(x, keep), w_ih * half[:, None], *halved)
    steps, batch = gates.shape[:2]
    cs, tanh_cs = (np.empty_like(gates, shape=(steps, batch, size)) for _ in range(2))
    hs = np.empty_like(gates, shape=(steps, batch, h0.shape[-1]))
    back = np.copy(np.swapaxes(w_hh * half[:, None], 0, 1), order="C")
    h, c, scratch = h0, c0, np.empty_like(cs, shape=cs.shape[1:])
    for t in range(steps):
        plain = w_hr is None and keep is None
        shown = hs[t] if plain else scratch
        lstm_step(gates[t], _fed(h, drop), back, half, c, cs[t], tanh_cs[t], shown)
        if not plain:
            if w_hr is not None:
                shown = np.matmul(shown, np.swapaxes(w_hr, 0, 1))
            hs[t] = _held(shown, h, keep, t)
        if keep is not None:
            cs[t] = np.where(keep[t], cs[t], c)
        h, c = hs[t], cs[t]
    return (_lasting(hs, keep), h.copy(), c.copy()), gates, cs, tanh_cs, hs


# --------------------------------------------------------------------------------------- GRU


def _gru_loop(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, keep: Any, drop: Any = None
) -> tuple[Any, Any]:  # fmt: skip
    return loop_of(gru_cell, drop=drop)(x, h0, w_ih, w_hh, b_ih, b_hh, keep)


def loop_of(cell: Callable[..., Any], **options: Any) -> Callable[..., tuple[Any, Any]]:
    """A cell with one state as a layer over all steps, from differentiable ops."""

    def layer(x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, keep: Any) -> tuple[Any, Any]:
        h, hs = h0, []
        for t, x_t in enumerate(unstack(_lasting(x, keep))):
            h = _held(cell(x_t, h, w_ih, w_hh, b_ih, b_hh, **options), h, keep, t)
            hs.append(h)
        return _lasting(stack(hs), keep), h

    return layer


@accelerated("gru_step_back")
def gru_step_back(gates: Any, from_h: Any, before: Any, through: Any, dz_x: Any, dz_h: Any, w_hh: Any) -> Any:
    """From the gradient `through` of h: those of both products into dz_x and dz_h; what W_hh sends to the h before."""
    size = before.shape[-1]
    r, z, n = (gates[:, k * size : (k + 1) * size] for k in range(3))
    dn = through * (1 - z) * (1 - n * n)
    dz = through * (before - n) * z * (1 - z)
    dr = dn * from_h * r * (1 - r)
    dz_x[...] = np.concatenate((dr, dz, dn), axis=1)
    dz_h[...] = np.concatenate((dr, dz, dn * r), axis=1)
    return np.matmul(dz_h, w_hh)


@accelerated("gru_step")
def gru_step(z: Any, h: Any, back: Any, bias: Any, from_h: Any, out: Any, drop: Any = None) -> None:
    """The gates from z and h back + bias, into z; what the candidate gets from h, and the new state, into out."""
    size = h.shape[-1]
    recurrent = np.matmul(_fed(h, drop), back)
    both = np.tanh(0.5 * (z[:, : 2 * size] + recurrent[:, : 2 * size] + bias[: 2 * size])) * 0.5 + 0.5
    np.add(recurrent[:, 2 * size :], bias[2 * size :], out=from_h)
    n = np.tanh(z[:, 2 * size :] + both[:, :size] * from_h)
    z[...] = np.concatenate((both, n), axis=1)
    out[...] = n + both[:, size:] * (h - n)


def _gru_rule(
    g: Any, needs: Sequence[bool], x: Any, h0: Any, w_ih: Any, w_hh: Any, gates: Any, from_h: Any, hs: Any, keep: Any,
    drop: Any,
) -> list[Any]:  # fmt: skip
    dz_x, dz_h, size = np.empty_like(gates), np.empty_like(gates), h0.shape[-1]
    dh = g[1]
    for t in range(len(gates) - 1, -1, -1):
        before = h0 if t == 0 else hs[t - 1]
        dh = dh + _at(g[0], keep, t)
        through = _held(dh, 0.0, keep, t)
        sent = gru_step_back(gates[t], from_h[t], before, through, dz_x[t], dz_h[t], w_hh)
        passed = _fed(sent, drop) + through * gates[t][:, size : 2 * size]
        dh = _held(passed, dh, keep, t)
    dx, dw_ih, db_ih = _through_inputs(needs, dz_x, _lasting(x, keep), w_ih)
    return [dx, dh, dw_ih, _weight_gradient(dz_h, _fed(_before(h0, hs), drop)), db_ih, np.sum(dz_h, axis=(0, 1))]


@primitive(
    method=False, joint=_gru_rule, composite=_gru_loop, masks=_has_ends, extras=("gates", "from_h", "hs"),
    inputs=("x", "h0", "w_ih", "w_hh", "b_ih", "b_hh"),
)  # fmt: skip
def gru(
    x: Any, h0: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, keep: Any, drop: Any = None
) -> Any:  # fmt: skip
    """A layer of `gru_cell` over all steps: x (T, B, I), h0 (B, H) -> (outputs (T, B, H), h_T).

    With `drop` w_hh reads h drop, and z keeps h itself.

    out   = ([h_1, ..., h_T], h_T),  h_t = (1 - z_t) n_t + z_t h_{t-1},  n_t = tanh(p_t + r_t q_t),
            (r_t, z_t) = sigmoid(p_t + q_t),  p_t = w_ih @ x_t + b_ih,  q_t = w_hh @ h_{t-1} + b_hh
    dx_t  = w_ih^T @ dp_t
    dh0   = z_1 dh_1 + w_hh^T @ dq_1
    dw_ih = sum_t dp_t @ x_t^T
    dw_hh = sum_t dq_t @ h_{t-1}^T
    db_ih = sum_t dp_t
    db_hh = sum_t dq_t

    with dp_t = (dr_t, dz_t, dn_t),  dq_t = (dr_t, dz_t, r_t dn_t),  dn_t = dh_t (1 - z_t) n'_t,
         dz_t = dh_t (h_{t-1} - n_t) z'_t,  dr_t = dn_t q_t r'_t,  dh_t = g_t + z_{t+1} dh_{t+1} + w_hh^T @ dq_{t+1}
    """
    gates, size = _input_gates(_lasting(x, keep), w_ih, b_ih), h0.shape[-1]
    steps, batch = gates.shape[:2]
    hs, from_h = (np.empty_like(gates, shape=(steps, batch, size)) for _ in range(2))
    h, back = h0, np.copy(np.swapaxes(w_hh, 0, 1), order="C")
    bias = np.zeros_like(w_hh, shape=(3 * size,)) if b_hh is None else b_hh
    for t in range(steps):
        new = hs[t]
        gru_step(gates[t], h, back, bias, from_h[t], new, drop)
        if keep is not None:
            hs[t] = new = np.where(keep[t], new, h)
        h = new
    return (_lasting(hs, keep), h.copy()), gates, from_h, hs
