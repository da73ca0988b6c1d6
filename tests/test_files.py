"""Files from elsewhere, damaged and hostile ones: a named error or the right value, nothing changed, memory bounded."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import nn
from minigrad.files import exclusive, write_whole
from nn.data import DataLoader, ImageFolder, TensorDataset, read_cifar, read_csv, read_idx
from nn.packing import pack, unpack
from nn.safetensors import pack_file, unpack_file
from nn.saving import TREE
from nn.text import read_vectors
from nn.training import EarlyStopping, Trainer, load_checkpoint, save_checkpoint
from nn.training.checkpoint import read_checkpoint

from .versions import posix

# ------------------------------------------------------------------------------- damaged bytes


def damaged(content: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The content with bits flipped, bytes overwritten, cut off, doubled, taken out."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        changed = bytearray(content)
        place, kind = int(rng.integers(len(content))), int(rng.integers(5))
        if kind == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[place : place + 8] = rng.bytes(8)
        elif kind == 2:
            del changed[place:]
        elif kind == 3:
            changed[place:place] = changed[place : place + int(rng.integers(1, 40))]
        else:
            del changed[place : place + int(rng.integers(1, 40))]
        yield bytes(changed)


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        "weight": rng.normal(size=(7, 5)).astype(np.float32),
        "flags": np.array([True, False]),
        "half": np.ones((2, 0, 3), np.float16),
        "count": np.array(3),
    }


def idx_file() -> bytes:
    values = np.random.default_rng(0).normal(size=(3, 4, 2))
    return struct.pack(">BBBB3I", 0, 0, 0x0E, 3, 3, 4, 2) + values.astype(">f8").tobytes()


def vectors_file(binary: bool) -> bytes:
    rng, words = np.random.default_rng(0), ["the", "a\u0085b", ". . .", "cat"]
    if not binary:
        return "".join(f"{w} {' '.join(map(str, rng.normal(size=4)))}\n" for w in words).encode()
    rows = (w.replace(" ", "_").encode() + b" " + rng.normal(size=4).astype("<f4").tobytes() + b"\n" for w in words)
    return b"4 4\n" + b"".join(rows)


def plain(values: Any) -> bytes:
    """What was read, to compare."""
    if isinstance(values, dict):
        return b"|".join(str(k).encode() + plain(v) for k, v in values.items())
    if isinstance(values, (tuple, list)):
        return b"|".join(map(plain, values))
    array = values.numpy() if isinstance(values, mg.Tensor) else np.asarray(values)
    return f"{array.dtype} {array.shape}".encode() + array.tobytes()


def read_image(path: Path) -> Any:
    """An ImageFolder around one file."""
    folder = path.parent / "images" / "class"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{path.name}.png").write_bytes(path.read_bytes())
    return ImageFolder(folder.parent)[0]


def png() -> bytes:
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    file = io.BytesIO()
    pillow.fromarray(np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)).save(file, "png")
    return file.getvalue()


def with_library() -> bytes:
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    return library.save(arrays())


def checked_weights() -> bytes:
    file = io.BytesIO()
    nn.save(arrays(), file)
    return file.getvalue()


def nested() -> bytes:
    file = io.BytesIO()
    nn.save({"model": arrays(), "epoch": 3, "lr": (0.1, 0.2)}, file)
    return file.getvalue()


#: For each kind of file: its content, its reader, and whether it has a checksum that covers all of it.
KINDS: dict[str, tuple[Callable[[], bytes], Callable[[Path], Any], bool]] = {
    "weights": (checked_weights, nn.load, True),
    "nested": (nested, nn.load, True),
    "weights of others": (with_library, nn.load, False),
    "idx": (idx_file, read_idx, False),
    "idx.gz": (lambda: gzip.compress(idx_file(), mtime=0), read_idx, True),
    "cifar": (lambda: bytes([3]) + bytes(3072), read_cifar, False),
    "csv": (
        lambda: "x,y,kind\n1.5,2,ä\n-3,4e2,b\n0,1,ä\n".encode(),
        lambda path: read_csv(path, "kind"),
        False,
    ),
    "png": (png, read_image, False),
    "vectors": (lambda: vectors_file(False), lambda path: read_vectors(path).vectors, False),
    "binary vectors": (lambda: vectors_file(True), lambda path: read_vectors(path).vectors, False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_an_error_that_names_it_or_the_same_value(tmp_path: Path, kind: str) -> None:
    make, read, has_checksum = KINDS[kind]
    content, path = make(), tmp_path / "file under test"
    path.write_bytes(content)
    want = plain(read(path))
    messages = []
    tracemalloc.start()
    for changed in damaged(content, 300):
        path.write_bytes(changed)
        try:
            got = read(path)
        except ValueError as error:
            messages.append(str(error))
            continue
        assert not has_checksum or plain(got) == want
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(messages) > 60
    assert all("file under test" in message for message in messages)
    assert peak < 30_000_000, f"{peak:,} bytes for a file of {len(content)}"


# ---------------------------------------------------------------------------------- checkpoints


def training(folder: Path) -> tuple[Trainer, DataLoader]:
    mg.random.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = nn.optim.Adam(model.parameters())
    loader = DataLoader(
        TensorDataset(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32), np.arange(6) % 2),
        2,
        shuffle=True,
        seed=1,
    )
    made = Trainer(
        model, optimizer, nn.functional.cross_entropy, scheduler=nn.optim.lr_scheduler.StepLR(optimizer, 2),
        checkpoint=folder / "run", progress=False, callbacks=[EarlyStopping("loss")],
    )  # fmt: skip
    return made, loader


def everything(trainer: Trainer, loader: DataLoader) -> str:
    """All that a checkpoint could change, as text."""
    parts = (trainer.model, trainer.optimizer, trainer.scheduler, loader, *trainer.callbacks)
    own = {name: value for name, value in vars(trainer).items() if isinstance(value, (int, float, str, list, Path))}
    return repr(([part.state_dict() for part in parts], mg.random.get_state(), own, sorted(vars(trainer))))


def test_a_damaged_checkpoint_changes_nothing(tmp_path: Path) -> None:
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 2)
    content = (tmp_path / "run").read_bytes()
    trainer, loader = training(tmp_path)
    before = everything(trainer, loader)
    for changed in damaged(content, 200):
        (tmp_path / "run").write_bytes(changed)
        with pytest.raises(ValueError, match="run is not a checkpoint of minigrad, or is damaged"):
            trainer.fit(loader, 3)
        assert everything(trainer, loader) == before


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything in nested containers."""
    if isinstance(tree, (dict, list, tuple)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield (*path, key)
            yield from places(value, (*path, key))


def replaced(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a path; without the entry, where the value is `MISSING`."""
    if not path:
        return value
    items = dict(tree) if isinstance(tree, dict) else dict(enumerate(tree))
    if len(path) == 1 and value is MISSING:
        del items[path[0]]
    else:
        items[path[0]] = replaced(items[path[0]], path[1:], value)
    return items if isinstance(tree, dict) else type(tree)(items.values())


MISSING = object()
WRONG: tuple[Any, ...] = (
    "x",
    None,
    -1,
    -1.0,
    float("inf"),
    10**30,
    [],
    {},
    np.zeros(7),
    mg.Tensor(np.zeros((9, 2))),
    MISSING,
)


#: Which of these may stand at which paths: a number, say, in the place of another.
MAY: dict[str, set[str]] = {
    "model/1.num_batches_tracked": {"negative"},
    "loader/seed": {"large"},
    "loader/sampler": {"large", "missing"},
    "loader/batch_size": {"missing"},  # a place that was written by hand
    "extra/history": {"empty list"},
    "extra/history/?": {"empty dict", "missing"},  # a history without an epoch is one, too
    "extra/history/?/*": {"negative", "large", "infinite", "missing"},
    "extra/running": {"negative", "large", "infinite"},
    "extra/callbacks/0/best": {"negative", "large", "infinite"},
    "extra/callbacks/0/weights": {"none"},
    "optimizer/state": {"empty dict"},  # of an optimizer that has done no step
    "optimizer/state/?": {"empty dict", "missing"},
    "optimizer/state/?/step": {"large"},
    "optimizer/param_groups/0/lr": {"large"},
    "optimizer/param_groups/0/initial_lr": {"large"},
    "optimizer/param_groups/0/eps": {"large"},
    "optimizer/param_groups/0/weight_decay": {"large"},
    "optimizer/param_groups/0/foreach": {"none"},
    "optimizer/param_groups/0/fused": {"none"},
    "optimizer/param_groups/0/*": {"missing"},  # PyTorch's have other options
    "scheduler/gamma": {"negative", "large", "infinite"},
    "scheduler/last_epoch": {"negative"},
    "scheduler/base_lrs/0": {"large"},
    "scheduler/_last_lr/0": {"large"},
    "scheduler/lr/0": {"large"},
    "scheduler/*": {"missing"},
}
NEEDED = {"scheduler/last_epoch", "optimizer/param_groups/0/params"}


def kind_of(wrong: Any) -> str:
    """The word for a wrong value in the table of what may be."""
    if wrong is MISSING or wrong is None:
        return "missing" if wrong is MISSING else "none"
    if isinstance(wrong, (int, float)):
        if wrong < 0:
            return "negative"
        return "infinite" if wrong == float("inf") else "large"
    empty = isinstance(wrong, (list, dict)) and not wrong
    return f"empty {type(wrong).__name__}" if empty else type(wrong).__name__


def may_be(path: tuple[Any, ...], wrong: Any) -> bool:
    """Whether the table lets a value stand at a path."""
    place, kind = "/".join(map(str, path)), kind_of(wrong)
    if kind == "missing" and place in NEEDED:
        return False
    depth = place.count("/")
    return any(kind in kinds and depth == pattern.count("/") and fnmatchcase(place, pattern) for pattern, kinds in MAY.items())


@pytest.mark.parametrize("part", ["format", "model", "optimizer", "scheduler", "random", "loader", "extra"])
def test_a_checkpoint_of_wrong_values_is_refused_as_a_whole(tmp_path: Path, part: str) -> None:
    """Each entry is replaced by values of other types, and taken out; what is sound about the file is its checksum."""
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 2)
    note = read_checkpoint(tmp_path / "run")
    trainer, loader = training(tmp_path)
    before, messages = everything(trainer, loader), []
    for path in [(part,), *((part, *rest) for rest in places(note[part]))]:
        for wrong in WRONG:
            text, values = pack(replaced(note, path, wrong))
            (tmp_path / "run").write_bytes(pack_file(values, {TREE: text}))
            try:
                trainer._resume(loader, tmp_path / "run")
            except ValueError as error:
                messages.append(str(error))
                assert everything(trainer, loader) == before, path
            else:
                assert may_be(path, wrong), (path, wrong)
                trainer, loader = training(tmp_path)
    assert len(messages) >= 8
    assert all(str(tmp_path / "run") in message for message in messages)


@pytest.mark.parametrize("name", ["checkpoint", "fit", "model", "__class__", "_progress"])
def test_no_name_in_a_checkpoint_becomes_an_attribute(tmp_path: Path, name: str) -> None:
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 1)
    note = read_checkpoint(tmp_path / "run")
    note["extra"][name] = str(tmp_path / "victim")
    text, values = pack(note)
    (tmp_path / "run").write_bytes(pack_file(values, {TREE: text}))
    trainer, loader = training(tmp_path)
    before = everything(trainer, loader)
    with pytest.raises(ValueError, match=f"'{name}' is unknown"):
        trainer.fit(loader, 2)
    assert everything(trainer, loader) == before
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("tree", [np.zeros(3), mg.Tensor([1.0]), np.float32(1), [1], "format", None])
def test_a_file_of_something_else_is_no_checkpoint(tmp_path: Path, tree: Any) -> None:
    text, values = pack(tree)
    (tmp_path / "run").write_bytes(pack_file(values, {TREE: text}))
    with pytest.raises(ValueError, match="run is not a checkpoint of minigrad: it holds a "):
        read_checkpoint(tmp_path / "run")


def test_a_part_that_cannot_be_put_back_is_named(tmp_path: Path) -> None:
    """It took up its state before another part refused, and refuses its own old state."""

    class OneWay:
        loads = 0

        def state_dict(self) -> dict[str, int]:
            return {}

        def load_state_dict(self, state: dict[str, int]) -> None:
            self.loads += 1
            if self.loads > 1:
                raise RuntimeError("only once")

    model = nn.Linear(2, 1)
    save_checkpoint(tmp_path / "run", model, OneWay(), nn.optim.SGD(model.parameters(), lr=0.1))
    scheduler = nn.optim.lr_scheduler.StepLR(nn.optim.SGD(model.parameters(), lr=0.1), 2)
    with pytest.raises(ValueError, match="run does not fit the scheduler") as caught:
        load_checkpoint(tmp_path / "run", model, OneWay(), scheduler)
    assert caught.value.__notes__ == ["the optimizer could not be put back: only once"]


def test_a_part_that_refuses_takes_the_others_back(tmp_path: Path) -> None:
    """A user's own part, which fails after the model and the optimizer have been loaded; Ctrl-C too."""

    class Mine:
        error: BaseException | None = None
        value = 0

        def state_dict(self) -> dict[str, int]:
            return {"value": self.value}

        def load_state_dict(self, state: dict[str, int]) -> None:
            self.value = state["value"]
            if self.error is not None and self.value == 5:
                raise self.error

    def made() -> tuple[Any, Any, Any]:
        model = nn.Linear(2, 1)
        return (
            model,
            nn.optim.SGD(model.parameters(), lr=float(mg.random.rand()), momentum=0.9),
            Mine(),
        )

    model, optimizer, mine = made()
    mine.value = 5
    save_checkpoint(tmp_path / "run", model, optimizer, loader=mine)
    model, optimizer, mine = made()
    for error, expected in (
        (RuntimeError("no"), ValueError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):
        mine.error = error
        before = repr((model.state_dict(), optimizer.state_dict(), mine.state_dict(), mg.random.get_state()))
        with pytest.raises(expected):
            load_checkpoint(tmp_path / "run", model, optimizer, None, mine)
        assert (
            repr(
                (
                    model.state_dict(),
                    optimizer.state_dict(),
                    mine.state_dict(),
                    mg.random.get_state(),
                )
            )
            == before
        )


def test_the_weights_of_a_checkpoint_are_read_like_others(tmp_path: Path) -> None:
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 1)
    again, _ = training(tmp_path)
    again.model.load_state_dict(nn.load(tmp_path / "run")["model"])
    assert repr(again.model.state_dict()) == repr(trainer.model.state_dict())
    nn.save(trainer.model, tmp_path / "run")
    with pytest.raises(ValueError, match="run is not a checkpoint .* it holds arrays alone, for nn.load"):
        load_checkpoint(tmp_path / "run", again.model)


def test_a_run_with_other_parts_is_not_gone_on_with(tmp_path: Path) -> None:
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 1)
    for change, message in (
        (lambda t: setattr(t, "callbacks", ()), "the states of 1 callbacks, this training has 0"),
        (
            lambda t: setattr(t, "scheduler", None),
            "the state of a scheduler, and this training has none",
        ),
    ):
        trainer, loader = training(tmp_path)
        change(trainer)
        with pytest.raises(ValueError, match=message):
            trainer.fit(loader, 2)


def test_a_list_of_batches_has_no_place_in_a_checkpoint(tmp_path: Path) -> None:
    trainer, loader = training(tmp_path)
    with pytest.raises(TypeError, match="the place in the data, which a list does not know: pass an nn.data.DataLoader"):
        trainer.fit(list(loader), 1)
    with pytest.raises(TypeError, match=r"the optimizer must have state_dict\(\), got a dict"):
        save_checkpoint(tmp_path / "new", trainer.model, trainer.optimizer.state_dict())
    assert not (tmp_path / "new").exists()


def test_best_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    trainer, loader = training(tmp_path)
    trainer.fit(loader, 1)
    note = read_checkpoint(tmp_path / "run")
    note["extra"]["callbacks"][0]["weights"]["0.weight"] = mg.Tensor(np.zeros((5, 5)))
    text, values = pack(note)
    (tmp_path / "run").write_bytes(pack_file(values, {TREE: text}))
    trainer, loader = training(tmp_path)
    with pytest.raises(ValueError, match="best weights of EarlyStopping are those of another network"):
        trainer.fit(loader, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("buffer_pos", 5), ("buffer_pos", -1), ("buffer_pos", True), ("has_uint32", 2), ("uinteger", 2**32), ("buffer_pos", 2.0),
     ("bit_generator", "MT19937"), ("buffer", np.zeros(3, np.uint64)), ("buffer", np.zeros(4)), ("state", {}), ("more", 1)],
)  # fmt: skip
def test_a_random_state_that_is_none_leaves_the_generator_alone(name: str, value: Any) -> None:
    mg.random.manual_seed(3)
    mg.random.rand(5)
    state = mg.random.get_state()
    with pytest.raises(ValueError, match=f"random state: .*{'Philox' if name == 'bit_generator' else name}"):
        mg.random.set_state({**state, name: value})
    assert repr(mg.random.get_state()) == repr(state)
    drawn = mg.random.rand(3).tolist()
    mg.random.set_state(state)
    assert mg.random.rand(3).tolist() == drawn


