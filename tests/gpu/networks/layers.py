"""Layers: the table that is compared with PyTorch's, and those that take something else than one input."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import minigrad as mg
import nn
from minigrad import Tensor
from nn import functional as F

from ...layers_table import LAYERS
from .moved import add, case, made, on, ramp, to_second_order, with_gradients

# ------------------------------------------------------------------------- with one input


def of_the_table(row: tuple[str, tuple, dict, tuple[int, ...]], device: str) -> Any:
    """Training to second order, the buffers that it moved, then evaluation."""
    name, args, options, shape = row
    mg.random.manual_seed(0)
    layer = made(device, getattr(nn, name)(*args, **options))
    x = on(device, ramp(*shape) + (2.0 if name.startswith("LP") else 0.0), requires_grad=True)
    trained = to_second_order(layer(x), x, *layer.parameters())
    return [trained, *layer.buffers(), *with_gradients(layer.eval()(x), x, *layer.parameters())]


for number, row in enumerate(LAYERS):
    add(f"layer {number} {row[0]}", partial(of_the_table, row))

PLAIN: list[tuple[str, tuple, dict, tuple[int, ...]]] = [
    ("Identity", (), {}, (2, 3)),
    ("Softmax", (1,), {}, (2, 3)),
    ("Softmin", (1,), {}, (2, 3)),
    ("LogSoftmax", (1,), {}, (2, 3)),
    ("Softmax2d", (), {}, (2, 3, 2, 2)),
    ("InstanceNorm3d", (2,), {"affine": True, "track_running_stats": True}, (2, 2, 2, 3, 2)),
    ("LPPool3d", (2.0, 2), {}, (1, 2, 4, 4, 4)),
    ("UpsamplingNearest2d", (), {"scale_factor": 2}, (1, 2, 3, 3)),
    ("ZeroPad1d", (1,), {}, (1, 2, 3)),
    ("ZeroPad3d", (1,), {}, (1, 1, 2, 2, 2)),
    ("ConstantPad2d", (1, 3.0), {}, (1, 2, 3, 3)),
    ("ConstantPad3d", (1, 3.0), {}, (1, 1, 2, 2, 2)),
    ("CircularPad1d", (1,), {}, (1, 2, 3)),
    ("CircularPad3d", (1,), {}, (1, 1, 2, 2, 2)),
    ("ReflectionPad1d", (1,), {}, (1, 2, 3)),
    ("ReflectionPad3d", (1,), {}, (1, 1, 2, 2, 2)),
    ("ReplicationPad1d", (1,), {}, (1, 2, 3)),
    ("ReplicationPad2d", (1,), {}, (1, 2, 3, 3)),
    ("PositionalEncoding", (4,), {}, (2, 3, 4)),
    ("PositionalEncoding", (4,), {"batch_first": False}, (3, 2, 4)),
    ("Autoencoder", (6, 2), {}, (3, 6)),
    ("Autoencoder", (6, 2), {"tied": False}, (3, 6)),
    ("RBM", (6, 4), {}, (3, 6)),
    ("TransformerEncoderLayer", (8, 2, 12), {"dropout": 0.0}, (5, 2, 8)),
    ("TransformerEncoderLayer", (8, 2, 12), {"dropout": 0.0, "norm_first": True, "activation": "gelu"}, (5, 2, 8)),
    ("RNNCell", (3, 5), {}, (2, 3)),
    ("RNNCell", (3, 5), {"nonlinearity": "relu", "bias": False}, (2, 3)),
    ("GRUCell", (3, 5), {}, (2, 3)),
    ("GRUCell", (3, 5), {"reset_after": False}, (2, 3)),
    ("RReLU", (), {}, (0, 3)),
]
for number, row in enumerate(PLAIN):
    add(f"plain layer {number} {row[0]}", partial(of_the_table, row))

LAZY: list[tuple[str, tuple, tuple[int, ...]]] = [
    ("LazyLinear", (3,), (4, 5)),
    ("LazyConv1d", (3, 2), (2, 4, 5)),
    ("LazyConv2d", (3, 2), (2, 4, 5, 3)),
    ("LazyConv3d", (3, 2), (1, 2, 3, 3, 3)),
    ("LazyConvTranspose1d", (3, 2), (2, 4, 5)),
    ("LazyConvTranspose2d", (3, 2), (2, 4, 5, 3)),
    ("LazyConvTranspose3d", (3, 2), (1, 2, 3, 2, 2)),
    ("LazyBatchNorm1d", (), (4, 3)),
    ("LazyBatchNorm2d", (), (2, 3, 2, 2)),
    ("LazyBatchNorm3d", (), (2, 3, 2, 2, 1)),
    ("LazyInstanceNorm1d", (), (2, 3, 4)),
    ("LazyInstanceNorm2d", (), (2, 3, 2, 2)),
    ("LazyInstanceNorm3d", (), (2, 3, 2, 2, 1)),
]


def lazy(row: tuple[str, tuple, tuple[int, ...]], device: str) -> Any:
    """The parameters are made on the device to which the layer was moved before its first input."""
    name, args, shape = row
    layer = getattr(nn, name)(*args).to(device)
    x = on(device, ramp(*shape), requires_grad=True)
    layer(x)
    for p in layer.parameters():
        p.data = mg.full_like(p.detach(), 0.5).data  # each device draws numbers of its own
    return with_gradients(layer(x), x, *layer.parameters())


for row in LAZY:
    add(f"lazy layer {row[0]}", partial(lazy, row))

# -------------------------------------------------------------------- with several inputs


@case
def bilinear_map(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = made(device, nn.Bilinear(3, 4, 2))
    xs = [on(device, ramp(5, n), requires_grad=True) for n in (3, 4)]
    return to_second_order(layer(*xs), *xs, *layer.parameters())


@case
def similarities(device: str) -> Any:
    xs = [on(device, ramp(4, 3, high=h), requires_grad=True) for h in (1.0, 2.0)]
    return [
        with_gradients(nn.CosineSimilarity()(*xs), *xs),
        with_gradients(nn.PairwiseDistance()(*xs), *xs),
        with_gradients(nn.PairwiseDistance(1.0, keepdims=True)(*xs), *xs),
        with_gradients(F.pdist(xs[0]), xs[0]),
        with_gradients(F.normalize(xs[0], axis=0), xs[0]),
    ]


@case
def unpooling(device: str) -> Any:
    """Each kind of pooling with the places of the maxima, and back."""
    found = []
    for n in (1, 2, 3):
        x = on(device, ramp(1, 2, *(4,) * n), requires_grad=True)
        pooled, where = getattr(F, f"max_pool{n}d_with_indices")(x, 2)
        back = getattr(nn, f"MaxUnpool{n}d")(2)(pooled, where)
        found += [where, *with_gradients(back, x)]
        pooled, where = getattr(F, f"adaptive_max_pool{n}d_with_indices")(x, 3)
        found += [where, *with_gradients(pooled, x)]
    return found


@case
def grids(device: str) -> Any:
    theta = on(device, ramp(2, 2, 3), requires_grad=True)
    x = on(device, ramp(2, 3, 4, 5), requires_grad=True)
    found = []
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            grid = F.affine_grid(theta, (2, 3, 4, 4), align_corners=False)
            found += with_gradients(F.grid_sample(x, grid, mode, padding, align_corners=False), x, theta)
    return found


@case
def containers(device: str) -> Any:
    mg.random.manual_seed(0)
    net = nn.Sequential(
        nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])[0],
        nn.ModuleDict({"a": nn.Tanh()})["a"],
        nn.Linear(4, 2),
    )
    extra = nn.ParameterList([nn.Parameter(Tensor(ramp(2)))])
    named = nn.ParameterDict({"b": nn.Parameter(Tensor(ramp(2)))})
    net, extra, named = made(device, net), made(device, extra), made(device, named)
    x = on(device, ramp(3, 4), requires_grad=True)
    return with_gradients(net(x) * extra[0] + named["b"], x, *net.parameters(), extra[0], named["b"])


@case
def in_place_activations(device: str) -> Any:
    names = ("relu_", "elu_", "celu_", "selu_", "hardtanh_", "leaky_relu_")
    found = []
    for name in names:
        x = on(device, ramp(3, 4), requires_grad=True)
        found += with_gradients(getattr(F, name)(x * 1.0), x)
    x = on(device, ramp(3, 4), requires_grad=True)
    return found + with_gradients(F.threshold_(x * 1.0, 0.2, 3.0), x)


@case
def dropouts(device: str) -> Any:
    """In evaluation nothing happens; in training what stays is scaled, whole channels stay or go."""
    x = on(device, ramp(4, 6, 2, 2, 2) + 3.0, requires_grad=True)
    found: list[Any] = []
    for layer, shape in (
        (nn.Dropout(0.5), (4, 48)),
        (nn.Dropout1d(0.5), (4, 6, 8)),
        (nn.Dropout2d(0.5), (4, 6, 2, 4)),
        (nn.Dropout3d(0.5), (4, 6, 2, 2, 2)),
    ):
        given = x.reshape(shape)
        found.append(layer.eval()(given))
        out = layer.train()(given)
        kept = (out != 0).astype(np.float32)
        found.append((out - 2 * given * kept).sum())
        found += with_gradients((out - 2 * given * kept).sum(), x)
        part = kept.mean().item()
        found.append(0.1 < part < 0.9)
    for layer in (nn.AlphaDropout(0.5), nn.FeatureAlphaDropout(0.5)):
        found.append(layer.eval()(x))
        found.append(len(np.unique((layer.train()(on(device, np.zeros((8, 9), np.float32)))).detach().cpu().numpy())))
    return found


@case
def functions_of_arrays(device: str) -> Any:
    """The functions take arrays of the device as they take NumPy's."""
    array = on(device, ramp(3, 4)).data
    kept = F.dropout(array, 0.0)
    dropped = F.dropout(array, 0.5)
    alpha = F.alpha_dropout(array, 0.5, training=True)
    noisy = F.gumbel_softmax(array, hard=True)
    leaky = F.rrelu(array, training=False)
    return [kept, dropped.shape, alpha.shape, mg.sum(noisy, axis=-1), leaky, F.relu(array), F.softmax(array, 1)]


