"""What compiled functions take and what they do not: each answers as its NumPy code does, or leaves the answer to it.

One table has arguments for every accelerated function.  What must be the same with kernels and without is then tried on all of
them: small and odd shapes, NaN and infinities, and every way in which an argument may not fit.
"""

from __future__ import annotations

import copy
import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, kernels
from minigrad.arrays.row_sparse import add_rows
from minigrad.kernels.signature import takes
from minigrad.ops import reduce
from minigrad.ops import window as windows
from minigrad.ops.window import Window
from nn import functional as F
from nn.functional import activation, convolution, loss, normalization, recurrent
from nn.functional.linear import _linear_all, linear
from nn.optim import adam

if not kernels.enabled:
    pytest.skip("the accelerator is off: llvmlite is not installed, or MINIGRAD_FAST=0", allow_module_level=True)

rng = np.random.default_rng(0)


def draw(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


ROWS = [(1, 1), (1, 5), (5, 1), (3, 7), (2, 3, 4), (7,), (2, 1, 33)]
WINDOWS = [
    (Window.over((6, 7), 3), 1),
    (Window.over((6, 7), (2, 3), stride=2, padding=1), 1),
    (Window.over((5, 5), 2, padding=1, dilation=2), 2),
    (Window.over((9,), 3, stride=2, padding=((1, 2),)), 1),
    (Window.over((1, 4), 1), 2),
    (Window.over((7, 7), 2, stride=3, ceil_mode=True), 1),
    (Window.over((3, 4, 5), 2), 1),
]


def of_rows(*more: Any, arrays: int = 1) -> list[tuple[Any, ...]]:
    return [(*(draw(*shape) for _ in range(arrays)), *more) for shape in ROWS]


def norms() -> list[tuple[Any, ...]]:
    """Arguments of layer norm, with weights and without."""
    given = [(draw(*s), draw(s[-1]), draw(s[-1]), 1e-3) for s in ROWS]
    return [*given, (draw(3, 7), None, None, 1e-3), (draw(3, 7), draw(7), None, 1e-3)]


def norm_rules() -> list[tuple[Any, ...]]:
    found = []
    for x, weight, bias, eps in norms():
        _, mean, scale = plain(FUNCTIONS["layer_norm_rows"])(x, weight, bias, eps)
        needs = (True, weight is not None, bias is not None)
        found.append((draw(*x.shape), needs, x, weight, mean, scale))
    return found


def steps() -> list[tuple[Any, ...]]:
    """Arguments of a step of Adam."""
    return [
        (p, g, m, v * v, largest, 0.1, 0.01, 0.1, 1e-8) for p, g, m, v in of_rows(arrays=4) for largest in (None, np.ones_like(p))
    ]


def cells() -> list[tuple[Any, ...]]:
    """Arguments of a step of an LSTM."""
    found = []
    for batch, size in ((1, 1), (3, 5), (2, 16), (9, 33)):
        half = np.repeat(np.float32([0.5, 0.5, 1.0, 0.5]), size)
        c, new_c, tanh_c, out = (draw(batch, size) for _ in range(4))
        found.append((draw(batch, 4 * size), draw(batch, size), draw(size, 4 * size), half, c, new_c, tanh_c, out))
    return found


def cells_back() -> list[tuple[Any, ...]]:
    """Arguments of a step back."""
    found = []
    for batch, size in ((1, 1), (3, 5), (2, 16), (9, 33)):
        before, tanh_c, through, dc = (draw(batch, size) for _ in range(4))
        found.append((draw(batch, 4 * size), before, tanh_c, through, dc, draw(batch, 4 * size), draw(4 * size, size)))
    return found


def rnn_cells(back: bool) -> list[tuple[Any, ...]]:
    """Arguments of a step of an RNN, and of one back."""
    sizes = ((1, 1), (3, 5), (9, 33))
    return [
        (*(draw(batch, size) for _ in range(3 if back else 2)), draw(size, size), kind)
        for batch, size in sizes for kind in ("tanh", "relu")
    ]  # fmt: skip


def gru_cells() -> list[tuple[Any, ...]]:
    found = []
    for batch, size in ((1, 1), (3, 5), (9, 33)):
        h, from_h, out = (draw(batch, size) for _ in range(3))
        found.append((draw(batch, 3 * size), h, draw(size, 3 * size), draw(3 * size), from_h, out, None))
    return found


def gru_cells_back() -> list[tuple[Any, ...]]:
    found = []
    for batch, size in ((1, 1), (3, 5), (9, 33)):
        from_h, before, through = (draw(batch, size) for _ in range(3))
        wide = (draw(batch, 3 * size) for _ in range(3))
        found.append((next(wide), from_h, before, through, *wide, draw(3 * size, size)))
    return found


def maps() -> list[tuple[Any, ...]]:
    """Arguments of linear maps: x, weight, bias."""
    shapes = [((3, 5), 4), ((2, 3, 33), 17), ((7,), 2), ((1, 1), 1)]
    return [(draw(*shape), draw(out, shape[-1]), bias) for shape, out in shapes for bias in (draw(out), None)]


def maps_back() -> list[tuple[Any, ...]]:
    return [(draw(*x.shape[:-1], len(w)), (True, True, b is not None), x, w) for x, w, b in maps()]


def classified() -> list[tuple[Any, ...]]:
    """Arguments of cross-entropy: logits, classes, weights."""
    found = []
    for shape in ((1, 1), (3, 7), (5, 40), (2, 3, 4)):
        classes = rng.integers(0, shape[1], (shape[0], *shape[2:]))
        found += [(draw(*shape), classes, None, -100, how) for how in ("mean", "sum", "none")]
        found.append((draw(*shape), np.where(classes == 0, -100, classes), None, -100, "mean"))
    return found


def slopes() -> list[tuple[Any, ...]]:
    found = []
    for logits, classes, weight, ignore, how in classified():
        with np.errstate(all="ignore"):
            out, lse = plain(FUNCTIONS["cross_entropy"])(logits, classes, weight, ignore, how)
        found.append((logits, classes, weight, lse, np.asarray(draw(*np.shape(out))), ignore, how))
    return found


def tables() -> list[tuple[Any, ...]]:
    """Arguments of sums of rows."""
    return [
        (draw(4, 3), np.array([0, 3, 3, 1]), draw(4, 3)),
        (draw(4), np.array([3, 0], np.int8), draw(2)),
        (draw(5, 2, 3), np.array([4, 4, 4], np.uint64), draw(3, 2, 3)),
        (draw(4, 3), np.array([], int), draw(0, 3)),
        (draw(1, 1), np.zeros(40, np.int32), draw(40, 1)),
        (draw(300, 2), np.array([-1, -128, 7], np.int8), draw(3, 2)),
        (draw(3, 2), np.array([0, 3]), draw(2, 2)),
        (draw(3, 2), np.array([0, -4]), draw(2, 2)),
        (draw(3, 2), np.array([0, 10**9]), draw(2, 2)),
        (draw(3, 2), np.array([0, 2**63], np.uint64), draw(2, 2)),
    ]


def pooled(window: Window) -> tuple[Any, Any]:
    out, index = plain(FUNCTIONS["max_pool"])(draw(2, 3, *window.shape), window)
    return draw(*out.shape), index


def convolutions(first: str, second: str) -> list[tuple[Any, ...]]:
    """Arguments of the three forms of convolution: two of x, w and g."""
    found = []
    for window, groups in WINDOWS:
        shapes = {"x": (2, 4, *window.shape), "w": (6, 4 // groups, *window.size), "g": (2, 6, *window.out)}
        found.append((draw(*shapes[first]), draw(*shapes[second]), window, groups))
    return found


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "softmax": reduce.softmax.op.forward,
    "log_softmax": reduce.log_softmax.op.forward,
    "softmax_rule": reduce.softmax_rule,
    "log_softmax_rule": reduce.log_softmax_rule,
    "gelu_exact": activation.gelu_exact.op.forward,
    "gelu_rule": activation.gelu_rule,
    "layer_norm_rows": normalization.layer_norm_rows.op.forward,
    "layer_norm_rule": normalization._layer_norm_rule,
    "adam_step": adam.adam_step,
    "lstm_step": recurrent.lstm_step,
    "lstm_step_back": recurrent.lstm_step_back,
    "add_rows": add_rows,
    "rnn_step": recurrent.rnn_step,
    "rnn_step_back": recurrent.rnn_step_back,
    "gru_step": recurrent.gru_step,
    "gru_step_back": recurrent.gru_step_back,
    "linear": linear.op.forward,
    "linear_rule": _linear_all,
    "product": recurrent._product,
    "input_gates": recurrent._input_gates,
    "weights_of_all_steps": recurrent._weight_gradient,
    "cross_entropy": loss._cross_entropy.op.forward,
    "cross_entropy_slope": loss._slope,
    "conv_bias": convolution.conv_bias.op.forward,
    "unfold": windows.unfold.op.forward,
    "sum_pool": windows.sum_pool.op.forward,
    "sum_unpool": windows.sum_unpool.op.forward,
    "pool_gather": windows.pool_gather.op.forward,
    "max_pool": windows.max_pool.op.forward,
    "pool_scatter": windows.pool_scatter.op.forward,
    "conv": windows.conv.op.forward,
    "conv_input": windows.conv_input.op.forward,
    "conv_weight": windows.conv_weight.op.forward,
}

plain = inspect.unwrap  # the NumPy code under the registry and under batches

ARGUMENTS: dict[str, list[tuple[Any, ...]]] = {
    "softmax": of_rows(-1) + of_rows(0),
    "log_softmax": of_rows(-1) + [(1e6 + draw(3, 7), -1), (draw(2, 3, 4), 2)],
    "softmax_rule": of_rows(-1, arrays=2) + of_rows(0, arrays=2),
    "log_softmax_rule": [(g, -abs(out), axis) for g, out, axis in of_rows(-1, arrays=2)],
    "gelu_exact": of_rows(),
    "gelu_rule": of_rows(arrays=2),
    "layer_norm_rows": norms(),
    "layer_norm_rule": norm_rules(),
    "adam_step": steps(),
    "lstm_step": cells(),
    "lstm_step_back": cells_back(),
    "add_rows": tables(),
    "rnn_step": rnn_cells(back=False),
    "rnn_step_back": rnn_cells(back=True),
    "gru_step": gru_cells(),
    "gru_step_back": gru_cells_back(),
    "linear": maps(),
    "linear_rule": maps_back(),
    "product": [(draw(m, k), draw(k, n)) for m, k, n in ((1, 1, 1), (3, 5, 7), (9, 40, 33))],
    "input_gates": [(draw(3, 4, 5), draw(8, 5), draw(8), draw(8)), (draw(2, 1, 3), draw(4, 3), None, draw(4))],
    "weights_of_all_steps": [(draw(3, 4, 5), draw(3, 4, 6)), (draw(1, 1, 1), draw(1, 1, 1))],
    "cross_entropy": classified(),
    "cross_entropy_slope": slopes(),
    "conv_bias": [(x, w, draw(len(w)), window, groups) for x, w, window, groups in convolutions("x", "w")],
    "unfold": [(draw(2, 3, *w.shape), w) for w, _ in WINDOWS],
    "sum_pool": [(draw(2, 3, *w.shape), w) for w, _ in WINDOWS],
    "sum_unpool": [(draw(2, 3, *w.out), w) for w, _ in WINDOWS],
    "pool_gather": [(draw(2, 3, *w.shape), pooled(w)[1], w) for w, _ in WINDOWS],
    "max_pool": [(draw(2, 3, *w.shape), w) for w, _ in WINDOWS] + [(draw(*WINDOWS[0][0].shape), WINDOWS[0][0])],
    "pool_scatter": [(*pooled(w), w) for w, _ in WINDOWS],
    "conv": convolutions("x", "w"),
    "conv_input": convolutions("g", "w"),
    "conv_weight": convolutions("x", "g"),
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels also for small arrays."""
    monkeypatch.setattr(kernels, "SMALLEST", 1)


def outcome(function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The error's type; or the results, and the arguments as they are afterwards."""
    try:
        with np.errstate(all="ignore"):
            out = function(*args)
    except Exception as error:
        return type(error)
    found = (*(out if isinstance(out, (tuple, list)) else [out]), *args)
    return [v for v in found if isinstance(v, (np.ndarray, np.generic))]


def agree(name: str, args: tuple[Any, ...], spoil: Callable[[Any], Any] = lambda a: a, at: int = 0) -> Any:
    """With the kernel and without there are the same values and dtypes, or the same error; says what."""

    def given() -> tuple[Any, ...]:
        fresh = copy.deepcopy(args)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return (*fresh[:at], spoil(fresh[at]), *fresh[at + 1 :])

    want, got = outcome(plain(FUNCTIONS[name]), given()), outcome(FUNCTIONS[name], given())
    if isinstance(want, type) or isinstance(got, type):
        assert got is want, f"{got}, in NumPy {want}"
        return got
    assert [(v.dtype, v.shape) for v in got] == [(v.dtype, v.shape) for v in want]
    for one, other in zip(got, want, strict=True):
        numbers = np.abs(other[np.isfinite(other)])
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * max(float(numbers.max(initial=0)), 1.0))
    return got


@pytest.mark.parametrize("name", FUNCTIONS)
def test_small_and_odd_shapes_give_what_numpy_gives(name: str, ran: list[str]) -> None:
    for args in ARGUMENTS[name]:
        agree(name, args)
    assert name in ran or name == "add_rows", "no kernel ran"


def floats(args: tuple[Any, ...]) -> list[int]:
    return [i for i, a in enumerate(args) if isinstance(a, np.ndarray) and a.dtype == np.float32]


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_and_infinity_are_where_numpy_has_them(name: str, value: float, ran: list[str]) -> None:
    for args in ARGUMENTS[name]:
        for i in floats(args):
            given = copy.deepcopy(args)
            if given[i].size:
                given[i].flat[rng.integers(given[i].size)] = value
                agree(name, given)
        given = copy.deepcopy(args)
        for i in floats(args):
            given[i][...] = value
        agree(name, given)
    assert name in ran or name == "add_rows"


class Other(np.ndarray):
    """Another kind of array."""


def misaligned(a: Any) -> Any:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    out = raw[1:].view(a.dtype).reshape(a.shape)
    out[...] = a
    return out


def spread_out(a: Any) -> Any:
    out = np.zeros((*a.shape, 2), a.dtype)[..., 0]
    out[...] = a
    return out


def frozen(a: Any) -> Any:
    out = a.copy()
    out.flags.writeable = False
    return out


#: Ways in which an array may not be what a kernel takes.  No kernel takes one of these:
NEVER: dict[str, Callable[[Any], Any]] = {
    "half": lambda a: a.astype(np.float16),
    "complex": lambda a: a.astype(np.complex64),
    "bool": lambda a: a.astype(bool),
    "integer": lambda a: a.astype(np.int64),
    "of the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "a subclass": lambda a: a.view(Other),
}
#: These it may take: what is alone may have any shape, what is only read may be copied.
PERHAPS: dict[str, Callable[[Any], Any]] = {
    "double": lambda a: a.astype(np.float64),
    "misaligned": misaligned,
    "longer": lambda a: np.concatenate([a, a[-1:]]),
    "twice as long": lambda a: np.concatenate([a, a]),
    "wider": lambda a: np.concatenate([a, a[..., -1:]], -1),
    "shorter": lambda a: a[1:].copy(),
    "narrower": lambda a: a[..., 1:].copy(),
    "of one more axis": lambda a: a[None].copy(),
    "of one axis less": lambda a: a[0].copy(),
    "flat": lambda a: a.reshape(-1).copy(),
    "a number": lambda a: a.reshape(-1)[:1].reshape(()).copy(),
    "of one element": lambda a: a.reshape(-1)[:1].copy(),
    "empty": lambda a: a[:0].copy(),
    "with gaps": spread_out,
    "transposed in memory": np.asfortranarray,
    "read-only": frozen,
}


@pytest.mark.parametrize("how", [*NEVER, *PERHAPS])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_does_not_fit_gives_numpys_answer_or_error(name: str, how: str, ran: list[str]) -> None:
    for args in ARGUMENTS[name]:
        for i, a in enumerate(args):
            if isinstance(a, np.ndarray) and a.size and a.ndim:
                ran.clear()
                agree(name, args, {**NEVER, **PERHAPS}[how], i)
                if how in NEVER and i == 0:
                    assert name not in ran, "native code ran"


def overlapping() -> dict[str, Callable[[], tuple[Any, ...]]]:
    """Arguments that share memory; each call makes the same ones anew."""
    base = np.arange(1, 201, dtype=np.float32) / 64

    def parts(*places: tuple[int, int, tuple[int, ...]]) -> list[Any]:
        memory = base.copy()
        return [memory[start:stop].reshape(shape) for start, stop, shape in places]

    def foreign(*places: tuple[int, int, tuple[int, ...]]) -> list[Any]:
        memory = bytearray(base.tobytes())
        return [np.frombuffer(memory, np.float32, stop - start, 4 * start).reshape(shape) for start, stop, shape in places]

    twelve = (0, 12, (12,)), (1, 13, (12,)), (20, 32, (12,)), (40, 52, (12,))
    options = (None, 0.1, 0.01, 0.1, 1e-8)
    lstm = [(0, 12, (1, 12)), (20, 23, (1, 3)), (70, 106, (3, 12)), (120, 132, (12,)), (40, 43, (1, 3))]
    lstm += [(42, 45, (1, 3)), (50, 53, (1, 3)), (60, 63, (1, 3))]
    back = [(0, 12, (1, 12)), (20, 23, (1, 3)), (30, 33, (1, 3)), (40, 43, (1, 3)), (50, 53, (1, 3)), (3, 15, (1, 12))]
    return {
        "adam_step": lambda: (*parts(*twelve), *options),
        "adam_step ": lambda: (*foreign(*twelve), *options),
        "lstm_step": lambda: tuple(parts(*lstm)),
        "lstm_step_back": lambda: (*parts(*back), draw_once),
    }


draw_once = draw(12, 3)


@pytest.mark.parametrize("case", overlapping())
def test_arrays_that_share_memory_are_left_to_numpy(case: str, ran: list[str]) -> None:
    name, make = case.strip(), overlapping()[case]
    got, want = outcome(FUNCTIONS[name], make()), outcome(plain(FUNCTIONS[name]), make())
    for one, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(one, other)
    assert name not in ran


def test_arrays_with_memory_of_their_own_are_told_from_those_that_share() -> None:
    """Views of one array that do not meet fit; the same array twice, or other libraries' memory that meets, does not."""

    @takes(x="float32 (...) written", y="float32 (...) contiguous")
    def way(x: Any, y: Any) -> Any:
        return True

    memory = np.zeros(8, np.float32)
    assert way(memory[:4], memory[4:]) is True
    assert way(memory[:4], np.zeros(4, np.float32)) is True
    assert way(memory[:4], memory[3:7]) is NotImplemented
    assert way(memory, memory) is NotImplemented
    assert way(memory, memory[:]) is NotImplemented
    again = np.frombuffer(memoryview(memory), np.float32)
    assert way(memory, again) is NotImplemented
    assert way(again[:4], memory[4:]) is True


@pytest.mark.parametrize("text", ["float32", "double (n)", "float32 (n) somehow", "float32 n"])
def test_a_declaration_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="cannot take x="):
        takes(x=text)(lambda x: x)
    with pytest.raises(ValueError, match="cannot take y="):
        takes(y="float32 (n)")(lambda x: x)
    with pytest.raises(ValueError, match="m must be an axis"):
        takes(x="float32 (2 * m)", y="float32 (m)")(lambda x, y: x)


def test_a_declaration_compares_lengths() -> None:
    @takes(y="float32 (m, *shape)", x="float32 (n, ..., 2 * m)", where="n > m")
    def way(x: Any, y: Any = None, shape: Any = ()) -> Any:
        return True

    for x, y, shape, fits in [
        ((3, 4), (2,), (), True),
        ((3, 5, 6, 4), (2, 8, 9), (8, 9), True),
        ((3, 4), (2, 1), (), False),
        ((3, 4), (3,), (), False),
        ((2, 4), (2,), (), False),
        ((4,), (2,), (), False),
    ]:
        assert (way(draw(*x), draw(*y), shape) is True) == fits


# ------------------------------------------------------------------------------- through nn


@pytest.fixture(params=[True, False], ids=["kernels", "NumPy"])
def accelerator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(kernels, "enabled", request.param)
    return request.param


@pytest.mark.parametrize("shape", [(3,), (1,), (65,), (1, 64), ()], ids=str)
def test_weights_of_norms_must_have_their_shape(shape: tuple[int, ...], accelerator: bool) -> None:
    """They would be broadcast, and one that is too short would be read behind its end."""
    rows, weight = Tensor(draw(32, 64)), Tensor(np.ones(shape, np.float32))
    for function, name in ((F.layer_norm, "weight"), (F.layer_norm, "bias"), (F.rms_norm, "weight")):
        with pytest.raises(ValueError, match=rf"{name} has shape {re.escape(str(shape))}, expected \(64,\)"):
            function(rows, (64,), **{name: weight})


def test_weights_of_other_dtypes_give_what_numpy_gives(accelerator: bool) -> None:
    x = draw(64, 64)
    out = F.layer_norm(Tensor(x), (64,), Tensor(np.full(64, 2, np.float16)), Tensor(np.ones(64, bool)))
    want = 2 * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) + 1
    np.testing.assert_allclose(out.numpy(), want, rtol=1e-3, atol=1e-3)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{}, {"stride": 1}, {"padding": 1}, {"padding": 1, "dilation": 2}, {"ceil_mode": True}], ids=str
)
def test_max_pooling_of_nan_and_of_infinity_is_torchs(
    options: dict[str, Any], dtype: Any, accelerator: bool, ran: list[str]
) -> None:
    """Values, places and gradients: of NaN, of windows of -inf at a padded border, of ties."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    x = np.round(rng.normal(size=(2, 2, 11, 13)), 1).astype(dtype)
    x[0, 0], x[0, 1, ::3, ::4], x[1, 0, 2:4, 2:5], x[1, 1, 4:8, 4:8] = -np.inf, np.inf, np.nan, -np.inf
    ours, theirs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, index = F.max_pool2d(ours, 3, return_indices=True, **options)
    want, places = torch.nn.functional.max_pool2d(theirs, 3, return_indices=True, **options)
    np.testing.assert_array_equal(out.data, want.detach().numpy())
    np.testing.assert_array_equal(index.numpy(), places.numpy())
    g = rng.normal(size=out.shape).astype(dtype)
    out.backward(Tensor(g))
    want.backward(torch.tensor(g))
    np.testing.assert_allclose(ours.grad.data, theirs.grad.numpy(), rtol=1e-5, atol=1e-6)
    if dtype == np.float32:
        assert ({"max_pool", "pool_scatter"} <= set(ran)) == accelerator


def test_a_gradient_that_is_not_finite_stays_at_the_maximum(accelerator: bool) -> None:
    """Not finite times 0 is NaN: it would spread over its window; so would values on the way to a second derivative."""
    x, window = draw(1, 1, 4, 4), Window.over((4, 4), 2, stride=2)
    _, index = FUNCTIONS["max_pool"](x, window)
    g = np.full((1, 1, 2, 2), np.inf, np.float32)
    assert np.isfinite(FUNCTIONS["pool_scatter"](g, index, window)).sum() == 12
    x[...] = np.inf
    x[0, 0, 0, 0] = np.nan
    first = windows.pool_gather.op.forward(x, np.full_like(index, 3), window)
    np.testing.assert_array_equal(first, g)


@pytest.mark.parametrize("window", [w for w, _ in WINDOWS])
@pytest.mark.parametrize("value", [0, 7.5])
def test_columns_hold_nothing_but_the_input_and_zeros(window: Window, value: float, accelerator: bool) -> None:
    """Windows that reach over a border read no memory that was used before."""
    shape = (2, 3, *window.size, *window.out)
    for _ in range(3):
        np.full(shape, 1e9, np.float32)  # what the next array of this size may find
        columns = windows.unfold.op.forward(np.full((2, 3, *window.shape), value, np.float32), window)
        assert set(np.unique(columns)) <= {0.0, value}


@pytest.mark.parametrize(
    "settings", [{"padding": ((-2, 2), (0, 0))}, {"stride": (1, -1)}, {"dilation": (0, 1)}, {"size": (3, 0)}], ids=str
)
def test_windows_that_lie_nowhere_are_refused(settings: dict[str, Any]) -> None:
    window = Window.over((6, 6), 3)
    for make in (lambda: Window.over((6, 6), **{"size": 3, **settings}), lambda: replace(window, **settings)):
        with pytest.raises(ValueError, match="windows need size, stride, dilation >= 1 and padding >= 0"):
            make()


@pytest.mark.parametrize("out", [(9, 9), (1, 1), (0, 4)])
@pytest.mark.parametrize("name", ["unfold", "max_pool", "pool_scatter", "conv", "conv_input", "conv_weight"])
def test_more_or_fewer_windows_than_fit_give_what_numpy_gives(name: str, out: tuple[int, int]) -> None:
    window = replace(Window.over((6, 6), 3), out=out)
    x, w, g = draw(1, 2, 6, 6), draw(2, 2, 3, 3), draw(1, 2, *window.out)
    index = rng.integers(0, 9, g.shape).astype(np.uint8)
    arguments = {
        "unfold": (x, window),
        "max_pool": (x, window),
        "pool_scatter": (g, index, window),
        "conv": (x, w, window, 1),
        "conv_input": (g, w, window, 1),
        "conv_weight": (x, g, window, 1),
    }
    agree(name, arguments[name])


@pytest.mark.parametrize("function", ["conv", "conv_input", "conv_weight"])
def test_arrays_of_no_one_convolution_are_an_error_that_names_them(function: str, accelerator: bool) -> None:
    for args in ARGUMENTS[function]:
        for i in (0, 1):
            for spoil in ("longer", "wider", "narrower", "of one more axis", "flat"):
                given = [*args[:i], PERHAPS[spoil](args[i]), *args[i + 1 :]]
                if spoil == "longer" and (function == "conv" or (function, i) == ("conv_input", 0)):
                    continue  # more images, or more outputs
                with pytest.raises(ValueError, match="belong to one convolution"):
                    FUNCTIONS[function](*given)
