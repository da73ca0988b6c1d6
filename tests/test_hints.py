"""Hints: what an error says to those who type PyTorch's names and options, or NumPy's where a Tensor has others."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import minigrad as mg
import minigrad.scipy
import nn
from minigrad import Tensor, hints, spellings
from nn import functional as F

X = Tensor(np.ones((2, 3), np.float32))
HOMES = {"np": np, "minigrad": mg, "nn": nn, "scipy": scipy}
TABLES = {name: getattr(spellings, name) for name in spellings.__all__}


def said(f: Callable[[], Any], kind: type[Exception] = AttributeError) -> str:
    with pytest.raises(kind) as caught:
        f()
    return str(caught.value)


@pytest.mark.parametrize("table", ["INSTEAD", "METHODS", "FUNCTIONS", "NETWORKS", "SOLVERS", "AUTOGRAD", "UTILS", "INSPECT"])
def test_what_a_hint_tells_to_write_exists(table: str) -> None:
    """Every dotted name in a hint can be looked up: a function of NumPy, minigrad, nn, SciPy, or an attribute of a Tensor."""
    looked_up = 0
    for name, instead in TABLES[table].items():
        for home, path in re.findall(r"\b(np|minigrad|nn|scipy|x)\.([\w.]*\w)", instead):
            found: Any = X if home == "x" else HOMES[home]
            for part in path.split("."):
                assert hasattr(found, part), f"{name}: {instead}"
                found = getattr(found, part)
            looked_up += 1
    assert looked_up >= min(6, len(TABLES[table]))


def test_no_hint_hides_behind_a_name_that_exists() -> None:
    stale = [n for n in spellings.METHODS if hasattr(Tensor, n)]
    stale += [n for n in spellings.INSTEAD if hasattr(Tensor, n) and hasattr(mg, n)]
    stale += [n for n in spellings.FUNCTIONS if n in mg.__all__ and n in mg.linalg.__all__]
    stale += [n for n in spellings.NETWORKS if n in nn.__all__ and n in vars(F)]
    stale += [n for n, told in spellings.NETWORKS.items() if callable(vars(F).get(n)) and f"nn.functional.{n}(" not in told]
    assert not stale


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("view", "reshape"),
        ("unsqueeze", "expand_dims"),
        ("dim", "x.ndim"),
        ("numel", "x.size"),
        ("t", "x.T"),
        ("mm", "x @ y"),
        ("bmm", "x @ y"),
        ("contiguous", "x itself"),
        ("expand", "broadcast_to"),
        ("masked_fill", "np.where"),
        ("add_", "x += y"),
        ("clamp", "np.clip"),
        ("long", "np.int64"),
        ("gather", "take_along_axis"),
        ("chunk", "array_split"),
        ("zero_", "x[...] = 0"),
        ("strides", "x.data.strides"),
        ("tobytes", "numpy().tobytes"),
        ("grad_fn", "viz.walk"),
        ("eq", "x == y"),
    ],
)
def test_an_attribute_of_pytorchs_says_what_to_write(name: str, words: str) -> None:
    assert words in said(lambda: getattr(X, name))
    assert not hasattr(X, name)


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (mg, "cat", "concatenate"),
        (mg, "from_numpy", "Tensor(array)"),
        (mg, "manual_seed", "minigrad.random.manual_seed"),
        (mg, "randn", "minigrad.random.randn"),
        (mg, "float32", "np.float32"),
        (mg, "optim", "nn.optim"),
        (mg, "unsqueeze", "expand_dims"),
        (mg, "concatenat", "concatenate"),
        (mg, "Tensr", "Tensor"),
        (mg.linalg, "matrix_exp", "expm"),
        (mg.random, "randperm", "permutation"),
        (mg.autograd, "Function", "@minigrad.primitive"),
        (minigrad.scipy.optimize, "brentq", "implicit_root"),
        (minigrad.scipy.integrate, "solve_ivpp", "solve_ivp"),
        (nn, "lienar", "Linear"),
        (nn, "DataLoader", "nn.data.DataLoader"),
        (nn, "Dense", "nn.Linear"),
        (F, "crossentropy", "cross_entropy"),
        (nn.optim, "AdamX", "Adam"),
        (mg, "set_default_device", "minigrad.cuda.set_device"),
        (mg, "use_deterministic_algorithms", "sums over repeated indices differ"),
        (nn, "DataParallel", "nn.distributed.DataParallel"),
        (mg.random, "fork_rng", "minigrad.random.seeded"),
        (mg.cuda, "max_memory_allocated", "there is no peak"),
        (mg.cuda, "max_memory_reserved", "there is no peak"),
        (mg.cuda, "reset_peak_memory_stats", "there is no peak"),
        (mg.cuda, "memory_summary", "minigrad.cuda.memory_reserved()"),
        (mg.cuda, "get_device_name", "cupy.cuda.runtime.getDeviceProperties"),
        (mg.cuda, "amp", "no automatic choice"),
        (mg.cuda, "is_availabel", "is_available"),
    ],
)
def test_a_name_that_a_module_lacks_says_what_to_write(module: Any, name: str, words: str) -> None:
    text = said(lambda: getattr(module, name))
    assert words in text
    assert repr(name) in text


@pytest.mark.parametrize(("name", "words"), spellings.MODULES.items())
def test_an_attribute_of_pytorchs_modules_says_what_to_write(name: str, words: str) -> None:
    model = nn.Linear(2, 1)
    assert said(lambda: getattr(model, name)) == f"'Linear' object has no attribute {name!r}: write {words}"
    for expression in re.findall(r"next\(m\.parameters\(\)\)\.\w+|m\.\w+(?=\()", words):
        assert eval(expression, {"m": model}) is not None


@pytest.mark.parametrize(
    ("call", "option", "words"),
    [
        (lambda: nn.load("run.safetensors", map_location="cpu"), "map_location", "copies to where the parameters are"),
        (lambda: nn.load("run.safetensors", device="cuda"), "device", "move what it gives or takes"),
        (lambda: nn.load("run.safetensors", modul=None), "modul", "write module="),
        (lambda: nn.data.DataLoader([1], device="cuda"), "device", "x.to(device)"),
        (lambda: nn.training.Trainer(None, None, None, device="cuda"), "device", "model.to(device)"),
    ],
)
def test_an_option_without_a_counterpart_says_what_to_do(call: Callable[[], Any], option: str, words: str) -> None:
    text = said(call, TypeError)
    assert f"unexpected keyword argument {option!r}" in text
    assert words in text


def test_a_name_like_no_other_gets_no_guess() -> None:
    assert said(lambda: mg.zzzzqq) == "module 'minigrad' has no attribute 'zzzzqq'"


def test_the_names_stay_out_of_completion_and_can_be_taken() -> None:
    names = dir(X)
    assert "sum" in names and "unsqueeze" not in names
    assert hints.OtherNames in Tensor.__mro__

    class Torchlike(Tensor):
        __slots__ = ()

        def unsqueeze(self, axis: int) -> Any:
            return np.expand_dims(self, axis)

    x = Torchlike([1.0, 2.0])
    assert x.unsqueeze(0).shape == (1, 2)
    assert "unsqueeze" in dir(x)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: X.sum(dim=1), "axis="),
        (lambda: X.argmax(dim=0), "axis="),
        (lambda: X.mean(axis=1, keepdim=True), "keepdims="),
        (lambda: mg.sum(X, dim=1), "axis="),
        (lambda: mg.stack([X, X], dim=0), "axis="),
        (lambda: mg.concatenate([X, X], dim=1), "axis="),
        (lambda: X.std(unbiased=True), "ddof=1"),
        (lambda: mg.linalg.norm(X, dim=1), "axis="),
        (lambda: X.sort(dim=0), "axis="),
        (lambda: mg.cumsum(X, dim=0), "axis="),
        (lambda: mg.median(X, dim=0), "axis="),
        (lambda: mg.fft.fft(X, dim=0), "axis="),
        (lambda: F.normalize(X, dim=0), "axis="),
        (lambda: F.softmax(X, dim=1), "axis="),
        (lambda: F.glu(X, dim=0), "axis="),
        (lambda: nn.Softmax(dim=1), "axis="),
        (lambda: nn.Flatten(start_dim=1), "start_axis="),
        (lambda: mg.flatten(X, start_dim=1), "start_axis="),
        (lambda: mg.vmap(np.sin, in_dims=0), "in_axes="),
        (lambda: X.sum(axes=0), "axis="),
        (lambda: mg.sum(X, wheer=True), "where="),
        (lambda: mg.linspace(0, 1, steps=3), "num="),
        (lambda: mg.unique(X, return_invers=True), "return_inverse="),
    ],
)
def test_an_option_of_pytorchs_says_what_to_write(call: Callable[[], Any], words: str) -> None:
    text = said(call, TypeError)
    assert f"write {words}; it takes" in text
    assert "unexpected keyword argument" in text


#: Each function of nn.functional with an option that PyTorch spells otherwise: its name, PyTorch's word, ours.
OTHER_WORDS = [
    (name, theirs, ours)
    for name, function in vars(F).items()
    if callable(function) and not isinstance(function, type) and not name.startswith("_")
    for theirs, ours in spellings.OPTIONS.items()
    if ours in ("axis=", "keepdims=", "start_axis=", "end_axis=", "sizes=")
    and ours[:-1] in inspect.signature(function).parameters
]


@pytest.mark.parametrize(("name", "theirs", "ours"), OTHER_WORDS)
def test_every_function_of_networks_explains_pytorchs_words_for_axes(name: str, theirs: str, ours: str) -> None:
    text = said(lambda: getattr(F, name)(**{theirs: 1}), TypeError)
    assert f"{name}() got an unexpected keyword argument {theirs!r}: write {ours}; it takes" in text


def test_the_functions_of_networks_with_an_axis_are_looked_at() -> None:
    assert {"softmax", "log_softmax", "normalize", "unflatten", "flatten", "pairwise_distance"} <= {n for n, _, _ in OTHER_WORDS}


def test_an_error_of_the_function_itself_stays_its_own() -> None:
    @hints.explain_options
    def total(x: Any, axis: Any = None) -> Any:
        raise TypeError("mine")

    assert said(lambda: total(1, axis=2), TypeError) == "mine"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mg.zeros(2, 3), r"zeros\(\(2, 3\)\)"),
        (lambda: mg.ones(2, 3, 4), "tuples"),
        (lambda: Tensor(2, 3), "dtype"),
        (lambda: X.sum(0, 1), r"x.sum\(\(0, 1\)\)"),
        (lambda: X.mean(1, True), "keepdims=True"),
        (lambda: mg.full(2, 3, 1.0), "dtype"),
        (lambda: Tensor([1.0], dtype="flaot32"), "write float32"),
        (lambda: X.astype("int46"), "write int"),
        (lambda: mg.zeros(2, dtype="bfloat16"), "float32"),
    ],
)
def test_what_is_no_dtype_says_so(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize("device", ["gpu", "mps", "tpu:0"])
def test_a_device_that_does_not_exist_names_those_that_do(device: str) -> None:
    with pytest.raises(ValueError, match=f'{device}.*device.*"cpu", "cuda"'):
        X.to(device)


@pytest.mark.parametrize(
    ("home", "name", "words"),
    [
        (nn.utils, "data", "write the module nn.data"),
        (nn.utils, "clip_grad_norm", "nn.utils.clip_grad_norm_"),
        (nn.init, "xavier_uniform", "did you mean xavier_uniform_"),
        (mg, "amp", "x.astype(dtype)"),
    ],
)
def test_modules_of_habit_say_what_to_write(home: Any, name: str, words: str) -> None:
    assert words in said(lambda: getattr(home, name))


def test_modules_in_a_list_or_none_at_all_are_explained() -> None:
    assert "Sequential(*modules)" in said(lambda: nn.Sequential([nn.ReLU()]), TypeError)
    assert "ModuleList([module])" in said(lambda: nn.ModuleList(nn.Linear(1, 1)), TypeError)
    assert len(nn.ModuleList(nn.Sequential(nn.ReLU()))) == 1


LOSSES = [n for n in dir(nn) if n.endswith("Loss") and n not in ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss")]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_module_that_gets_values_in_place_of_options_says_so(name: str) -> None:
    text = said(lambda: getattr(nn, name)(X, X), TypeError)
    assert f"nn.{name}()(input, target)" in text or "positional arguments" in text
    if "positional" in text:
        assert f"nn.{name}()(input, target)" in said(lambda: getattr(nn, name)(X), TypeError)


def test_numpy_of_a_tensor_with_a_gradient_begins_with_the_remedy() -> None:
    x = Tensor([1.0], requires_grad=True)
    assert ": write x.detach().numpy()" in said(x.numpy, RuntimeError)


class Own(nn.Module):
    """A user's module, whose constructor has an option."""

    def __init__(self, width: int = 2) -> None:
        self.layer = nn.Linear(width, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.optim.Adam([X], learning_rate=0.1), "Adam() got an unexpected keyword argument 'learning_rate': write lr=; "),
        (lambda: nn.Linear(2, 1, bais=False), "Linear() got an unexpected keyword argument 'bais': write bias=; it takes in"),
        (lambda: nn.Conv2d(1, 2, 3, strides=2), "Conv2d() got an unexpected keyword argument 'strides': write stride=; "),
        (lambda: nn.LSTM(2, 3, dim=1), "unexpected keyword argument 'dim': it takes input_size"),
        (lambda: Own(widht=3), "Own() got an unexpected keyword argument 'widht': write width=; it takes width"),
    ],
)
def test_an_option_of_a_constructor_says_what_to_write(call: Callable[[], Any], words: str) -> None:
    assert words in said(call, TypeError)


def test_images_whose_channels_are_last_are_told_from_other_shapes() -> None:
    layer = nn.Conv2d(3, 4, 3)
    assert said(lambda: layer(np.ones((1, 8, 8, 3))), ValueError).endswith("write np.moveaxis(x, -1, 1)")
    assert said(lambda: layer(np.ones((1, 8, 8, 2))), ValueError).endswith("got shape (1, 8, 8, 2)")
