"""What modules do beside computing: copies, moves, parametrisations, pruning, inspection, distributions."""

from __future__ import annotations

import copy
import json
import pickle
import re
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn
from minigrad import Tensor, viz
from nn import functional as F
from nn import init
from nn.utils import parametrizations, parametrize, prune

from .moved import case, made, on, ramp, with_gradients

X = ramp(4, 5)


def layer() -> Any:
    """A layer with first values of its own."""
    mg.random.manual_seed(0)
    return nn.Linear(5, 3)


def calls(module: Any, device: str) -> list[Any]:
    """An output with gradients, in training and in evaluation."""
    x = on(device, X, requires_grad=True)
    found = with_gradients(module.train()(x), x, *module.parameters())
    return [*found, module.eval()(x), module.state_dict()]


# ---------------------------------------------------------------------------------------- moving


@case
def copies(device: str) -> Any:
    """Copies of a module, with gradients, stay on the device and share nothing."""
    module = made(device, layer())
    module(on(device, X)).sum().backward()
    twin, other = copy.deepcopy(module), pickle.loads(pickle.dumps(module))
    module.weight.data = mg.zeros_like(module.weight.detach()).data
    return [*calls(twin, device), *calls(other, device), twin.weight.grad, other.bias.grad]


@case
def tensors_are_copied(device: str) -> Any:
    x = on(device, X, requires_grad=True)
    x.name = "x"
    (x * x).sum().backward()
    twin, other = copy.deepcopy(x), pickle.loads(pickle.dumps(x))
    return [twin, other, twin.grad, other.grad, other.name, copy.copy(x)]


@case
def moves(device: str) -> Any:
    """There and back, in other dtypes, by name, by number and by a tensor; gradients and buffers go along."""
    module = made("cpu", nn.Sequential(layer(), nn.BatchNorm1d(3)))
    module(Tensor(X)).sum().backward()
    module.to(device)
    there = [*calls(module, device), module[0].weight.grad]
    module.double().to(on(device, X)).float()
    module.half().to(device, np.float32)
    elsewhere = nn.Linear(5, 3, device=device)
    elsewhere.load_state_dict(layer().state_dict())
    there += calls(elsewhere, device)
    module.cpu()
    return [there, module[0].weight.detach().numpy(), module[1].running_mean.numpy()]


@case
def functional_call(device: str) -> Any:
    """Values of the device and NumPy's in the place of the parameters; gradients of each sample."""
    module = made(device, layer())
    values = {k: on(device, ramp(*p.shape), requires_grad=True) for k, p in module.named_parameters()}
    out = nn.utils.functional_call(module, values, on(device, X))
    each = mg.vmap(mg.grad(lambda w, x: (nn.utils.functional_call(module, {"weight": w}, x) ** 2).sum()), in_axes=(None, 0))(
        values["weight"].detach(), on(device, X)
    )
    return [*with_gradients(out, *values.values()), each]


@case
def hooks(device: str) -> Any:
    module = made(device, nn.Sequential(layer(), nn.Tanh()))
    seen: list[Any] = []
    module[0].register_forward_hook(lambda m, args, out: seen.append(out.sum().item()))
    module[0].register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    module[1].register_full_backward_hook(lambda m, before, after: (2 * before[0],))
    module[0].weight.register_hook(lambda g: g * 3)
    return [*calls(module, device), seen]


@case
def arrays_and_lists_go_where_the_layer_is(device: str) -> Any:
    """NumPy's arrays and lists as inputs; a Tensor stays where it is."""
    module = made(device, layer())
    cell = made(device, nn.LSTM(5, 3))
    return [module(X), module(X.tolist()), module(X.astype(np.float64)), cell(X[:, None])[0]]


