"""Machines with several GPUs: everything runs, and its results are, where the arrays are (on the stand-in).

The stand-in's devices do not reach each other's memory, so whatever is computed on the wrong one fails.
"""

from __future__ import annotations

import copy
import inspect
import pickle
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor, devices, no_grad, random, viz
from minigrad.viz.values import backward_flow
from nn import functional as F
from nn.text.decoding import beam_search, greedy

from . import stand_in as package
from .ops_table import MORE, ROWS
from .scipy_samples import CPU_ONLY
from .test_layers import LAYERS

pytestmark = [
    pytest.mark.usefixtures("two_gpus"),
    pytest.mark.filterwarnings("ignore:philox.cu cannot be compiled"),
]

THERE = "cuda:1"


def there(values: Any = (1.0, 2.0, 3.0), **options: Any) -> Tensor:
    return Tensor(np.array(values, dtype=np.float32), device=THERE, **options)


def places(*tensors: Any) -> set[str]:
    return {t.device for t in tensors if t is not None}


# ------------------------------------------------------------------------------------ ops


#: Ops, and functions that are made of them.
ALL = {name: [*ROWS.get(name, []), *MORE.get(name, [])] for name in [*ROWS, *MORE] if name not in CPU_ONLY}


@pytest.mark.parametrize("name", ALL)
def test_functions_and_their_gradients_are_where_the_inputs_are(name: str) -> None:
    """What works on the current GPU works on the other one, to second order."""
    for sample in ALL[name]:
        expected = to_second_order(sample, "cuda:0")
        found = to_second_order(sample, THERE)
        assert places(*found) <= {THERE}
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_array_equal(a.detach().cpu().numpy(), b.detach().cpu().numpy())


def to_second_order(sample: Any, device: str) -> list[Tensor]:
    random.manual_seed(0)
    xs = [Tensor(a, device=device, requires_grad=True) for a in sample.args]
    ys = sample.f(*xs)
    ys = list(ys) if isinstance(ys, (list, tuple)) else [ys]
    out = list(ys)
    for _ in range(2):
        ys = [y for y in ys if y.requires_grad]
        if not ys:
            break
        ones = [np.ones_like(y) for y in ys]
        found = mg.autograd.grad(ys, xs, ones, create_graph=True, allow_unused=True)
        ys = [g for g in found if g is not None]
        out += ys
    return out


def test_answers_about_arrays_are_found_where_these_are() -> None:
    x, y = there(), there()
    assert np.allclose(x, y)
    assert np.array_equal(x, y)
    assert not np.array_equiv(x, there([1.0, 2.0, 4.0]))
    assert np.result_type(x, y) == np.float32


def test_many_threads_may_find_the_gpus_first() -> None:
    """Each op follows its arrays once, and before any of the threads goes on."""
    start = threading.Barrier(8)

    def first(number: int) -> tuple[str, float]:
        start.wait()
        x = Tensor([number, 2.0], device=THERE)
        return (x * x).device, (x * x).sum().item()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(first, range(8))) == [(THERE, n * n + 4.0) for n in range(8)]
    forward = mg.multiply.__globals__["_forward"]
    assert forward.__wrapped__ is np.multiply


@pytest.mark.parametrize(
    "function", [mg.outer, F.dropout, F.max_pool2d, F.l1_loss, random.normal, nn.init.normal_], ids=lambda f: f.__name__
)
def test_functions_that_follow_are_functions_like_others(function: Any) -> None:
    """They have their own source, signature and name, and can be pickled."""
    there()
    assert pickle.loads(pickle.dumps(function)) is function
    assert "_gpu_for" not in inspect.getsource(function)
    assert "args" not in inspect.signature(function).parameters
    assert function.__name__ == function.__qualname__ != "run"


