"""Readers: files as they should be, and files that are cut off, damaged, or of another kind."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn.data import DataLoader, ImageFolder, load_sklearn, read_cifar, read_csv, read_idx, read_mnist

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def idx(array: np.ndarray, code: int) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def test_idx_files_of_every_type(tmp_path: Path) -> None:
    for code, dtype in ((8, np.uint8), (9, np.int8), (11, np.int16), (12, np.int32), (13, np.float32), (14, np.float64)):
        array = np.arange(12).reshape(2, 3, 2).astype(dtype)
        (tmp_path / "x").write_bytes(idx(array, code))
        (tmp_path / "x.gz").write_bytes(gzip.compress(idx(array, code)))
        for name in ("x", "x.gz"):
            got = read_idx(tmp_path / name)
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an idx file: it begins with nothing"),
        (b"hello world", "not an idx file"),
        (b"\0\0\x08\x03\0\0", "header is cut off"),
        (idx(np.zeros((2, 3), np.uint8), 8)[:-1], r"shape \(2, 3\) of uint8 needs 6 bytes, the file has 5"),
        (idx(np.zeros((2, 3), np.uint8), 8) + b"x", "needs 6 bytes, the file has 7"),
        (gzip.compress(idx(np.zeros((20, 30), np.uint8), 8), mtime=0)[:-9], "cut off or damaged"),
    ],
)
def test_bad_idx_files_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / "bad")


def test_mnist(tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).integers(0, 255, (5, 28, 28)).astype(np.uint8), np.arange(5, dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images, 8)))
    with pytest.raises(FileNotFoundError, match="train-labels-idx1-ubyte"):
        read_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels, 8))
    x, y = read_mnist(tmp_path)
    np.testing.assert_array_equal(x, images)
    assert y.tolist() == [0, 1, 2, 3, 4]
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels[:4], 8))
    with pytest.raises(ValueError, match="5 images but 4 labels"):
        read_mnist(tmp_path)


@pytest.mark.skipif(not (SHARED / "mnist").exists(), reason="the real MNIST files are not here")
def test_the_real_mnist() -> None:
    images, labels = read_mnist(SHARED / "mnist", train=False)
    assert images.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_cifar(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (3, 3, 32, 32)).astype(np.uint8), np.array([9, 0, 4], np.uint8)
    ten = b"".join(bytes([n]) + image.tobytes() for n, image in zip(labels, images, strict=True))
    (tmp_path / "batch").write_bytes(ten)
    x, y = read_cifar([tmp_path / "batch", tmp_path / "batch"])
    np.testing.assert_array_equal(x[3:], images)
    assert y.tolist() == [9, 0, 4] * 2
    hundred = b"".join(bytes([1, n + 50]) + image.tobytes() for n, image in zip(labels, images, strict=True))
    (tmp_path / "hundred").write_bytes(hundred)
    assert read_cifar(tmp_path / "hundred", 100)[1].tolist() == [59, 50, 54]
    (tmp_path / "batch").write_bytes(ten[:-1])
    with pytest.raises(ValueError, match="not a whole number of records of 3073"):
        read_cifar(tmp_path / "batch")
    (tmp_path / "batch").write_bytes(b"\xff" + ten[1:])
    with pytest.raises(ValueError, match="label 255 in a file of CIFAR-10"):
        read_cifar(tmp_path / "batch")
    with pytest.raises(ValueError, match="no files"):
        read_cifar([])


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "iris.csv"
    path.write_text("length,width,kind\n5.1,3.5,setosa\n7.0,3.2,versicolor\n\n4.9,3.0,setosa\n", "utf-8")
    x, y, names = read_csv(path, "kind")
    assert x.tolist() == [[5.1, 3.5], [7.0, 3.2], [4.9, 3.0]]
    assert y is not None
    assert y.tolist() == [0, 1, 0]
    assert names == ["length", "width"]
    path.write_text("1;2;3\n4;5;6\n", "utf-8")
    x, y, _ = read_csv(path, -1, header=False, delimiter=";")
    assert y is not None
    assert y.tolist() == [3, 6]
    assert read_csv(path, header=False, delimiter=";")[1] is None
    for text, message in (
        ("a,b\n1,x\n", "line 2, column 'b': 'x' is not a number"),
        ("a,b\n1\n", "line 2: 1 fields, but there are 2 columns"),
        ("a,b\n1,nan\n", "line 2, column 'b' is NaN"),
        ("a,b\n1,\n", "line 2, column 'b': '' is not a number"),
        ("a,b\n", "holds no rows"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(ValueError, match=message):
            read_csv(path)
    path.write_text("a,b\n1,\n", "utf-8")
    assert np.isnan(read_csv(path, allow_nan=True)[0][0, 1])
    with pytest.raises(ValueError, match="no column 'c'; it has a, b"):
        read_csv(path, "c")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,t\n1,inf\n2,3\n", {"target": "t"}, "line 2, column 't': the target is infinite"),
        ("a,t\n1,3\n2,\n", {"target": "t"}, "line 3, column 't': the target is missing"),
        ("a,t\n1,cat\n2,\n", {"target": "t", "allow_nan": True}, "line 3, column 't': the target is missing"),
        ("a,t\n1,nan\n2,1\n", {"target": "t"}, "line 2, column 't': the target is NaN"),
        ("a,t\n1,0.5\n2,o.7\n", {"target": "t"}, "line 3, column 't': 'o.7' is not a number, but line 2 has 0.5"),
        ("a,t\n1,nan\n2,cat\n", {"target": "t"}, "'cat' is not a number, but line 2 has nan"),
        ("a,b\n1,inf\n", {}, "line 2, column 'b' is infinite"),
        ("a,b\n1,1_000\n", {}, "line 2, column 'b': '1_000' is not a number"),
        ("a,b\n1,1e39\n", {"dtype": np.float32}, "line 2, column 'b': 1e39 does not fit into float32"),
        ("a,b\n1,1.7\n", {"dtype": np.int64}, "line 2, column 'b': '1.7' is not a whole number"),
        ("a,b\n1,nan\n", {"dtype": np.int64, "allow_nan": True}, "'nan' is not a whole number"),
        ("a,b\n1,256\n", {"dtype": np.uint8}, "line 2, column 'b': 256 does not fit into uint8"),
        ("a,b\n1,-1\n", {"dtype": np.uint64}, "-1 does not fit into uint64"),
        ("a,b\n1,2\n", {"dtype": bool}, "2 does not fit into bool"),
        ("a,a\n1,2\n", {}, "two columns of the name 'a'"),
        ('a,b\n1,"2\n3,4\n', {}, "line 2: unexpected end of data"),
        ('a,b\n"x\ny",2\n', {}, "line 2, column 'a'"),
        ('a,b\n"1\n",2\n3,x\n', {}, "line 4, column 'b': 'x' is not a number"),
        ("a,b\n1," + "x" * 200_000 + "\n", {}, "line 2: field larger than field limit"),
        (b"a,b\n1,2\n3,\xff\n", {}, "line 3: byte 0xff is not utf-8; pass its encoding"),
        ("a,b\n1,2\n".encode("utf-16"), {}, "line 1: byte 0xff is not utf-8"),
        ("a,b\n1,2\n".encode("utf-16")[:-1], {"encoding": "utf-16"}, "is not utf-16"),
        ("", {}, "holds no rows"),
        ("\n\n", {}, "holds no rows"),
    ],
)
def test_csv_files_that_are_refused_name_file_line_and_column(tmp_path: Path, text: Any, options: Any, message: str) -> None:
    (tmp_path / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(tmp_path / "a.csv", **options)
    assert str(tmp_path / "a.csv") in str(caught.value)


def test_csv_numbers_are_exact_and_keep_their_type(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,t\n9007199254740993,1e3,9007199254740993\n-2,3.0,5\n", "utf-8")
    x, y, _ = read_csv(path, "t", dtype=np.int64)
    assert x.tolist() == [[9007199254740993, 1000], [-2, 3]] and x.dtype == np.int64
    assert y is not None
    assert y.tolist() == [9007199254740993, 5] and y.dtype == np.int64
    path.write_text("a\n18446744073709551615\n", "utf-8")
    assert read_csv(path, dtype=np.uint64)[0].tolist() == [[2**64 - 1]]
    path.write_text("t,a\n1e300,1\n2,2\n", "utf-8")
    assert read_csv(path, "t")[1].tolist() == [1e300, 2.0]  # type: ignore[union-attr]
    path.write_text("t,a\n,\n2,inf\n", "utf-8")
    x, y, _ = read_csv(path, "t", allow_nan=True)
    np.testing.assert_array_equal(x, [[np.nan], [np.inf]])
    np.testing.assert_array_equal(y, [np.nan, 2.0])
    path.write_bytes("größe,t\n1,ä\n2,ö\n".encode("latin-1"))
    x, y, names = read_csv(path, "t", encoding="latin-1")
    assert names == ["größe"]
    np.testing.assert_array_equal(y, [0, 1])
    path.write_bytes(b"a,b\r1,2\r\n3,4")
    assert read_csv(path)[0].tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="dtype must be"):
        read_csv(path, dtype=str)


def test_a_file_of_one_endless_line_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"11," * 6_000_000)
    with pytest.raises(ValueError, match="a.csv, line 1: the line has more than 16,777,216 characters"):
        read_csv(path)
    assert peak_of(lambda: read_csv(path)) < 100_000_000
    path.write_text(",".join(map(str, range(20_000))) + "\n" + "1," * 19_999 + "1\n", "utf-8")
    assert read_csv(path)[0].shape == (1, 20_000)


def peak_of(read: Callable[[], Any]) -> int:
    """The most memory that Python's objects took."""
    tracemalloc.start()
    try:
        with contextlib.suppress(ValueError):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_a_gzip_file_may_take_is_bounded_by_its_size(tmp_path: Path) -> None:
    size = 400 << 20
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as file:
        file.write(struct.pack(">BBBBI", 0, 0, 8, 1, size))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    path = tmp_path / "bomb.gz"
    path.write_bytes(packed.getvalue())
    for read in (read_idx, read_cifar):
        with pytest.raises(ValueError, match=r"bomb.gz.*unpacks to more than .* unpack it first \(gunzip\)"):
            read(path)
        assert peak_of(lambda read=read: read(path)) < 150_000_000  # type: ignore[misc]
    with gzip.open(path, "wb") as file:
        file.write(struct.pack(">BBBBI", 0, 0, 8, 1, 60 << 20))  # a lie: nothing follows
    with pytest.raises(ValueError, match="needs 62914560 bytes, the file has 0"):
        read_idx(path)
    assert peak_of(lambda: read_idx(path)) < 5_000_000


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_idx_files_of_numbers_that_are_none_say_where(tmp_path: Path, value: float) -> None:
    array = np.zeros((2, 3), np.float32)
    array[1, 2] = value
    (tmp_path / "x").write_bytes(idx(array, 13))
    with pytest.raises(ValueError, match=rf"x: element \(1, 2\) is {value}"):
        read_idx(tmp_path / "x")