@case
def first_values(device: str) -> Any:
    """What is not random is the same; what is random has the properties that it must have."""
    w = nn.Parameter(on(device, np.zeros((6, 4), np.float32)))
    k = nn.Parameter(on(device, np.zeros((4, 2, 3, 3), np.float32)))
    found: list[Any] = []
    for fill in (init.ones_, init.zeros_, init.eye_, partial(init.constant_, val=0.3)):
        found.append(fill(w).detach().clone())
    found.append(init.dirac_(k, 2).detach().clone())
    q = init.orthogonal_(w).detach()
    found.append(q.T @ q)
    for draw in (
        init.uniform_, init.normal_, init.trunc_normal_, init.xavier_uniform_, init.xavier_normal_, init.kaiming_uniform_,
        init.kaiming_normal_,
    ):  # fmt: skip
        values = draw(k).detach().cpu().numpy()
        found.append(len(np.unique(values)) == values.size)
    found.append((init.sparse_(w, 0.5).detach() == 0).sum(axis=0))
    return found


# ------------------------------------------------------------------------------ parametrisations


@case
def weight_norm(device: str) -> Any:
    found = []
    for how in (nn.utils.weight_norm, parametrizations.weight_norm):
        for dim in (0, None):
            module = how(made(device, layer()), dim=dim)
            found += calls(module, device)
            module.weight = on(device, ramp(3, 5))
            found.append(module.weight)
    removed = nn.utils.remove_weight_norm(nn.utils.weight_norm(made(device, layer())))
    return [*found, *calls(removed, device), *calls(how(layer()).to(device), device)]


@case
def spectral_norm(device: str) -> Any:
    found: list[Any] = []
    for how in (nn.utils.spectral_norm, parametrizations.spectral_norm):
        mg.random.manual_seed(1)
        moved = how(layer()).to(device)
        found += calls(moved, device)
        here = how(made(device, layer()), n_power_iterations=30)
        here(on(device, X))
        found.append(round(float(np.linalg.svd(here.weight.detach().cpu().numpy())[1][0]), 3))
    removed = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(made(device, layer()), n_power_iterations=30))
    return [*found, removed.weight.shape]


@case
def orthogonal(device: str) -> Any:
    """Each map, square and not, made on the device and moved there; a value that is assigned."""
    found: list[Any] = []
    for shape in ((4, 4), (3, 5), (5, 3)):
        for how in ("matrix_exp", "cayley", "householder"):
            for trivial in (True, False):
                if not trivial and how != "householder":
                    continue
                mg.random.manual_seed(0)
                module = nn.Linear(shape[1], shape[0])
                parametrizations.orthogonal(module, orthogonal_map=how, use_trivialization=trivial)
                module.to(device)
                x = on(device, ramp(2, shape[1]), requires_grad=True)
                found += with_gradients(module(x), x, *module.parameters())
                here = parametrizations.orthogonal(
                    made(device, nn.Linear(shape[1], shape[0])), orthogonal_map=how, use_trivialization=trivial
                )
                w = here.weight.detach()
                found.append(w @ w.T if shape[0] <= shape[1] else w.T @ w)
                if trivial:
                    q = np.linalg.qr(ramp(max(shape), min(shape)) + np.eye(max(shape), min(shape)))[0].astype("f")
                    here.weight = on(device, q if shape[0] >= shape[1] else q.T)
                    found.append(here.weight)
    return found


class _Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return np.triu(x) + np.triu(x, 1).T

    def right_inverse(self, x: Any) -> Any:
        return np.triu(x)


@case
def ones_own_parametrisation(device: str) -> Any:
    mg.random.manual_seed(0)
    module = made(device, nn.Linear(5, 5))
    parametrize.register_parametrization(module, "weight", _Symmetric())
    found = calls(module, device)
    with parametrize.cached():
        found.append(module.weight)
    module.weight = on(device, ramp(5, 5))
    found.append(module.weight)
    parametrize.remove_parametrizations(module, "weight")
    return [*found, *calls(module, device), *calls(copy.deepcopy(module), device)]


