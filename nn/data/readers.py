"""Readers of the files that data sets come in.  A file that is cut off, of another kind, or holds NaN is a named error."""

from __future__ import annotations

import csv
import gzip
import importlib
import os
import zlib
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.install import install

from .dataset import Dataset

__all__ = ["ImageFolder", "load_sklearn", "read_cifar", "read_csv", "read_idx", "read_mnist"]

Name = str | os.PathLike[str]

#: The element types of idx files by their code.
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def _bytes(path: Name) -> bytes:
    """The content of a file, unpacked where it is gzipped."""
    data = Path(path).read_bytes()
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: the gzip file is cut off or damaged ({error})") from error


def read_idx(path: Name) -> np.ndarray:
    """An array from an idx file (MNIST's format), gzipped or not.

    The format: two zero bytes, the element type, the number of axes, their lengths as big-endian 32-bit integers, the elements.

    Raises:
        ValueError: where the file is no idx file, or its size is not what its header says.
    """
    data = _bytes(path)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_TYPES:
        raise ValueError(
            f"{path} is not an idx file: it begins with {data[:4].hex(' ') or 'nothing'}, not with 00 00, a type and a rank"
        )
    dtype, rank = np.dtype(_IDX_TYPES[data[2]]), data[3]
    if len(data) < 4 + 4 * rank:
        raise ValueError(f"{path}: the idx header is cut off after {len(data)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", rank, 4))
    expected, found = prod(shape) * dtype.itemsize, len(data) - 4 - 4 * rank
    if expected != found:
        raise ValueError(f"{path}: shape {shape} of {dtype.name} needs {expected} bytes, the file has {found}")
    array = np.frombuffer(data, dtype, prod(shape), 4 + 4 * rank).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def read_mnist(folder: Name, train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's (or Fashion-MNIST's) images, (N, 28, 28) of uint8, and labels, (N,), from the four published files.

    The names are train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., with or without .gz.
    """
    prefix, arrays = "train" if train else "t10k", []
    for kind in ("images-idx3", "labels-idx1"):
        candidates = [Path(folder) / f"{prefix}-{kind}-ubyte{end}" for end in ("", ".gz")]
        present = [path for path in candidates if path.exists()]
        if not present:
            raise FileNotFoundError(f"read_mnist: neither {candidates[0]} nor {candidates[1].name} is there")
        arrays.append(read_idx(present[0]))
    images, labels = arrays
    if len(images) != len(labels):
        raise ValueError(f"read_mnist: {len(images)} images but {len(labels)} labels in {folder}")
    return images, labels.astype(np.int64)


def read_cifar(paths: Name | Sequence[Name], classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """CIFAR images, (N, 3, 32, 32) of uint8, and labels, (N,), from files of the binary version (no pickle).

    Args:
        classes: 10 or 100; of CIFAR-100 the fine labels are returned.
    """
    if classes not in (10, 100):
        raise ValueError(f"read_cifar: classes must be 10 or 100, got {classes}")
    head = 1 if classes == 10 else 2
    record, images, labels = head + 3072, [], []
    for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        data = np.frombuffer(_bytes(path), np.uint8)
        if not data.size or data.size % record:
            raise ValueError(f"{path}: {data.size} bytes are not a whole number of records of {record} bytes (CIFAR-{classes})")
        rows = data.reshape(-1, record)
        if rows[:, head - 1].max() >= classes:
            raise ValueError(f"{path}: label {rows[:, head - 1].max()} in a file of CIFAR-{classes}: is it another file?")
        images.append(rows[:, head:].reshape(-1, 3, 32, 32))
        labels.append(rows[:, head - 1].astype(np.int64))
    return np.concatenate(images), np.concatenate(labels)


def read_csv(
    path: Name, target: str | int | None = None, header: bool = True, delimiter: str = ",", dtype: Any = np.float64,
    allow_nan: bool = False,
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:  # fmt: skip
    """Numbers from a CSV file: (features (N, F), targets (N,) or None, names of the features).

    Args:
        target: the name or number of the column of targets; text there becomes class numbers, in alphabetical order.
        allow_nan: empty fields and "nan" are NaN, in place of an error.

    Raises:
        ValueError: with line and column, where a field is no number, is missing, or is NaN.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = [(number, row) for number, row in enumerate(csv.reader(file, delimiter=delimiter), start=1) if row]
    if not lines or (header and len(lines) == 1):
        raise ValueError(f"{path} holds no rows")
    names = [name.strip() for name in lines[0][1]] if header else [str(i) for i in range(len(lines[0][1]))]
    column = None if target is None else _column(path, names, target)
    features, targets = [], []
    for number, row in lines[1:] if header else lines:
        if len(row) != len(names):
            raise ValueError(f"{path}, line {number}: {len(row)} fields, but there are {len(names)} columns")
        values = []
        for i, field in enumerate(row):
            if i == column:
                targets.append(field.strip())
                continue
            try:
                value = float(field) if field.strip() or not allow_nan else np.nan
            except ValueError:
                raise ValueError(f"{path}, line {number}, column {names[i]!r}: {field!r} is not a number") from None
            if np.isnan(value) and not allow_nan:
                raise ValueError(f"{path}, line {number}, column {names[i]!r} is NaN; pass allow_nan=True to keep it")
            values.append(value)
        features.append(values)
    kept = [name for i, name in enumerate(names) if i != column]
    return np.array(features, dtype=dtype), None if column is None else _targets(targets), kept