def test_a_seed_that_is_none_leaves_the_generator_alone() -> None:
    mg.random.manual_seed(3)
    state = repr(mg.random.get_state())
    with pytest.raises(ValueError):
        mg.random.manual_seed(-1)
    assert repr(mg.random.get_state()) == state


# ---------------------------------------------------------------------------------- safetensors


def header(text: str, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + data


ENTRY = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (struct.pack("<Q", 2**63) + b"{}", "header has 9,223,372,036,854,775,808 bytes"),
        (struct.pack("<Q", 1000) + b"{}", "behind the end of the file"),
        (header("[]"), "no JSON object"),
        (header("[" * 100_000), "nested too deeply|Expecting"),
        (header('{"a":1}'), "'a' has no dtype"),
        (header(f'{{"a":{ENTRY},"a":{ENTRY}}}', bytes(4)), "stands in its header twice"),
        (
            header(f'{{"a":{ENTRY},"b":{ENTRY}}}', bytes(4)),
            "'b' has the bytes 0 to 4, expected them from 4",
        ),
        (
            header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', bytes(8)),
            "expected them from 0",
        ),
        (header(f'{{"a":{ENTRY}}}', bytes(5)), "speaks of 4 bytes of data, but there are 5"),
        (
            header('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', bytes(4)),
            "does not fill its 4 bytes",
        ),
        (
            header('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', bytes(4)),
            "are no lengths",
        ),
        (
            header('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', bytes(4)),
            "are no lengths",
        ),
        (
            header('{"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}'),
            "'a' of shape",
        ),
        (
            header('{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}', b"\2"),
            "no truth values",
        ),
        (header('{"__metadata__":{"a":1}}'), "metadata are no text"),
        (header('{"__metadata__":{"minigrad.tree":"{\\"$array\\":\\"a\\"}"}}'), "no array 'a'"),
        (header('{"__metadata__":{"minigrad.tree":"{\\"$import\\":\\"os\\"}"}}'), "unknown mark"),
        (
            header(f'{{"__metadata__":{{"minigrad.tree":"1"}},"a":{ENTRY}}}', bytes(4)),
            "nothing refers to",
        ),
    ],
)
def test_headers_that_lie_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        nn.load(tmp_path / "a")
    assert str(tmp_path / "a") in str(caught.value)


