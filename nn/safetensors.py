"""The safetensors format: named arrays in one file, without pickle and without code.

    8 bytes     the length of the header, little-endian
    header      JSON: name -> {"dtype", "shape", "data_offsets"}, and "__metadata__" -> {text: text}
    data        the arrays one after the other, little-endian, without holes

Files that are written here carry their SHA-256 in the metadata, so that a flipped bit is found.
Files from elsewhere have none, and are read too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

__all__ = ["pack_file", "unpack_file"]

#: The format's name of each type that NumPy has.
NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32",
    "int32": "I32", "uint64": "U64", "int64": "I64", "float16": "F16", "float32": "F32",
    "float64": "F64", "complex64": "C64",
}  # fmt: skip
TYPES = {name: np.dtype(dtype).newbyteorder("<") for dtype, name in NAMES.items()}

METADATA = "__metadata__"
CHECKSUM = "minigrad.sha256"
MOST_AXES = 64  # NumPy's limit
LARGEST_HEADER = 100_000_000  # bytes; the format's own limit


def pack_file(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a file with these arrays; larger types first, so that all are aligned.

    Raises:
        TypeError: where an array is of a type that the format has not.
        ValueError: where the header would be larger than the format allows.
    """
    for name, array in arrays.items():
        if array.dtype.name not in NAMES:
            raise TypeError(
                f"{name!r} is of {array.dtype}, which safetensors files cannot hold; "
                f"they hold {', '.join(NAMES)}"
            )
    stored = {n: np.asarray(a, TYPES[NAMES[a.dtype.name]], order="C") for n, a in arrays.items()}
    places, parts, end = {}, {}, 0
    for name in sorted(stored, key=lambda name: -stored[name].itemsize):
        parts[name] = stored[name].reshape(-1).view(np.uint8).data  # no copy
        places[name] = [end, end + parts[name].nbytes]
        end += parts[name].nbytes
    header: dict[str, Any] = {
        name: {
            "dtype": NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": places[name],
        }
        for name, array in stored.items()
    }
    texts = dict(metadata or {})
    texts[CHECKSUM] = _checksum(header, texts, parts)
    text = json.dumps({METADATA: texts, **header}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LARGEST_HEADER:
        raise ValueError(
            f"names, numbers and text take {len(text):,} bytes, {LARGEST_HEADER:,} are allowed: "
            "keep long lists of numbers as arrays"
        )
    return b"".join([len(text).to_bytes(8, "little"), text, *parts.values()])


def _checksum(
    header: Mapping[str, Any], metadata: Mapping[str, str], parts: Mapping[str, memoryview]
) -> str:
    """The SHA-256 of all that a file says, whatever the order of its names and arrays."""
    what = [[name, header[name]["dtype"], header[name]["shape"]] for name in sorted(header)]
    digest = hashlib.sha256(json.dumps([what, sorted(metadata.items())]).encode())
    for name in sorted(header):
        digest.update(parts[name])
    return digest.hexdigest()


def unpack_file(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata in the bytes of a file; bfloat16 as float32.

    Raises:
        ValueError: where anything in it is not as the format says, or the checksum is wrong.
        NotImplementedError: where an array is of a type that NumPy has not (float8, say).
    """
    length = int.from_bytes(data[:8], "little")
    end = 8 + length
    if length > LARGEST_HEADER:
        raise ValueError(f"its header has {length:,} bytes, {LARGEST_HEADER:,} are allowed")
    if len(data) < 8 or end > len(data):
        raise ValueError(f"its header would end at byte {end:,}, behind the end of the file")
    header = _header(data[8:end])
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its metadata are no text")
    _check_places(header, len(data) - end)
    if CHECKSUM in metadata:
        claimed = metadata.pop(CHECKSUM)
        view = memoryview(data)[end:]
        parts = {name: view[slice(*entry["data_offsets"])] for name, entry in header.items()}
        if _checksum(header, metadata, parts) != claimed:
            raise ValueError(
                "its checksum is wrong, so it was changed after it was written "
                f"(if that was on purpose, take {CHECKSUM!r} out of its metadata)"
            )
    return {name: _array(name, entry, data, end) for name, entry in header.items()}, metadata


def _header(text: bytes) -> dict[str, Any]:
    """The JSON of a header, in which no name stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name stands in its header twice")
        return found

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=once)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    return header


def _check_places(header: dict[str, Any], size: int) -> None:
    """Every entry has a type, a shape and a place; the places follow one another to the end."""
    reached = 0
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"{name!r} has no dtype, shape and data_offsets, or has more")
        for key in ("shape", "data_offsets"):
            numbers = entry[key]
            sound = isinstance(numbers, list) and len(numbers) <= MOST_AXES
            if not sound or not all(type(n) is int and 0 <= n < 2**63 for n in numbers):
                raise ValueError(f"{key} of {name!r} are no lengths: {str(numbers):.80}")
        if len(entry["data_offsets"]) != 2:
            raise ValueError(f"{name!r} has {len(entry['data_offsets'])} data_offsets, not 2")
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        if first != reached or last < first:
            raise ValueError(
                f"{name!r} has the bytes {first:,} to {last:,}, expected them from {reached:,}"
            )
        reached = last
    if reached != size:
        raise ValueError(f"its header speaks of {reached:,} bytes of data, but there are {size:,}")


def _array(name: str, entry: dict[str, Any], data: bytes, start: int) -> np.ndarray:
    """One array, in memory of its own."""
    kind, shape, (first, last) = entry["dtype"], entry["shape"], entry["data_offsets"]
    dtype = np.dtype("<u2") if kind == "BF16" else TYPES.get(kind if isinstance(kind, str) else "")
    if dtype is None:
        raise NotImplementedError(
            f"{name!r} is of type {str(kind):.40}, which NumPy has not: "
            "convert it to float32 where it was made"
        )
    if prod(shape) * dtype.itemsize != last - first:
        raise ValueError(
            f"{name!r} of shape {tuple(shape)} and type {kind} "
            f"does not fill its {last - first:,} bytes"
        )
    flat = np.frombuffer(data, dtype, prod(shape), start + first)
    if kind == "BF16":  # the upper half of a float32
        flat = (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if kind == "BOOL" and flat.view(np.uint8).max(initial=0) > 1:
        raise ValueError(f"{name!r} holds bytes that are no truth values")
    try:
        return flat.reshape(shape).astype(dtype.newbyteorder("=") if kind != "BF16" else np.float32)
    except ValueError as error:
        raise ValueError(f"{name!r} of shape {tuple(shape)}: {error}") from None