@case
def random_leaks(device: str) -> Any:
    """RReLU in training draws slopes between its bounds."""
    x = on(device, ramp(6, 8), requires_grad=True)
    out = nn.RReLU(0.1, 0.3).train()(x)
    ratio = (out / x).detach().cpu().numpy()[ramp(6, 8) < 0]
    out.sum().backward()
    return [bool((ratio > 0.099).all()), bool((ratio < 0.301).all()), nn.RReLU().eval()(x), x.grad.shape]


@case
def fractional_pooling(device: str) -> Any:
    """Regions that are drawn, and regions from numbers that are given on the device."""
    x = on(device, ramp(1, 2, 6, 6), requires_grad=True)
    given = on(device, np.array([[[0.1, 0.7], [0.9, 0.2]]], np.float32))
    out, where = F.fractional_max_pool2d_with_indices(x, 2, output_size=3, _random_samples=given)
    drawn = nn.FractionalMaxPool2d(2, output_size=3)(x)
    return [where, *with_gradients(out, x), drawn.shape]


@case
def adaptive_softmax(device: str) -> Any:
    mg.random.manual_seed(0)
    layer = made(device, nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10]))
    x = on(device, ramp(5, 8), requires_grad=True)
    found = []
    for target in (on(device, np.array([0, 5, 19, 3, 10])), np.array([1, 2, 3, 4, 5])):
        out = layer(x, target)
        found += [out.output, *with_gradients(out.loss, x, *layer.parameters())]
    single = layer(x[0], on(device, np.array(7)))
    return [*found, single.output, layer.log_prob(x), layer.predict(x)]