def test_one_array_is_not_handed_out_twice() -> None:
    text = '[{"$array": "a"}, {"$array": "a"}]'
    with pytest.raises(ValueError, match="used twice"):
        unpack(text, {"a": np.zeros(1)})


def test_every_flipped_bit_is_found() -> None:
    content = checked_weights()
    want = plain(unpack_file(content)[0])
    for place in range(8 * len(content)):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        try:
            got = plain(unpack_file(bytes(changed))[0])
        except (ValueError, NotImplementedError):
            continue
        # a bit in the name of the checksum: a file of others, with the same values
        assert got == want, f"bit {place}"


def test_files_are_those_of_the_library_both_ways() -> None:
    library = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    kinds = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.float16,
             np.float32, np.float64, np.complex64]  # fmt: skip
    rng = np.random.default_rng(0)
    many = {f"{np.dtype(k)}": (rng.normal(size=(3, 2)) * 9).astype(np.float32).astype(k) for k in kinds if k is not np.uint64}
    many |= {"turned": np.arange(6.0).reshape(2, 3).T, "big end": np.arange(3, dtype=">i4")}
    many |= {
        "empty": np.zeros((0, 2)),
        "é": np.array(2),
        "uint64": np.array([2**64 - 1], np.uint64),
    }
    theirs = library.load(pack_file(many, {"note": "x"}))
    in_order = {name: np.array(array, array.dtype.newbyteorder("="), order="C") for name, array in many.items()}
    ours, metadata = unpack_file(library.save(in_order, {"note": "y"}))
    assert metadata == {"note": "y"}
    for got in (theirs, ours):
        assert got.keys() == many.keys()
        for name, array in many.items():
            assert got[name].dtype == array.dtype.newbyteorder("=")
            np.testing.assert_array_equal(got[name], array)


