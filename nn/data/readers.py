"""Readers of the binary files that data sets come in.

A file that is cut off, of another kind, or holds NaN is a named error. What it
may take of memory is bounded by its own size: a gzip file is unpacked piece by piece, and no
further than its header says.
"""

from __future__ import annotations

import gzip
import importlib
import os
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from minigrad.install import install

__all__ = ["load_sklearn", "read_cifar", "read_idx", "read_mnist"]

Name = str | os.PathLike[str]

#: The element types of idx files by their code.
_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

#: A gzip file may unpack to so many bytes, or to so many times its size; real data is packed to a
#: third or a tenth.
_UNPACKED, _RATIO = 1 << 26, 100
_PIECE = 1 << 20


class _Content:
    """The bytes of a file from the beginning, unpacked where it is gzipped.

    Attributes:
        most: how many bytes there can be at most.
        packed: whether it is gzipped.
    """

    def __init__(self, path: Name) -> None:
        self.path = path
        self._packed = open(path, "rb")  # noqa: SIM115  closed by __exit__
        self.most = os.fstat(self._packed.fileno()).st_size
        self._file: IO[bytes] = self._packed
        self.packed = self._packed.read(2) == b"\x1f\x8b"
        if self.packed:
            self.most = max(_UNPACKED, _RATIO * self.most)
            self._file = cast(IO[bytes], gzip.GzipFile(fileobj=self._packed))
        self._packed.seek(0)

    def __enter__(self) -> _Content:
        return self

    def __exit__(self, *error: object) -> None:
        self._packed.close()

    def read(self, count: int) -> bytearray:
        """So many bytes, or fewer, where the file ends; memory grows with what is really there.

        Raises:
            ValueError: where a gzip file is damaged.
        """
        found = bytearray()
        try:
            while len(found) < count and (
                piece := self._file.read(min(_PIECE, count - len(found)))
            ):
                found += piece
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{self.path}: the gzip file is cut off or damaged ({error})"
            ) from error
        return found

    def all(self) -> bytearray:
        """All that is left.

        Raises:
            ValueError: where a gzip file is damaged, or unpacks to far more than its size.
        """
        found = self.read(self.most + 1)
        if len(found) > self.most:
            raise ValueError(self.too_large())
        return found

    def too_large(self) -> str:
        """The words for a gzip file that unpacks to more than it may."""
        return (
            f"{self.path} unpacks to more than {self.most:,} bytes: "
            "if that is right, unpack it first (gunzip)"
        )


def read_idx(path: Name) -> np.ndarray:
    """An array from an idx file (MNIST's format), gzipped or not.

    The format: two zero bytes, the element type, the number of axes, their lengths as big-endian 32-bit integers, the elements.

    Args:
        path: the file; whether it is gzipped, its first bytes say.

    Returns:
        An array of the shape and type in the header, in the byte order of this machine.

    Raises:
        ValueError: where the file is no idx file, its size is not what its header says, or it holds
            NaN or infinity.
    """
    with _Content(path) as content:
        dtype, shape = _idx_header(path, content)
        expected = prod(shape) * dtype.itemsize
        needs = f"{path}: shape {shape} of {dtype.name} needs {expected} bytes"
        if expected > content.most and content.packed:
            raise ValueError(f"{needs}; {content.too_large()}")
        data = content.read(min(expected, content.most))
        found = len(data) + len(content.read(_PIECE))  # to the end, where gzip's own checksum is
    if expected != found:
        raise ValueError(
            f"{needs}, the file has {found}" + " or more" * (found == expected + _PIECE)
        )
    try:
        array = np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise ValueError(f"{path}: shape {shape}: {error}") from error
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{path}: element {place} is {array[place]}")
    return array


def _idx_header(path: Name, content: _Content) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The element type and the shape that an idx file begins with."""
    start = content.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _IDX_TYPES:
        raise ValueError(
            f"{path} is not an idx file: it begins with {start.hex(' ') or 'nothing'}, "
            "not with 00 00, a type and a rank"
        )
    lengths = content.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise ValueError(f"{path}: the idx header is cut off after {4 + len(lengths)} bytes")
    return np.dtype(_IDX_TYPES[start[2]]), tuple(int(n) for n in np.frombuffer(lengths, ">u4"))


def read_mnist(folder: Name, train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's (or Fashion-MNIST's) images, (N, 28, 28) of uint8, and labels, (N,), from the four published files.

    The names are train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., with or without .gz.

    Args:
        folder: where the files are.
        train: the images to train with, or, with False, those of the test ("t10k").

    Raises:
        FileNotFoundError: one of the two files is not there.
        ValueError: they are no idx files of images and of as many labels.
    """
    prefix, arrays = "train" if train else "t10k", []
    for kind in ("images-idx3", "labels-idx1"):
        candidates = [Path(folder) / f"{prefix}-{kind}-ubyte{end}" for end in ("", ".gz")]
        present = [path for path in candidates if path.exists()]
        if not present:
            raise FileNotFoundError(
                f"read_mnist: neither {candidates[0]} nor {candidates[1].name} is there"
            )
        arrays.append(read_idx(present[0]))
    images, labels = arrays
    if images.ndim != 3 or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"read_mnist: expected images (N, H, W) and whole labels (N,) in {folder}, "
            f"got {images.shape} and {labels.shape} of {labels.dtype}"
        )
    if len(images) != len(labels):
        raise ValueError(f"read_mnist: {len(images)} images but {len(labels)} labels in {folder}")
    return images, labels.astype(np.int64)


def read_cifar(paths: Name | Sequence[Name], classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """CIFAR images, (N, 3, 32, 32) of uint8, and labels, (N,), from files of the binary version (no pickle).

    Args:
        paths: a file, or several, whose images follow each other: data_batch_1.bin to
            data_batch_5.bin, say.
        classes: 10 or 100; of CIFAR-100 the fine labels are returned.

    Raises:
        ValueError: there is no file, one is cut off, or holds labels out of their range.
    """
    if classes not in (10, 100):
        raise ValueError(f"read_cifar: classes must be 10 or 100, got {classes}")
    head = 1 if classes == 10 else 2
    record, images, labels = head + 3072, [], []
    for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        with _Content(path) as content:
            data = np.frombuffer(content.all(), np.uint8)
        if not data.size or data.size % record:
            raise ValueError(
                f"{path}: {data.size} bytes are not a whole number of records of {record} bytes "
                f"(CIFAR-{classes})"
            )
        rows = data.reshape(-1, record)
        if rows[:, head - 1].max() >= classes:
            raise ValueError(
                f"{path}: label {rows[:, head - 1].max()} in a file of CIFAR-{classes}: "
                "is it another file?"
            )
        if head == 2 and rows[:, 0].max() >= 20:
            raise ValueError(
                f"{path}: coarse label {rows[:, 0].max()} in a file of CIFAR-100: "
                "is it another file?"
            )
        images.append(rows[:, head:].reshape(-1, 3, 32, 32))
        labels.append(rows[:, head - 1].astype(np.int64))
    if not images:
        raise ValueError("read_cifar: no files given; is the folder the one with CIFAR's .bin files?")
    return np.concatenate(images), np.concatenate(labels)


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
        raise ValueError(
            f"load_sklearn: scikit-learn carries no data set {name!r}; it has {', '.join(names)}"
        )
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise ImportError(f"these data sets come with scikit-learn: {install('demo')}") from error
    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    return inputs.astype(np.float32), targets.astype(
        np.int64 if targets.dtype.kind == "i" else np.float32
    )