NEW: list[Callable[[Tensor], Any]] = [
    lambda x: mg.zeros(3, device=THERE), lambda x: mg.zeros(3, device=1), lambda x: mg.ones((2, 2), like=x),
    lambda x: mg.full(3, x[0]), lambda x: mg.full(3, 2.0, device=THERE), lambda x: mg.full((2, 3), [1, 2, 3], like=x),
    lambda x: mg.eye(2, 3, like=x), lambda x: mg.tri(3, device=THERE), lambda x: mg.identity(2, like=x),
    lambda x: mg.arange(4, device=THERE), lambda x: mg.arange(0.0, 1.0, 0.25, like=x), lambda x: mg.empty(2, like=x),
    lambda x: mg.linspace(x[0], x[1], 4), lambda x: np.zeros_like(x), lambda x: np.full_like(x, 2.0),
    lambda x: np.ones_like(x, shape=(2, 2)), lambda x: x.copy(), lambda x: mg.asarray([1.0], device=THERE),
    lambda x: mg.array([1.0], like=x), lambda x: Tensor([1.0], device=1), lambda x: Tensor(x, dtype="float64"),
    lambda x: Tensor(x.data.astype(np.float64)), lambda x: x.to("float64"), lambda x: x[x > 1], lambda x: x[[0, 1]],
    lambda x: np.sort(x), lambda x: x == 2, lambda x: x.argmax(), lambda x: mg.stack([x, x]), lambda x: -x,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NEW)))
def test_new_tensors_are_where_they_are_asked_for(number: int) -> None:
    assert NEW[number](there()).device == THERE


DRAWS: list[Callable[[Tensor], Any]] = [
    lambda x: random.rand(3, device=THERE), lambda x: random.normal(x, 1.0), lambda x: random.uniform(x, x + 1),
    lambda x: random.exponential(x), lambda x: random.standard_gamma(x), lambda x: random.triangular(x, x + 1, x + 2),
    lambda x: random.bernoulli(x / 3), lambda x: random.categorical(x), lambda x: random.permutation(x),
    lambda x: random.permutation(5, device=THERE), lambda x: random.choice(x, 2), lambda x: random.choice(4, 3, False, device=1),
    lambda x: random.poisson(x), lambda x: random.integers(5, size=3, device=THERE),
    lambda x: random.multivariate_normal(x, mg.eye(3, like=x)), lambda x: random.standard_t(x),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(DRAWS)))
def test_draws_are_where_their_parameters_are(number: int) -> None:
    assert DRAWS[number](there()).device == THERE


TRANSFORMS: list[Callable[[Any, Tensor], Any]] = [
    lambda f, x: mg.grad(lambda x: f(x).sum())(x), lambda f, x: mg.value_and_grad(lambda x: f(x).sum())(x)[1],
    lambda f, x: mg.jacobian(f)(x), lambda f, x: mg.hessian(lambda x: f(x).sum())(x), lambda f, x: mg.jvp(f, (x,), (x,))[1],
    lambda f, x: mg.vjp(f, x)[1](x), lambda f, x: mg.elementwise_grad(np.tanh)(x), lambda f, x: mg.checkpoint(f)(x),
    lambda f, x: mg.vmap(mg.grad(lambda row: f(row).sum()))(mg.stack([x, 2 * x])), lambda f, x: mg.ravel_tree({"a": x})[0],
    lambda f, x: mg.jacobian(lambda x: mg.ones(2, like=x))(x),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TRANSFORMS)))
def test_transforms_are_where_the_arguments_are(number: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.UnusedInputWarning)
        assert TRANSFORMS[number](lambda x: np.sin(x) * x.sum(), there()).device == THERE


def test_writing_in_place() -> None:
    x = there()
    with no_grad():
        x[0] = 5.0
        x += 1
        x *= x
        x[1:] = x[:-1]
    assert (x.device, x.tolist(), 36.0 in x) == (THERE, [36.0, 36.0, 9.0], True)


# ---------------------------------------------------------------------------- from one to the other