@pytest.mark.torch
def test_bfloat16_is_read_as_float32_and_float8_is_named(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from safetensors.torch import save_file

    values = torch.randn(3, 4).to(torch.bfloat16)
    save_file({"a": values}, tmp_path / "a")
    got = nn.load(tmp_path / "a")["a"]
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got.numpy(), values.float().numpy())
    save_file({"a": values.to(torch.float8_e4m3fn)}, tmp_path / "a")
    with pytest.raises(ValueError, match="'a' is of type F8_E4M3, which NumPy has not"):
        nn.load(tmp_path / "a")


# --------------------------------------------------------------------------------------- nested


def test_nested_containers_come_back_as_they_went(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    optimizer = nn.optim.Adam(model.parameters())
    tree = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        "loss": [0.1, float("inf"), -0.0, None, True, 2**80, 1 - 2j],
        "notes": ("é\ud800", b"\0\xff", {}),
        "numbers": {
            1: np.float32(2.5),
            "1": np.int8(-3),
            (1, "a"): np.bool_(True),
            None: 1,
            2.5: 2,
            "$array": 3,
        },
        "arrays": {
            "a/b": np.zeros(2),
            "a": {"b": np.ones((0, 3), np.uint8)},
            "__metadata__": np.array(7.0),
        },
        "__metadata__": mg.Tensor([1.0]),
    }
    nn.save(tree, tmp_path / "a")
    got = nn.load(tmp_path / "a")
    assert repr(got) == repr(tree)
    assert type(got["model"]["weight"]) is mg.Tensor and type(got["arrays"]["a/b"]) is np.ndarray
    assert got["loss"][1] == float("inf") and str(got["loss"][2]) == "-0.0"
    again = nn.Linear(2, 1)
    again.load_state_dict(got["model"])
    assert again.weight.tolist() == model.weight.tolist()
    nn.optim.Adam(again.parameters()).load_state_dict(got["optimizer"])
    with pytest.raises(ValueError, match=r"holds more than arrays by name \(model, optimizer, .*state = nn.load"):
        nn.load(tmp_path / "a", again)