@case
def elman_and_jordan(device: str) -> Any:
    mg.random.manual_seed(0)
    x = on(device, ramp(4, 2, 3), requires_grad=True)
    elman, jordan = made(device, nn.Elman(3, 5, 2)), made(device, nn.Jordan(3, 5, 2))
    found = with_gradients(elman(x), x, *elman.parameters())
    found += with_gradients(elman(x, lengths=np.array([4, 2])), x, *elman.parameters())
    return found + with_gradients(jordan(x), x, *jordan.parameters())


@case
def hopfield(device: str) -> Any:
    patterns = np.array([[1.0, -1, 1, -1, 1, 1], [1, 1, -1, -1, 1, -1]])
    found: list[Any] = []
    for binary in (False, True):
        memory = nn.Hopfield(6, binary=binary).to(device)
        memory.store(patterns)
        memory.store(on(device, patterns[:1]))
        noisy = patterns.copy()
        noisy[:, 0] *= -1
        found += [memory.weight, memory(noisy), memory(on(device, noisy)), memory.energy(on(device, noisy.astype("f")))]
    return found


@case
def restricted_boltzmann_machine(device: str) -> Any:
    mg.random.manual_seed(0)
    rbm = made(device, nn.RBM(6, 4))
    v = (ramp(3, 6) > 0).astype(np.float32)
    shapes = []
    for data in (v, on(device, v)):
        for persistent in (False, True):
            rbm.zero_grad()
            rbm.contrastive_divergence(data, k=2, persistent=persistent).backward()
            shapes.append(rbm.weight.grad.shape)
    sample = rbm.gibbs(on(device, v), 2)
    values = sample.cpu().numpy()
    binary = bool(np.isin(values, (0, 1)).all())
    return [shapes, rbm.free_energy(v), rbm.hidden_given(on(device, v)), binary, rbm.to("cpu")(v).shape]