def test_moving_between_gpus_is_part_of_the_graph() -> None:
    x = Tensor([1.0, 2.0], device="cuda:0", requires_grad=True)
    w = Tensor([3.0, 4.0], device=THERE, requires_grad=True)
    hidden = x * x
    loss = (hidden.to(THERE) * w).sum() + hidden.cuda(1).sum() + hidden.sum().to(w)
    loss.backward()
    assert loss.device == THERE
    assert (x.grad.device, x.grad.tolist()) == ("cuda:0", [10.0, 24.0])
    assert (w.grad.device, w.grad.tolist()) == (THERE, [1.0, 4.0])
    (first,) = mg.autograd.grad([((x**3).to(THERE) * w.detach()).sum()], [x], create_graph=True)
    (second,) = mg.autograd.grad([first.sum()], [x])
    assert (second.device, second.tolist()) == ("cuda:0", [18.0, 48.0])


def test_gradients_that_nobody_else_has_are_not_copied(two_gpus: Any) -> None:
    """Whether an array may be kept or added to in place is told by its references, also where others follow the GPU."""
    x, w = there(requires_grad=True), there([4.0, 5.0, 6.0], requires_grad=True)
    for results in (lambda: (x * w).sum().backward(), lambda: mg.autograd.grad((x * w).sum(), [x, w])):
        results()
        with two_gpus.counting() as count:
            results()
        assert not count.names["copy"], count


def test_two_gpus_mix_no_better_than_cpu_and_gpu() -> None:
    x, y = there(), there().to("cuda:0")
    for mix in (lambda: x + y, lambda: y @ x, lambda: mg.concatenate([x, y]), lambda: np.where(x > 1, y, x), lambda: x * y.sum()):
        with pytest.raises(RuntimeError, match=r"different devices \(.*cuda:[01].*cuda:[01]"):
            mix()


def test_the_current_gpu_stays_what_it_was() -> None:
    cupy = __import__("cupy")
    x = there(requires_grad=True)
    (x * x).sum().backward()
    x.to("cuda:0")
    random.rand(2, device=THERE)
    assert (mg.cuda.current_device(), cupy.zeros(1).device.id) == (0, 0)
    with mg.cuda.device(x):
        assert Tensor([1.0], device="cuda").device == mg.zeros(1, device="cuda").device == Tensor([1.0]).cuda().device == THERE
    with mg.cuda.device(1):
        assert (Tensor([1.0], device=0) * 2).device == "cuda:0"
    mg.cuda.set_device(THERE)
    assert mg.cuda.current_device() == 1
    mg.cuda.synchronize("cuda:0")
    assert mg.cuda.current_device() == 1


def test_a_gpu_that_is_not_there_is_refused_by_name() -> None:
    for make in (
        lambda: Tensor([1.0], device="cuda:2"), lambda: mg.zeros(3, device=2), lambda: random.rand(3, device="cuda:2"),
        lambda: there().cuda(5), lambda: mg.cuda.synchronize(2), lambda: nn.Linear(2, 2, device="cuda:2"),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="this machine has 2 GPUs, numbered from 0"):
            make()


def test_arrays_of_cupys_are_met_without_asking_for_a_device() -> None:
    """Nothing of minigrad has looked for GPUs when the first array of the other one comes up."""
    cupy = __import__("cupy")
    assert not devices.several
    with cupy.cuda.Device(1):
        array = cupy.ones(3)
    assert (Tensor(array) * 2).device == THERE


# ------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layers_are_where_their_input_is(name: str, args: Any, options: Any, shape: Any) -> None:
    layer = getattr(nn, name)(*args, **options).to(THERE)
    x = there(np.ones(shape) * np.arange(shape[-1]), requires_grad=True)
    out = layer(x)
    ys = [y for y in (out if isinstance(out, (list, tuple)) else [out]) if isinstance(y, Tensor)]
    sum((y * y).sum() for y in ys).backward()
    assert places(*ys, x.grad, *(p.grad for p in layer.parameters()), *layer.buffers()) == {THERE}


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_a_layer_takes_arrays_of_main_memory_on_its_gpu(name: str, args: Any, options: Any, shape: Any) -> None:
    layer = getattr(nn, name)(*args, **options).to(THERE)
    if list(layer.parameters()):
        out = layer((np.ones(shape) * np.arange(shape[-1])).astype(np.float32))
        assert places(*(out if isinstance(out, tuple) else (out,))) == {THERE}


