"""The pages for those who come from another library: what they say of it and of minigrad is so.

What needs a library that is not installed is skipped, and says which.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
import minigrad.scipy
import nn
from minigrad import Tensor

from .programs import load

PAGES = Path(__file__).resolve().parent.parent / "docs" / "coming_from"
LIBRARIES = {"pytorch": "torch", "autograd": "autograd", "keras": "keras", "jax": "jax"}
OURS = {"minigrad": minigrad, "nn": nn, "np": np, "x": Tensor}


def needed(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A library, or a skip that names it; Keras with a backend that is installed."""
    if name == "keras":
        backend = next((b for b in ("torch", "jax", "tensorflow") if importlib.util.find_spec(b)), "torch")
        monkeypatch.setenv("KERAS_BACKEND", backend)
    return pytest.importorskip(name)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / f"{page}.md").read_text("utf-8"), re.DOTALL)


def theirs() -> list[Any]:
    return [
        pytest.param(library, code, id=f"{page}-{n}", marks=[pytest.mark.torch] if library == "torch" else [])
        for page, library in LIBRARIES.items()
        for n, code in enumerate(blocks(page, "py"))
    ]


@pytest.mark.parametrize(("library", "code"), theirs())
def test_the_other_librarys_blocks_run(library: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the values that stand in their comments."""
    needed(library, monkeypatch)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "snippet"}
    lines: list[str] = []
    for line in code.splitlines():
        statement, arrow, expected = line.partition("# -> ")
        lines.append("" if arrow else line)
        if arrow:
            exec("\n".join(lines), names)
            lines = []
            assert repr(eval(statement.strip(), names)) == expected.strip()
    exec("\n".join(lines), names)


def cells(page: str) -> tuple[list[str], list[str]]:
    """The code in the tables: of the other library, and of minigrad, which has the last column."""
    lines = (PAGES / f"{page}.md").read_text("utf-8").splitlines()
    rows = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")]
    spans = [[re.findall(r"`([^`]+)`", cell) for cell in row] for row in rows]
    return [code for row in spans for cell in row[:-1] for code in cell], [code for row in spans for code in row[-1]]


def exists(path: str, start: Any, root: str) -> bool:
    """Whether an attribute, or a submodule that nobody has imported, is there."""
    found = start
    for n, part in enumerate(parts := path.split("."), 1):
        if not hasattr(found, part):
            try:
                found = importlib.import_module(".".join([root, *parts[:n]]))
            except ImportError:
                return False
        else:
            found = getattr(found, part)
    return True


@pytest.mark.parametrize("page", LIBRARIES)
def test_names_in_the_last_column_exist_here(page: str) -> None:
    named = {match for code in cells(page)[1] for match in re.findall(r"(?<![\w.])(minigrad|nn|np|x)\.([a-z_A-Z][\w.]*)", code)}
    assert len(named) > 20
    missing = [f"{root}.{path}" for root, path in sorted(named) if not exists(path.rstrip("."), OURS[root], root)]
    assert not missing


@pytest.mark.parametrize(("page", "library"), LIBRARIES.items())
def test_names_in_the_other_columns_exist_there(page: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = needed(library, monkeypatch)
    named = {match for code in cells(page)[0] for match in re.findall(rf"(?<![\w.]){library}\.([a-z_A-Z][\w.]*)", code)}
    assert len(named) > 20
    missing = [name for name in sorted(named) if not exists(name.rstrip("."), module, library)]
    if library == "torch":
        methods = {m for code in cells(page)[0] for m in re.findall(r"(?<![\w.])x\.(\w+)", code)}
        missing += [f"x.{name}" for name in sorted(methods) if not hasattr(module.Tensor, name)]
    assert not missing


def test_the_page_of_all_names_is_what_the_messages_say() -> None:
    assert (PAGES / "names.md").read_text("utf-8") == load("docs/spellings.py").page(), "run python docs/spellings.py"


@pytest.mark.torch
def test_what_stands_under_pytorchs_functions_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    homes = (torch, torch.Tensor, torch.linalg)
    assert not [name for name in minigrad.spellings.INSTEAD if not any(hasattr(home, name) for home in homes)]


#: What the tables of traps say of the other library: an expression, and what its value or its error is.
SAID = [
    ("torch", "(torch.ones(1) * np.float64(2.0)).dtype", "torch.float32"),
    ("torch", "(torch.ones(2) * torch.tensor(2.0, dtype=torch.float64)).dtype", "torch.float32"),
    ("torch", "(torch.tensor([1]) / torch.tensor([2])).dtype", "torch.float32"),
    ("torch", "torch.nn.Linear(2, 1)(torch.ones(1, 2, dtype=torch.float64))", "RuntimeError"),
    ("torch", "F.cross_entropy(torch.ones(1, 2), torch.tensor([1], dtype=torch.int32))", "RuntimeError"),
    ("torch", "F.mse_loss(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 2.0]))", "UserWarning"),
    ("torch", "F.softmax(torch.ones(1, 2))", "UserWarning"),
    ("torch", "round(float(torch.tensor([1.0, 2.0]).std() ** 2), 3)", "0.5"),
    ("torch", "float(torch.tensor([1.0, 2.0, 3.0, 4.0]).median())", "2.0"),
    ("torch", "tuple(torch.Tensor(3).shape), torch.Tensor([1]).dtype", "((3,), torch.float32)"),
    ("torch", "slope(lambda x: torch.where(x > 0, x.sqrt(), 0.0 * x))", "nan"),
    ("torch", "setattr(layer, 'weight', layer.weight * 2)", "TypeError"),
    ("torch", "torch.optim.AdamW(layer.parameters()).defaults['weight_decay'], torch.nn.BatchNorm1d(1).momentum", "(0.01, 0.1)"),
    ("autograd", "autograd.grad(lambda x: anp.sum(anp.where(x > 0, anp.sqrt(x), 0.0)))(np.zeros(1))", "array([nan])"),
    ("autograd", "autograd.grad(anp.linalg.norm)(np.zeros(2))", "array([nan, nan])"),
    ("autograd", "autograd.grad(lambda x: filled(anp.zeros(2), x))(1.0)", "ValueError"),
    ("autograd", "autograd.grad(lambda x, y: x * y, (0, 1))(2.0, 3.0)", "(array(3.), array(2.))"),
    ("autograd", "len(autograd.make_hvp(lambda x: anp.sum(x**3))(np.ones(2)))", "2"),
    ("autograd", "type(seen[0]).__name__ if autograd.grad(lambda x: (seen.append(x), x)[1])(1.0) else 0", "'ArrayBox'"),
    ("jax", "str(jnp.asarray(np.ones(2)).dtype)", "'float32'"),
    ("jax", "jax.grad(lambda x: np.sin(x))(1.0)", "TracerArrayConversionError"),
    ("jax", "jax.grad(lambda x: x**2)(3)", "TypeError"),
    ("jax", "filled(jnp.zeros(2), 1.0)", "TypeError"),
    ("jax", "float(jnp.arange(3.0)[10])", "2.0"),
    ("jax", "complex(jax.grad(lambda z: jnp.abs(z) ** 2)(1.0 + 2.0j))", "(2-4j)"),
    ("jax", "float(jax.grad(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0))(0.0))", "nan"),
    ("jax", "jax.grad(jnp.linalg.norm)(jnp.zeros(2)).tolist()", "[nan, nan]"),
    ("jax", "float(jax.grad(lambda x: 3.0)(1.0))", "0.0"),
    ("keras", "keras.layers.BatchNormalization().momentum, keras.layers.BatchNormalization().epsilon", "(0.99, 0.001)"),
    ("keras", "keras.layers.LayerNormalization().epsilon, keras.config.epsilon()", "(0.001, 1e-07)"),
    ("keras", "keras.layers.LeakyReLU().negative_slope, keras.config.image_data_format()", "(0.3, 'channels_last')"),
    ("keras", "keras.losses.SparseCategoricalCrossentropy().get_config()['from_logits']", "False"),
    ("keras", "keras.optimizers.AdamW().weight_decay, keras.optimizers.RMSprop().rho", "(0.004, 0.9)"),
    ("keras", "keras.optimizers.Adagrad().initial_accumulator_value", "0.1"),
]


def surroundings(library: str, module: Any) -> dict[str, Any]:
    """The names that the expressions of SAID use."""

    def filled(array: Any, value: Any) -> Any:
        array[0] = value
        return array[0]

    names = {"np": np, library: module, "filled": filled, "seen": []}
    if library == "torch":

        def slope(f: Any) -> float:
            x = module.tensor(0.0, requires_grad=True)
            f(x).backward()
            return float(x.grad)

        return {**names, "F": module.nn.functional, "slope": slope, "layer": module.nn.Linear(1, 1)}
    if library == "autograd":
        return {**names, "anp": importlib.import_module("autograd.numpy")}
    return {**names, "jnp": importlib.import_module("jax.numpy")} if library == "jax" else names


@pytest.mark.parametrize(
    ("library", "code", "expected"),
    [pytest.param(*row, marks=[pytest.mark.torch] * (row[0] == "torch"), id=f"{row[0]}-{n}") for n, row in enumerate(SAID)],
)
def test_what_is_said_of_the_other_library_is_so(
    library: str, code: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = surroundings(library, needed(library, monkeypatch))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", UserWarning)
        try:
            found = repr(eval(code, names))
        except (Exception, UserWarning) as error:
            found = type(error).__name__
    assert found == expected


@pytest.mark.torch
def test_weights_travel_to_pytorch_and_back(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    files = pytest.importorskip("safetensors.torch")
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 2))
    ours = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    x = np.random.default_rng(0).normal(size=(3, 1, 4, 4)).astype(np.float32)
    theirs(torch.from_numpy(x))  # moves the running statistics
    files.save_file(theirs.state_dict(), tmp_path / "theirs.safetensors")
    nn.load(tmp_path / "theirs.safetensors", ours)
    theirs.eval(), ours.eval()
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(ours(x).detach().numpy(), expected, atol=1e-5)
    nn.save(ours, tmp_path / "ours.safetensors")
    state = files.load_file(tmp_path / "ours.safetensors")
    assert all(torch.equal(state[name], value) for name, value in theirs.state_dict().items())
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})


#: A layer of Keras, ours beside it, the shape of the input as Keras has it, and whether channels move.
LAYERS: dict[str, tuple[Any, Any, tuple[int, ...], bool]] = {
    "Dense": (lambda k: k.Dense(3), lambda: nn.Linear(2, 3), (4, 2), False),
    "Conv1D": (lambda k: k.Conv1D(5, 3), lambda: nn.Conv1d(2, 5, 3), (4, 8, 2), True),
    "Conv2D": (lambda k: k.Conv2D(5, (3, 2)), lambda: nn.Conv2d(2, 5, (3, 2)), (4, 8, 9, 2), True),
    "Conv2DTranspose": (lambda k: k.Conv2DTranspose(5, 3, 2), lambda: nn.ConvTranspose2d(2, 5, 3, 2), (4, 6, 6, 2), True),
    "BatchNormalization": (lambda k: k.BatchNormalization(), lambda: nn.BatchNorm2d(2, eps=1e-3), (4, 6, 6, 2), True),
    "LayerNormalization": (lambda k: k.LayerNormalization(), lambda: nn.LayerNorm(5, eps=1e-3), (4, 5), False),
    "SimpleRNN": (lambda k: k.SimpleRNN(3, return_sequences=True), lambda: nn.RNN(2, 3, batch_first=True), (4, 6, 2), False),
    "LSTM": (lambda k: k.LSTM(3, return_sequences=True), lambda: nn.LSTM(2, 3, batch_first=True), (4, 6, 2), False),
    "GRU": (lambda k: k.GRU(3, return_sequences=True), lambda: nn.GRU(2, 3, batch_first=True), (4, 6, 2), False),
}


def keras_state() -> Any:
    """The function of the page."""
    (code,) = [code for code in blocks("keras", "python") if "def keras_state" in code]
    names: dict[str, Any] = {}
    exec(code.partition("\nrng = ")[0], names)
    return names["keras_state"]


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_with_the_weights_of_keras_computes_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keras = needed("keras", monkeypatch)
    theirs_of, ours_of, shape, moves = LAYERS[kind]
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32)
    theirs, ours = theirs_of(keras.layers), ours_of().eval()
    theirs.build(shape)
    theirs.set_weights([rng.random(w.shape).astype(np.float32) - 0.4 * ("var" not in w.path) for w in theirs.weights])
    ours.load_state_dict(keras_state()(kind, theirs.get_weights()), strict=False)
    found = ours(np.moveaxis(x, -1, 1) if moves else x)
    found = (found[0] if isinstance(found, tuple) else found).detach().numpy()
    found = np.moveaxis(found, 1, -1) if moves else found
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(theirs(x)), atol=1e-5)


def test_the_arrays_of_keras_have_the_shapes_of_ours() -> None:
    """Without Keras: what the function makes of arrays of Keras's shapes fits, and other kinds are refused."""
    state = keras_state()
    assert state("Conv2D", [np.zeros((3, 2, 1, 4)), np.zeros(4)])["weight"].shape == nn.Conv2d(1, 4, (3, 2)).weight.shape
    for kind, layer, gates in (("LSTM", nn.LSTM(2, 3), 4), ("GRU", nn.GRU(2, 3), 3), ("SimpleRNN", nn.RNN(2, 3), 1)):
        bias = np.zeros((2, 3 * gates) if kind == "GRU" else 3 * gates)
        found = state(kind, [np.zeros((2, 3 * gates)), np.zeros((3, 3 * gates)), bias])
        assert {name: a.shape for name, a in found.items()} == {name: p.shape for name, p in layer.named_parameters()}
    with pytest.raises(ValueError, match="DepthwiseConv2D"):
        state("DepthwiseConv2D", [np.zeros((3, 3, 2, 1))])
