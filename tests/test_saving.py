"""Weights in files: round trips, PyTorch's files, damaged and foreign files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad import Tensor


class Tied(nn.Module):
    def __init__(self) -> None:
        self.embed = nn.Embedding(5, 3)
        self.norm = nn.BatchNorm1d(3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Any) -> Tensor:
        return self.head(self.norm(self.embed(x)))


def test_round_trip(tmp_path: Path) -> None:
    first, second, path = Tied(), Tied(), tmp_path / "weights.safetensors"
    first(np.array([1, 2, 3]))
    nn.save(first, path, {"note": "hello"})
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]
    state = nn.load(path, second)
    assert "head.weight" not in state  # shared: once
    assert second.head.weight is second.embed.weight
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    nn.save({"a": Tensor([1.0]), "b": np.arange(3)}, path)
    assert nn.load(path)["b"].tolist() == [0, 1, 2]


@pytest.mark.torch
def test_files_travel_between_here_and_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("safetensors", reason="safetensors is not installed")
    from safetensors.torch import load_file, save_file

    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 3)
    )
    ours = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    x = np.random.default_rng(0).normal(size=(2, 1, 4, 4)).astype(np.float32)
    theirs(torch.tensor(x))
    save_file(theirs.state_dict(), tmp_path / "torch.safetensors")
    nn.load(tmp_path / "torch.safetensors", ours)
    np.testing.assert_allclose(
        ours.eval()(x).detach().numpy(), theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-6
    )
    with mg.no_grad():
        ours[0].weight *= 2.0
    nn.save(ours, tmp_path / "ours.safetensors")
    theirs.load_state_dict(load_file(tmp_path / "ours.safetensors"))
    np.testing.assert_allclose(ours(x).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-6)


def test_bad_files_are_named_and_change_nothing(tmp_path: Path) -> None:
    model, path = nn.Linear(3, 2), tmp_path / "weights.safetensors"
    before = model.weight.detach().numpy().copy()
    nn.save(nn.Linear(3, 2), path)
    whole = path.read_bytes()
    for bad in (b"", whole[:20], whole[:-4], b"\x80\x04cos\nsystem\n", np.random.default_rng(0).bytes(200)):
        path.write_bytes(bad)
        with pytest.raises(ValueError, match="not a safetensors file, or is damaged"):
            nn.load(path, model)
    nn.save(nn.Linear(4, 2), path)
    with pytest.raises(ValueError, match=r"shape of 'weight': the module has \(2, 3\), the state has \(2, 4\)"):
        nn.load(path, model)
    nn.save(nn.Linear(3, 2, bias=False), path)
    with pytest.raises(ValueError, match="missing: 'bias'"):
        nn.load(path, model)
    np.testing.assert_array_equal(model.weight.detach().numpy(), before)
    nn.load(path, model, strict=False)
    assert not np.array_equal(model.weight.detach().numpy(), before)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    nn.save(nn.Linear(1, 1), path)
    old = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        nn.save(nn.Linear(2, 2), path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["weights.safetensors"]


def test_masked_arrays_are_refused_wherever_their_mask_would_be_lost(tmp_path: Path) -> None:
    masked = np.ma.masked_array([[1.0, 2.0]], [[False, True]])
    with pytest.raises(TypeError, match="a is a MaskedArray"):
        nn.save({"a": masked}, tmp_path / "a")
    assert not list(tmp_path.iterdir())
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().numpy().copy()
    with pytest.raises(ValueError, match="'weight': a masked array would lose its mask"):
        layer.load_state_dict({"weight": masked, "bias": np.zeros(1)})
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    optimizer = nn.optim.Adam([layer.weight])
    layer.weight.grad = Tensor(np.ones((1, 2), np.float32))
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = masked
    with pytest.raises(ValueError, match="'exp_avg' is a masked array"):
        optimizer.load_state_dict(state)
    with pytest.raises(TypeError, match="a masked array has no gradient"):
        next(iter(nn.data.DataLoader(nn.data.TensorDataset(masked))))


def test_everything_comes_back_as_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state"
    trees: list[Any] = [
        {"a": np.arange(3), "b": np.zeros(())},
        {"a": Tensor([1.0]), "b": np.arange(3)},
        {"a": Tensor([1.0]), "b": Tensor([2])},
        {"a": np.arange(3), "b": {"c": np.arange(2)}},
        nn.Linear(2, 1).state_dict(),
    ]
    for tree in trees:
        nn.save(tree, path)
        again = nn.load(path)
        assert {name: type(x) for name, x in again.items()} == {name: type(x) for name, x in tree.items()}
        for name in tree:
            if not isinstance(tree[name], dict):
                np.testing.assert_array_equal(np.asarray(again[name]), np.asarray(tree[name]))
    model = nn.Linear(2, 1)
    nn.save({name: x.numpy() for name, x in model.state_dict().items()}, path)
    other = nn.Linear(2, 1)
    nn.load(path, other)
    np.testing.assert_array_equal(other.weight.detach().numpy(), model.weight.detach().numpy())


def test_a_shared_weight_is_loaded_from_any_one_of_its_names(tmp_path: Path) -> None:
    first, second = Tied(), Tied()
    nn.save(first, tmp_path / "tied")
    keys = second.load_state_dict(nn.load(tmp_path / "tied"))
    assert keys == ([], [])
    np.testing.assert_array_equal(second.head.weight.detach().numpy(), first.embed.weight.detach().numpy())
    state = first.state_dict()
    del state["embed.weight"]
    third = Tied()
    third.load_state_dict(state)
    np.testing.assert_array_equal(third.embed.weight.detach().numpy(), first.embed.weight.detach().numpy())
    del state["head.weight"]
    with pytest.raises(ValueError, match=r"missing: 'embed.weight'"):
        third.load_state_dict(state)


def test_names_with_the_same_words_before_each_say_how_to_take_them_away() -> None:
    model = nn.Linear(2, 1)
    wrapped = {f"module.{name}": values for name, values in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"begin with 'module\.': write \{name\.removeprefix\('module\.'\): x for"):
        model.load_state_dict(wrapped)
    model.load_state_dict({name.removeprefix("module."): x for name, x in wrapped.items()})
    with pytest.raises(ValueError, match="missing: 'bias' of shape .*\n  strict=False loads what fits"):
        model.load_state_dict({"weight": model.weight})