def test_attention_and_tables_take_arrays_of_main_memory_on_their_gpu() -> None:
    x, rows = np.ones((3, 2, 4), np.float32), np.array([[1, 1, 2]])
    attention = nn.MultiheadAttention(4, 2, add_zero_attn=True, add_bias_kv=True).to(THERE)
    table = nn.Embedding(5, 3, sparse=True, max_norm=1.0, scale_grad_by_freq=True).to(THERE)
    bag = nn.EmbeddingBag(5, 3, mode="max").to(THERE)
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4).to(THERE))
    assert places(attention(x, x, x)[0], table(rows), bag(rows), spectral(x)) == {THERE}


def test_losses_and_dropout_without_a_layer() -> None:
    logits, targets = there(np.ones((4, 3)), requires_grad=True), Tensor(np.array([0, 1, 2, 0]), device=THERE)
    losses = [
        F.cross_entropy(logits, targets, label_smoothing=0.1), F.nll_loss(F.log_softmax(logits, 1), targets),
        F.binary_cross_entropy(F.sigmoid(logits), logits.detach() / 2), F.mse_loss(F.dropout(logits), logits.detach()),
        F.huber_loss(logits, logits.detach() * 2), F.relu6(logits).sum(), F.multi_margin_loss(logits, targets),
    ]  # fmt: skip
    sum(losses).backward()
    assert places(*losses, logits.grad) == {THERE}


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam"])
def test_optimizers_change_parameters_where_they_are(name: str) -> None:
    """A model on two GPUs is trained as on one."""
    results = []
    for second in ("cuda:0", THERE):
        random.manual_seed(0)
        first, last = nn.Linear(3, 4).to("cuda:0"), nn.Linear(4, 1).to(second)
        parameters = [*first.parameters(), *last.parameters()]
        optimizer = getattr(nn.optim, name)(parameters, lr=0.01)
        x = Tensor(np.ones((5, 3), np.float32), device="cuda:0")

        def loss(first: Any = first, last: Any = last, optimizer: Any = optimizer, second: str = second, x: Any = x) -> Any:
            optimizer.zero_grad()
            value = (last(first(x).to(second)) ** 2).sum()
            value.backward()
            return value

        for _ in range(3):
            optimizer.step(loss)
        assert places(*last.parameters()) == {second}
        results.append([p.tolist() for p in parameters])
    assert results[0] == results[1]


def test_lbfgs_steps_on_the_other_gpu() -> None:
    x = there(requires_grad=True)
    optimizer = nn.optim.LBFGS([x], line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimizer.zero_grad()
        value = ((x - 1) ** 2).sum()
        value.backward()
        return value

    optimizer.step(loss)
    assert (x.device, x.detach().round(4).tolist()) == (THERE, [1.0, 1.0, 1.0])


def test_clipping_counts_gradients_of_all_gpus() -> None:
    a, b = Tensor([1.0], device="cuda:0", requires_grad=True), Tensor([1.0], device=THERE, requires_grad=True)
    (3 * a + 4 * b.to("cuda:0")).sum().backward()
    total = nn.utils.clip_grad_norm_([a, b], 1.0)
    assert float(total) == pytest.approx(5.0)
    assert [a.grad.item(), b.grad.item()] == pytest.approx([0.6, 0.8], rel=1e-5)
    nn.utils.clip_grad_value_([a, b], 0.5)
    assert (a.grad.item(), b.grad.item()) == (0.5, 0.5)


def test_weights_of_one_gpu_are_loaded_on_another_one_and_on_the_cpu(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to(THERE)
    optimizer = nn.optim.Adam(model.parameters())
    model(there(np.ones((4, 2)))).sum().backward()
    optimizer.step()
    nn.save(model, tmp_path / "weights")
    nn.training.save_checkpoint(tmp_path / "run", model, optimizer)
    for device in ("cpu", "cuda:0", THERE):
        other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to(device)
        state = nn.optim.Adam(other.parameters())
        nn.load(tmp_path / "weights", other)
        nn.training.load_checkpoint(tmp_path / "run", other, state)
        assert places(*other.parameters(), *other.buffers()) == {device}
        assert [p.tolist() for p in other.parameters()] == [p.tolist() for p in model.parameters()]
        other(Tensor(np.ones((4, 2), np.float32), device=device)).sum().backward()
        state.step()


def test_batches_follow_the_model() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(16, 3)).astype(np.float32), rng.integers(0, 2, 16)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2)).cuda(1)
    trainer = nn.training.Trainer(model, nn.optim.SGD(model.parameters(), lr=0.1), F.cross_entropy)
    trainer.fit(nn.data.DataLoader(nn.data.TensorDataset(X, Y), batch_size=8), epochs=2)
    assert places(*model.parameters()) == {THERE}