@case
def pruning(device: str) -> Any:
    found: list[Any] = []
    mask = (ramp(3, 5) > 0).astype(float)
    for how in (
        lambda m: prune.identity(m, "weight"),
        lambda m: prune.l1_unstructured(m, "weight", 4),
        lambda m: prune.l1_unstructured(m, "weight", 0.5, importance_scores=on(device, ramp(3, 5))),
        lambda m: prune.l1_unstructured(m, "weight", 0.5, importance_scores=ramp(3, 5)),
        lambda m: prune.ln_structured(m, "weight", 1, 2, 0),
        lambda m: prune.ln_structured(m, "weight", 1, 1, 1, importance_scores=on(device, ramp(3, 5))),
        lambda m: prune.custom_from_mask(m, "weight", mask),
        lambda m: prune.custom_from_mask(m, "weight", on(device, mask)),
        lambda m: prune.random_unstructured(m, "weight", 4),
        lambda m: prune.random_structured(m, "weight", 1, 0),
        lambda m: prune.global_unstructured([(m, "weight"), (m, "bias")], prune.l1_unstructured, amount=5),
        lambda m: prune.global_unstructured(
            [(m, "weight")], prune.l1_unstructured, {(m, "weight"): on(device, ramp(3, 5))}, amount=5
        ),
    ):
        module = made(device, layer())
        mg.random.manual_seed(3)
        how(module)
        found += calls(module, device)
        prune.l1_unstructured(module, "weight", 1)
        found += calls(module, device)
        prune.remove(module, "weight")
        found.append(module.weight)
    return found


# ------------------------------------------------------------------------------------ inspection


def convolutional() -> Any:
    """A small network for images."""
    mg.random.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)
    )  # fmt: skip


@case
def summaries(device: str) -> Any:
    model = made(device, convolutional(), train=False)
    text = repr(nn.summary(model, on(device, ramp(2, 1, 6, 6))))
    return [text, repr(model), repr(made(device, nn.LSTM(3, 4)))]


@case
def recorder(device: str) -> Any:
    mg.random.manual_seed(0)
    model = made(device, nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3), nn.Tanh()))
    recurrent = made(device, nn.RNN(3, 4))
    found: list[Any] = []
    for module, x in ((model, on(device, X)), (recurrent, on(device, ramp(4, 2, 3)))):
        seen = nn.inspect.Recorder(module)
        out = module(x)
        (out[0] if isinstance(out, tuple) else out).sum().backward()
        seen.record(loss=1.0)
        row = seen.epochs[0]
        found += [row["gradients"], row["saturated"], row["dead"], row["lags"]]
        found.append(len(seen.page().html if hasattr(seen.page(), "html") else str(seen.page())) > 0)
        seen.close()
    return found


@case
def looking_inside(device: str) -> Any:
    """Maps of features, saliency, class activation, gradients by lag, states, points, landscapes."""
    look = nn.inspect
    model = made(device, convolutional(), train=False)
    images = ramp(2, 1, 6, 6)
    found: list[Any] = []
    for x in (images, on(device, images)):
        found += [
            look.feature_maps(model, x, model[0]), look.saliency(model, x), look.saliency(model, x, 1),
            look.class_activation_map(model, x, model[0]),
        ]  # fmt: skip
    mg.random.manual_seed(0)
    recurrent = made(device, nn.LSTM(3, 4))
    x = on(device, ramp(5, 2, 3))
    found += [look.unroll(recurrent, x[:, 0]), look.unroll(recurrent, ramp(5, 3))]
    found += [look.gradient_by_lag(recurrent, x), look.gradient_by_lag(recurrent, ramp(5, 2, 3))]
    found += [look.pca(on(device, X)), look.tsne(on(device, ramp(7, 3)), perplexity=2).shape]
    linear = made(device, layer())
    ways, losses = look.loss_landscape(lambda: (linear(on(device, X)) ** 2).mean(), linear.parameters(), steps=3)
    found += [ways, np.isfinite(losses).all(), list(linear.parameters())]
    table = look.find_cells("abcabc", on(device, ramp(6, 4)))
    return [*found, repr(table), viz.colour_text("abc", on(device, ramp(3))).html]