@case
def sparse_autoencoder(device: str) -> Any:
    mg.random.manual_seed(0)
    model = made(device, nn.Autoencoder(6, 3))
    x = on(device, ramp(4, 6), requires_grad=True)
    return with_gradients(nn.Autoencoder.sparsity_penalty(model.encode(x)), x)


@case
def pretrained_layers(device: str) -> Any:
    """A deep belief network: one machine on the other, trained by samples, then all of it by gradients."""
    mg.random.manual_seed(0)
    v = on(device, (ramp(8, 6) > 0).astype(np.float32))
    first, second = made(device, nn.RBM(6, 5)), made(device, nn.RBM(5, 3))
    given = v
    for machine in (first, second):
        optimizer = nn.optim.SGD(machine.parameters(), lr=0.1)
        machine.contrastive_divergence(given).backward()
        optimizer.step()
        given = machine.hidden_given(given).detach()
    net = nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 3))
    net.to(device)
    net[0].weight.data, net[2].weight.data = first.weight.detach().clone().data, second.weight.detach().clone().data
    F.cross_entropy(net(v), on(device, np.arange(8) % 3)).backward()
    return [given.shape, net[0].weight.grad.shape, bool(np.isfinite(net[0].weight.grad).all())]


@case
def resized_pictures(device: str) -> Any:
    x = on(device, ramp(1, 2, 5, 6), requires_grad=True)
    found = []
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        found += with_gradients(F.interpolate(x, (3, 8), mode=mode), x)
    for mode in ("bilinear", "bicubic"):
        found += with_gradients(F.interpolate(x, (3, 4), mode=mode, antialias=True), x)
    for mode in ("constant", "reflect", "replicate", "circular"):
        found += with_gradients(F.pad(x, (1, 2, 0, 1), mode=mode), x)
    volume = on(device, ramp(1, 1, 2, 3, 4), requires_grad=True)
    grid = F.affine_grid(on(device, ramp(1, 3, 4)), (1, 1, 2, 2, 3), align_corners=True)
    found += with_gradients(F.grid_sample(volume, grid, align_corners=True), volume)
    row = on(device, ramp(5, 2, 3), requires_grad=True)
    weight, bias = on(device, ramp(2, 3, 4), True), on(device, ramp(4), True)
    return [*found, *with_gradients(F.conv_tbc(row, weight, bias, 1), row, weight, bias)]