# ------------------------------------------------------------------------------ copies and pickles


def test_copies_stay_and_pickles_come_back_where_they_were() -> None:
    x = there(requires_grad=True, name="x")
    (x * x).sum().backward()
    with package.counting() as count:
        twin = copy.deepcopy(x)
    assert count.syncs == 0  # nothing went by way of main memory
    for other in (twin, pickle.loads(pickle.dumps(x))):
        assert (other.device, other.name, other.requires_grad, other.tolist()) == (THERE, "x", True, x.tolist())
        assert (other.grad.device, other.grad.tolist()) == (THERE, x.grad.tolist())
        assert other.data is not x.data
    model = copy.deepcopy(nn.Linear(2, 2).to(THERE))
    assert places(*model.parameters()) == {THERE}
    first, second = copy.deepcopy([y := Tensor(x.data), Tensor(y.data)])
    assert first.data is second.data  # as they shared it


def test_a_pickle_of_a_gpu_that_is_not_there_is_on_the_cpu_and_says_so() -> None:
    data = pickle.dumps(there())
    with package.installed(devices=1), pytest.warns(UserWarning, match="pickled on cuda:1 is on the cpu now: .* has 1 GPU"):
        x = pickle.loads(data)
    assert (x.device, x.tolist()) == ("cpu", [1.0, 2.0, 3.0])


def test_distributions_norms_and_predictions_are_where_their_tensors_are() -> None:
    normal = nn.distributions.Normal(there(), there())
    x = normal.rsample((4,))
    beta = nn.distributions.Beta(there(), there())
    assert places(x, normal.log_prob(x), beta.log_prob(beta.sample()), normal.cdf(x)) == {THERE}
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 3).to(THERE))
    trainer = nn.training.Trainer(layer, nn.optim.SGD(layer.parameters(), lr=0.1), F.mse_loss)
    assert trainer.predict([there(np.ones((2, 3))), there(np.ones((1, 3)))]).device == THERE
    assert mg.ravel_tree({"a": there(), "b": 2.0})[0].device == THERE
    assert nn.utils.get_total_norm([there()], error_if_nonfinite=True).item() == pytest.approx(14**0.5)


# ------------------------------------------------------------------------------------ helpers of nn and viz


def hopfield() -> Any:
    net = nn.Hopfield(4).to(THERE)
    net.store([[1, -1, 1, -1.0]])
    net.store(there([[1, 1, -1, -1.0]]))
    return net(there([[1, -1, 1, 1.0]]))


def machine() -> Any:
    rbm = nn.RBM(3, 4).to(THERE)
    rbm.contrastive_divergence(there([[1.0, 0.0, 1.0]]), persistent=True).backward()
    return rbm.weight.grad


def next_tokens() -> Any:
    table = there(np.eye(4)[[1, 2, 3, 0]])
    model = lambda token, state: (table[token], state)
    assert greedy(model, 0, 3, 9) == [1, 2, 3]
    assert beam_search(model, 0, 3, 5, beam=2)[0].tokens[-1] == 3
    return table