@case
def pictures(device: str) -> Any:
    """Figures of values of the device (with matplotlib)."""
    look = nn.inspect
    model = made(device, convolutional(), train=False)
    mg.random.manual_seed(0)
    classifier = made(device, nn.Linear(2, 3))
    figures = [
        look.image_grid(on(device, ramp(4, 1, 6, 6, low=0.0))),
        look.filters(model[0]),
        look.plot_points(on(device, ramp(6, 2)), classes=on(device, np.array([0, 1, 2, 0, 1, 2]))),
        look.plot_decision_boundary(classifier, on(device, ramp(6, 2)), on(device, np.array([0, 1, 2, 0, 1, 2])), steps=4),
        look.plot_attention(on(device, ramp(2, 3, low=0.0)), ["a", "b", "c"], ["d", "e"]),
    ]
    return [type(f).__name__ for f in figures]


@case
def event_files(device: str) -> Any:
    """Everything that a SummaryWriter takes, from the device."""
    with tempfile.TemporaryDirectory() as folder, nn.training.SummaryWriter(folder) as writer:
        writer.add_scalar("loss", on(device, np.float32(0.5), requires_grad=True), 1)
        writer.add_scalars("losses", {"a": on(device, np.float32(0.5)), "b": 1.0}, 1)
        writer.add_tensor("x", on(device, X), 1)
        writer.add_histogram("weights", layer().to(device).weight, 1)
        writer.add_image("image", on(device, ramp(3, 6, 6, low=0.0)), 1)
        writer.add_images("images", on(device, ramp(2, 3, 6, 6, low=0.0)), 1)
        writer.add_pr_curve("curve", on(device, np.array([0, 1, 1])), on(device, np.array([0.2, 0.4, 0.9])), 1)
        writer.add_embedding(on(device, X), ["a", "b", "c", "d"])
        writer.add_hparams({"lr": on(device, np.float32(0.1))}, {"loss": on(device, np.float32(0.5))})
        return [bool(writer.get_logdir())]


def unnumbered(text: str) -> str:
    """A text without numbers: nodes are numbered by when they were made, and last digits may differ."""
    return re.sub(r"-?\d+(\.\d+)?(e[+-]?\d+)?", "#", text)


@case
def graphs_are_drawn(device: str) -> Any:
    """Drawing, explaining and exploring of a graph of the device; a module's calls are captured."""
    model = made(device, nn.Sequential(layer(), nn.Tanh()))
    x = on(device, X, requires_grad=True)
    with viz.capture(model):
        loss = F.mse_loss(model(x), on(device, ramp(4, 3)))
    found: list[Any] = [viz.draw(loss, style=style).source for style in ("minimal", "normal", "detailed")]
    found.append(viz.draw(loss, derivative=2, highlight="nan", style="detailed").source)
    found.append(viz.draw(model, on(device, X), depth=0).source)
    page = viz.explore(loss).data
    numbers = [np.float32(step.pop("size") or 0) for step in page["steps"]], list(carried(page.pop("arrays")))
    return [*map(unnumbered, [*found, str(viz.explain(loss)), json.dumps(page)]), numbers]


def carried(arrays: dict[str, dict[str, Any]]) -> Iterator[np.ndarray]:
    """The arrays in a page, whose last digits are a device's own."""
    for array in (array for step in arrays.values() for array in step.values() if array):
        yield np.frombuffer(b64decode(array["data"]), "<f4").reshape(array["shape"])


@case
def tensors_are_shown(device: str) -> Any:
    """Texts and pictures, which say the device where it is not the CPU."""
    x = on(device, ramp(2, 3), requires_grad=True)
    y = (x * x).sum()
    place = "" if device == "cpu" else f", device={x.device}"
    assert repr(x).count(place) and repr(y).count(place)
    texts = [text.replace(place, "") for text in (repr(x), repr(y))]
    page = x._repr_html_().replace("" if device == "cpu" else f", {x.device}", "")
    return [*texts, page, f"{y:.3f}", f"{x:.2f}", str(x.tolist()), x.item(1)]


@case
def words(device: str) -> Any:
    """Vectors of words from the device, and neighbours of one."""
    vectors = nn.text.WordVectors(["a", "b", "c"], on(device, ramp(3, 4), requires_grad=True).detach())
    return [vectors["b"], nn.text.WordVectors(["a", "b"], on(device, ramp(2, 4)).data)["a"]]