def test_files_that_are_open_already(tmp_path: Path) -> None:
    model, file = nn.Linear(2, 1), io.BytesIO()
    nn.save(model, file)
    file.seek(0)
    again = nn.Linear(2, 1)
    nn.load(file, again)
    assert again.weight.tolist() == model.weight.tolist()
    with (
        open(tmp_path / "a", "w", encoding="utf-8") as text,
        pytest.raises(TypeError, match='open it with mode "wb"'),
    ):
        nn.save(model, text)  # type: ignore[arg-type]
    with open(tmp_path / "a", encoding="utf-8") as text, pytest.raises(TypeError, match='open it with mode "rb"'):
        nn.load(text)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the BytesIO is not a safetensors file"):
        nn.load(io.BytesIO(b"hello, world"))


def test_what_cannot_be_saved_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    model = nn.Linear(1, 1)
    for state, message in (
        ({"a": {"b": [1, {2, 3}]}}, "a/b/1 is a set"),
        ({"a": np.array([None])}, "a is a ndarray of object|'a' is of object"),
        ({"a": [np.array(["x"])]}, "a/0 is a ndarray of <U1"),
        ({"a": {"b": np.zeros(2, np.complex128)}}, "'a/b' is of complex128"),
        ({"a": [np.ma.masked_array([1.0], [True])]}, "a/0 is a MaskedArray"),
        ({"a": loop}, "a/0 holds itself"),
        (deep, "nested too deeply"),
        ({"a": [model]}, r"a/0 is a Linear: save its state_dict\(\)"),
        (
            nn.optim.SGD(model.parameters(), lr=0.1),
            r"a SGD cannot be saved itself: save its state_dict\(\)",
        ),
        ({"a": {frozenset([1]): 2}}, "a: a key of type frozenset"),
        ({"a": {np.int64(1): 2}}, "a: a key of type int64"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            nn.save(state, tmp_path / "a")
    for metadata in ({"a": 1}, {"minigrad.tree": "{}"}):
        with pytest.raises(TypeError, match="metadata are text by name"):
            nn.save(model, tmp_path / "a", metadata)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_header_that_no_reader_would_take_is_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("nn.safetensors.LARGEST_HEADER", 1000)
    with pytest.raises(ValueError, match="keep long lists of numbers as arrays"):
        nn.save({"losses": [0.5] * 1000}, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_the_largest_header_that_is_written_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(pack_file({"a": np.zeros(2)})) - 8 - 16
    monkeypatch.setattr("nn.safetensors.LARGEST_HEADER", size)
    content = pack_file({"a": np.zeros(2)})
    assert unpack_file(content)[0]["a"].tolist() == [0.0, 0.0]
    monkeypatch.setattr("nn.safetensors.LARGEST_HEADER", size - 1)
    with pytest.raises(ValueError, match=f"its header has {size} bytes, {size - 1} are allowed"):
        unpack_file(content)


ENDLESS = """
import resource, sys
import nn
from nn.data import read_cifar, read_csv, read_idx
from nn.text import read_vectors
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for read in (nn.load, read_cifar, read_csv, read_idx, read_vectors):
    for path in ("/dev/zero", "/dev/urandom")[: 1 if read is read_vectors else 2]:
        try:
            read(path)
        except ValueError as error:
            assert path in str(error)
            print(read.__name__)
"""


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="this system has no endless files")
def test_an_endless_file_does_not_fill_the_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS], cwd=Path(__file__).parent.parent,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == [
        "load", "load", "read_cifar", "read_cifar", "read_csv", "read_csv", "read_idx", "read_idx",
        "read_vectors",
    ], done.stderr  # fmt: skip


def test_true_is_no_number_of_a_column(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x,y\n1,2\n", "utf-8")
    with pytest.raises(ValueError, match="has no column True; it has x, y"):
        read_csv(tmp_path / "a", target=True)
    assert read_csv(tmp_path / "a", target=np.int64(1))[2] == ["x"]


# ------------------------------------------------------------------------------------- writing


@posix
def test_a_new_file_has_the_mode_that_the_system_gives(tmp_path: Path) -> None:
    with open(tmp_path / "plain", "w", encoding="utf-8"):
        pass
    write_whole(tmp_path / "ours", b"1")
    assert os.stat(tmp_path / "ours").st_mode == os.stat(tmp_path / "plain").st_mode
    for mode in (0o600, 0o640, 0o755):
        os.chmod(tmp_path / "ours", mode)
        write_whole(tmp_path / "ours", b"2")
        assert stat.S_IMODE(os.stat(tmp_path / "ours").st_mode) == mode


def test_files_are_written_whole_where_none_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigrad.files.fcntl", None)
    for data in (b"1", b"22"):
        write_whole(tmp_path / "w", data)
        assert (tmp_path / "w").read_bytes() == data
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_whole(tmp_path / "w", b"333")
    assert (tmp_path / "w").read_bytes() == b"22" and [p.name for p in tmp_path.iterdir()] == ["w"]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only the administrator gives files away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"1")
    os.chown(tmp_path / "a", 1234, 1235)
    write_whole(tmp_path / "a", b"2")
    found = os.stat(tmp_path / "a")
    assert (found.st_uid, found.st_gid) == (1234, 1235)


@posix
def test_links_stay_and_their_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.symlink("folder/real", tmp_path / "link")  # a link to nothing, as yet
    os.symlink("link", tmp_path / "second")
    for data in (b"1", b"22"):
        assert write_whole(tmp_path / "second", data) == tmp_path / "second"
        assert (tmp_path / "folder" / "real").read_bytes() == data
    assert os.path.islink(tmp_path / "second") and os.path.islink(tmp_path / "link")
    os.symlink("round", tmp_path / "round")
    with pytest.raises(OSError):
        write_whole(tmp_path / "round", b"3")
    assert os.path.islink(tmp_path / "round")


@posix
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", b"123")
    reader.join()
    assert got == [b"123"] and stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


@posix
def test_what_killed_runs_leave_is_taken_up(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom minigrad.files import write_whole\n"
        "os.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\nwrite_whole(sys.argv[1], b'x' * 1000)"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "w")], cwd=Path(__file__).parent.parent)
        assert done.returncode == -9
        assert [p.name for p in tmp_path.iterdir()] == [".w.part"]
    write_whole(tmp_path / "w", b"123")
    assert [p.name for p in tmp_path.iterdir()] == ["w"] and (tmp_path / "w").read_bytes() == b"123"


@posix
def test_two_writers_do_not_write_into_one_file(tmp_path: Path) -> None:
    first, path = exclusive(tmp_path / "w")
    second, other = exclusive(tmp_path / "w")
    assert path.name == ".w.part" and other != path
    os.close(first)
    os.close(second)
    contents = [bytes([i]) * 50_000 for i in range(8)]
    threads = [threading.Thread(target=write_whole, args=(tmp_path / "w", data)) for data in contents for _ in range(5)]
    other.unlink()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "w").read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["w"]


@posix
def test_a_temporary_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"precious")
    os.symlink("victim", tmp_path / ".w.part")
    write_whole(tmp_path / "w", b"1")
    os.unlink(tmp_path / ".w.part")
    os.link(tmp_path / "victim", tmp_path / ".w.part")
    write_whole(tmp_path / "w", b"2")
    assert (tmp_path / "victim").read_bytes() == b"precious" and (tmp_path / "w").read_bytes() == b"2"