def measured() -> Any:
    scores, classes = there([[0.1, 0.9], [0.8, 0.2]]), Tensor(np.array([1, 1]), device=THERE)
    assert nn.metrics.accuracy(scores, classes) == 0.5
    assert nn.metrics.accuracy(scores, classes, top_k=2) == 1.0
    assert nn.metrics.confusion_matrix(scores, classes).tolist() == [[0, 0], [1, 1]]
    assert nn.metrics.precision_recall_f1(scores, classes).support.tolist() == [0, 2]
    assert nn.metrics.perplexity(scores.mean()) > 1
    return scores


def drawn() -> Any:
    x = there(2.0, requires_grad=True)
    y = (x.exp() * 3).sum()
    assert "exp" in str(viz.explain(y))
    assert len(viz.walk(y)) == 4
    assert "exp" in viz.explore(y).html
    return y


def minimized(line_search: str | None) -> Any:
    params = [there([3.0, -2.0], requires_grad=True), there([0.0], requires_grad=True)]
    optimizer = nn.optim.LBFGS(params, line_search_fn=line_search)

    def loss() -> Any:
        optimizer.zero_grad()
        value = sum(((p - 1) ** 2).sum() for p in params)
        value.backward()
        return value

    for _ in range(3):
        optimizer.step(loss)
        optimizer.load_state_dict(optimizer.state_dict())
    assert params[0].detach().round(2).tolist() == [1.0, 1.0]
    return params[1]


def predicted() -> Any:
    model = nn.Linear(3, 2).to(THERE)
    trainer = nn.training.Trainer(model, nn.optim.SGD(model.parameters(), 0.1), nn.MSELoss())
    return trainer.predict([there([[1.0, 2.0, 3.0]]), there([[1.0, 2.0, 3.0]])])


@pytest.mark.parametrize("make", [
    hopfield, machine, next_tokens, measured, drawn, predicted, lambda: minimized(None), lambda: minimized("strong_wolfe"),
    lambda: minimized("armijo"),
])  # fmt: skip
def test_what_computes_beside_ops_does_so_on_the_gpu_of_its_arrays(make: Callable[[], Any]) -> None:
    assert mg.cuda.current_device() == 0
    assert make().device == THERE


# --------------------------------------------------------------------- beside ops: what writes by hand


def trained() -> tuple[Any, Any]:
    """A model with buffers, and its optimizer after a step."""
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to(THERE)
    optimizer = nn.optim.Adam(model.parameters())
    (model(there(np.eye(4, 2))) ** 2).sum().backward()
    optimizer.step()
    return model, optimizer


def places_of_state(optimizer: Any) -> set[str]:
    return {Tensor(x).device for entry in optimizer.state.values() for x in entry.values() if hasattr(x, "shape")}


@pytest.mark.parametrize("how", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "Muon", "Adagrad", "NAdam"])
def test_a_copy_of_an_optimizer_has_its_state_where_it_was(name: str, how: Any) -> None:
    options = {"momentum": 0.9} if name == "SGD" else {}
    model = nn.Linear(2, 3, bias=name != "Muon").to(THERE)
    optimizer = getattr(nn.optim, name)(model.parameters(), lr=0.1, **options)
    (model(there(np.eye(4, 2))) ** 2).sum().backward()
    optimizer.step()
    twin, other = how((model, optimizer))
    assert places_of_state(other) == {THERE}
    for each in (optimizer, other):
        each.step()
    assert [p.tolist() for p in twin.parameters()] == [p.tolist() for p in model.parameters()]
    assert all(a is not b for a, b in zip(optimizer.state, other.state, strict=True))


def test_a_pickled_optimizer_is_on_the_cpu_where_there_is_no_gpu() -> None:
    data = pickle.dumps(trained())
    with package.installed(devices=1), pytest.warns(UserWarning, match="pickled on cuda:1 is on the cpu now"):
        model, optimizer = pickle.loads(data)
    assert places(*model.parameters()) | places_of_state(optimizer) == {"cpu"}
    optimizer.step()