def _column(path: Name, names: list[str], target: str | int) -> int:
    """The number of a column that is given by name or by number."""
    number = names.index(target) if target in names else target
    if not (isinstance(number, int) and -len(names) <= number < len(names)):
        raise ValueError(f"{path} has no column {target!r}; it has {', '.join(names)}")
    return number % len(names)


def _targets(fields: list[str]) -> np.ndarray:
    """Numbers where all are numbers, class numbers otherwise."""
    try:
        values = np.array([float(field) for field in fields])
    except ValueError:
        return np.unique(fields, return_inverse=True)[1]
    return values.astype(np.int64) if (values == np.round(values)).all() else values


def load_sklearn(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A data set that scikit-learn carries: (inputs (N, F) of float32, targets).  Needs the extra `demo`.

    Args:
        name: "iris", "wine", "breast_cancer", "digits" (targets are classes); "diabetes", "linnerud" (numbers).

    >>> x, y = load_sklearn("digits")
    >>> x.shape, y.shape, int(y.max())
    ((1797, 64), (1797,), 9)
    """
    names = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
    if name not in names:
        raise ValueError(f"load_sklearn: scikit-learn carries no data set {name!r}; it has {', '.join(names)}")
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise ImportError(f"these data sets come with scikit-learn: {install('demo')}") from error
    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    return inputs.astype(np.float32), targets.astype(np.int64 if targets.dtype.kind == "i" else np.float32)


class ImageFolder(Dataset):
    """Images in one folder for each class: root/cat/1.png, root/dog/2.jpg ...; items are (image (C, H, W) of uint8, class).

    Args:
        transform: called with each image array.
        mode: pillow's mode that images are brought to, "RGB" or "L", say.

    Attributes:
        classes: the names of the folders, in alphabetical order.
    """

    suffixes = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

    def __init__(self, root: Name, transform: Callable[[np.ndarray], Any] | None = None, mode: str = "RGB") -> None:
        self.transform, self.mode = transform, mode
        self.classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        self.samples = [
            (path, number)
            for number, name in enumerate(self.classes)
            for path in sorted((Path(root) / name).rglob("*"))
            if path.suffix.lower() in self.suffixes
        ]
        if not self.samples:
            raise ValueError(f"ImageFolder: no images in folders below {root}")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path, number = self.samples[index]
        try:
            pillow = importlib.import_module("PIL.Image")
        except ImportError as error:
            raise ImportError(f"images are read with pillow: {install('images')}") from error
        try:
            with pillow.open(path) as image:
                array = np.asarray(image.convert(self.mode))
        except Exception as error:
            raise ValueError(f"{path} cannot be read as an image: {error}") from error
        array = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
        return (array if self.transform is None else self.transform(array)), number
