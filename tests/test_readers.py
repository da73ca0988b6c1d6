"""Readers: files as they should be, and files that are cut off, damaged, or of another kind."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

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


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "iris.csv"
    path.write_text("length,width,kind\n5.1,3.5,setosa\n7.0,3.2,versicolor\n\n4.9,3.0,setosa\n")
    x, y, names = read_csv(path, "kind")
    assert x.tolist() == [[5.1, 3.5], [7.0, 3.2], [4.9, 3.0]]
    assert y is not None
    assert y.tolist() == [0, 1, 0]
    assert names == ["length", "width"]
    path.write_text("1;2;3\n4;5;6\n")
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
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_csv(path)
    path.write_text("a,b\n1,\n")
    assert np.isnan(read_csv(path, allow_nan=True)[0][0, 1])
    with pytest.raises(ValueError, match="no column 'c'; it has a, b"):
        read_csv(path, "c")


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