def test_gradients_become_zeros_in_place() -> None:
    model, optimizer = trained()
    held = [p.grad.data for p in model.parameters()]
    optimizer.zero_grad(set_to_none=False)
    assert all(p.grad.data is g for p, g in zip(model.parameters(), held, strict=True))
    model.zero_grad(set_to_none=False)
    assert all(p.grad.device == THERE and not np.any(p.grad.tolist()) for p in model.parameters())


def test_an_anomaly_is_found_and_derivatives_are_checked() -> None:
    with mg.detect_anomaly():
        (there() * 2).sum()
        with pytest.raises(FloatingPointError, match="infinite"), np.errstate(all="ignore"):
            there([0.0, 1.0]) / 0.0
    x = Tensor(np.array([1.0, 2.0]), device=THERE, requires_grad=True)
    assert mg.gradcheck(lambda x: (x**3).sum(), x)
    assert mg.gradgradcheck(lambda x: (x**3).sum(), x)
    assert mg.check_grads(lambda x: x**3, modes=["fwd", "rev"])(x) is None


def test_an_interrupted_training_goes_back_to_the_last_update() -> None:
    model, optimizer = trained()
    before = [b.tolist() for b in model.buffers()]

    class Interrupted(nn.training.Trainer):
        def training_step(self, batch: Any) -> Any:
            super().training_step(batch)  # which moves the statistics of BatchNorm
            raise KeyboardInterrupt

    batch = (there(np.eye(4, 2)), there(np.zeros((4, 3))))
    with pytest.raises(KeyboardInterrupt):
        Interrupted(model, optimizer, F.mse_loss, progress=False).fit([batch], 1)
    assert [b.tolist() for b in model.buffers()] == before


def test_averages_take_new_statistics() -> None:
    model, _ = trained()
    average = nn.optim.swa_utils.AveragedModel(model)
    nn.optim.swa_utils.update_bn([there(np.eye(4, 2)), there(np.ones((4, 2)))], average)
    assert places(*average.buffers()) <= {THERE, "cpu"}
    assert places(*average.module.buffers()) == {THERE}


def test_distributions_and_sequences_are_where_their_tensors_are() -> None:
    uniform = nn.distributions.Uniform(there([0.0]), there([1.0]))
    other = nn.distributions.Uniform(there([-1.0]), there([2.0]))
    assert places(uniform.sample(), uniform.entropy(), nn.distributions.kl_divergence(uniform, other)) == {THERE}
    with pytest.raises(ValueError, match="low must be less than high"):
        nn.distributions.Uniform(there([1.0]), there([0.0])).sample().tolist()
    packed = nn.utils.rnn.pack_padded_sequence(there(np.ones((2, 5, 3))), [5, 3], batch_first=True)
    padded, lengths = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, padding_value=7.0)
    assert (padded.device, padded.tolist()[1][-1], list(lengths)) == (THERE, [7.0] * 3, [5, 3])


def test_tables_and_landscapes() -> None:
    table = nn.Embedding(4, 3, padding_idx=0).to(THERE)
    table.reset_parameters()
    assert (table.weight.device, table.weight.tolist()[0]) == (THERE, [0.0] * 3)
    model, _ = trained()
    before = [p.tolist() for p in model.parameters()]
    x = there(np.eye(4, 2))
    nn.inspect.loss_landscape(lambda: (model(x) ** 2).mean(), list(model.parameters()), steps=3)
    assert [p.tolist() for p in model.parameters()] == before
    assert nn.inspect.gradient_by_lag(nn.RNN(2, 3).to(THERE), np.ones((4, 1, 2)))[0] == 1.0


def test_pictures_show_the_gradients_of_the_other_gpu() -> None:
    shown = []
    for x in (Tensor([1.0, 2.0, 3.0], requires_grad=True), there(requires_grad=True)):
        y = (np.sin(x) * x).sum() + x.max()
        flows = backward_flow(y, viz.walk(y))
        shown.append([Tensor(flow.total).cpu().tolist() for flow in flows])
        assert viz.draw(y, style="detailed").source
    assert shown[0] == shown[1]