def test_idx_shapes_that_no_array_has_are_named(tmp_path: Path) -> None:
    for lengths in ([0, 2**32 - 1, 2**32 - 1, 2**32 - 1], [1] * 100, [2**32 - 1] * 255):
        (tmp_path / "x").write_bytes(struct.pack(f">BBBB{len(lengths)}I", 0, 0, 8, len(lengths), *lengths) + b"\0")
        with pytest.raises(ValueError, match="x: shape"):
            read_idx(tmp_path / "x")


def test_mnist_of_swapped_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros(5, np.uint8), 8))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros((5, 28, 28), np.uint8), 8))
    with pytest.raises(ValueError, match=r"got \(5,\) and \(5, 28, 28\) of uint8"):
        read_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((5, 28, 28), np.uint8), 8))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.full(5, 1.5, np.float32), 13))
    with pytest.raises(ValueError, match="whole labels"):
        read_mnist(tmp_path)


def png(width: int, height: int) -> bytes:
    """A small file of many black pixels."""
    part = lambda kind, b: struct.pack(">I", len(b)) + kind + b + struct.pack(">I", zlib.crc32(kind + b))
    body = zlib.compress(bytes(((width + 7) // 8 + 1) * height), 9)
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def test_images_are_looked_at_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    (tmp_path / "images" / "a").mkdir(parents=True)
    path = tmp_path / "images" / "a" / "x.png"
    path.write_bytes(png(9000, 8000))
    with pytest.raises(ValueError, match="x.png cannot be read as an image: 9000 x 8000 pixels are more than max_pixels=67,1"):
        ImageFolder(tmp_path / "images")[0]
    path.write_bytes(png(90, 80))
    assert ImageFolder(tmp_path / "images", mode="L", max_pixels=7200)[0][0].shape == (1, 80, 90)
    with pytest.raises(ValueError, match="max_pixels=7,199"):
        ImageFolder(tmp_path / "images", max_pixels=7199)[0]
    pillow.fromarray(np.full((2, 3), 40_000, np.uint16)).save(path)
    with pytest.raises(ValueError, match="values of mode 'I;16' would be cut to 'RGB': pass mode='I;16'"):
        ImageFolder(tmp_path / "images")[0]
    assert ImageFolder(tmp_path / "images", mode="I;16")[0][0].max() == 40_000


def test_an_image_of_another_kind_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostScript is drawn by Ghostscript, of which a stand-in leaves a mark."""
    pytest.importorskip("PIL.Image", reason="pillow is not installed")
    (tmp_path / "images" / "a").mkdir(parents=True)
    (tmp_path / "images" / "a" / "x.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n")
    (tmp_path / "gs").write_text(f"#!/bin/sh\necho ran > {tmp_path}/mark\n", "utf-8")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ValueError, match="x.png cannot be read as an image"):
        ImageFolder(tmp_path / "images")[0]
    assert not (tmp_path / "mark").exists()


def test_image_folders(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    for name in ("dog", "cat"):
        (tmp_path / name).mkdir()
    image.fromarray(pixels).save(tmp_path / "dog" / "1.png")
    image.fromarray(pixels[..., 0]).save(tmp_path / "cat" / "2.png")
    data = ImageFolder(tmp_path, transform=lambda x: x.astype(np.float32) / 255)
    assert data.classes == ["cat", "dog"]
    x, y = data[1]
    assert y == 1
    np.testing.assert_allclose(x, np.moveaxis(pixels, -1, 0) / 255, rtol=1e-6)
    assert next(iter(DataLoader(data, 2)))[0].shape == (2, 3, 4, 5)
    assert ImageFolder(tmp_path, mode="L")[0][0].shape == (1, 4, 5)
    (tmp_path / "cat" / "2.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match="2.png cannot be read as an image"):
        data[0]
    with pytest.raises(ValueError, match="no images"):
        ImageFolder(tmp_path / "cat")


def test_scikit_learns_sets_have_the_published_sizes() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    sizes = {"iris": (150, 4, 3), "wine": (178, 13, 3), "breast_cancer": (569, 30, 2), "digits": (1797, 64, 10)}
    for name, (n, features, classes) in sizes.items():
        x, y = load_sklearn(name)
        assert x.shape == (n, features) and x.dtype == np.float32
        assert y.shape == (n,) and y.dtype == np.int64 and len(np.unique(y)) == classes
    assert load_sklearn("diabetes")[1].dtype == load_sklearn("linnerud")[1].dtype == np.float32
    with pytest.raises(ValueError, match="no data set 'mnist'; it has breast_cancer"):
        load_sklearn("mnist")


def test_whole_numbers_that_a_float_cannot_hold_are_read_exactly(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n9007199254740993.0,-9007199254740993.00\n9.007199254740993e15,3e0\n", "utf-8")
    features, targets, _ = read_csv(tmp_path / "a.csv", "y", dtype="int64")
    assert features.ravel().tolist() == [2**53 + 1] * 2
    assert targets is not None and targets.tolist() == [-(2**53) - 1, 3]
    (tmp_path / "a.csv").write_text("x\n9007199254740993.5\n", "utf-8")
    with pytest.raises(ValueError, match=r"'9007199254740993\.5' is not a whole number"):
        read_csv(tmp_path / "a.csv", dtype="int64")
