"""Numbers from CSV files.

A field that is missing, no number, or too large for its type is an error with file and line.
"""

from __future__ import annotations

import csv
import os
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from math import isfinite, isnan, nan
from typing import Any, NamedTuple

import numpy as np

__all__ = ["read_csv"]

#: The characters of a line: a million columns fit in, and a file of one endless line does not fill
#: the memory.
LONGEST_LINE = 1 << 24


def read_csv(
    path: str | os.PathLike[str], target: str | int | None = None, header: bool = True,
    delimiter: str = ",", dtype: Any = np.float64, allow_nan: bool = False, encoding: str = "utf-8",
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:  # fmt: skip
    """Numbers from a CSV file: (features (N, F), targets (N,) or None, names of the features).

    Args:
        path: the file.
        target: the name or number (-1: the last) of the column of targets; None: there is none.
            Text there becomes class numbers, in alphabetical order.
        header: whether the first row has the names of the columns; False: it is data, and the
            names are "0", "1" ...
        delimiter: the one character between fields, ";" say.
        dtype: of the features; a number that it cannot hold, such as 1.7 among integers, is an
            error.
        allow_nan: empty fields and "nan" are NaN, and "inf" is infinite, in place of an error.
        encoding: of the text, "latin-1" say.

    Raises:
        ValueError: with file, line and column, where a field is no number, is missing, NaN or
            infinite, where a line is shorter or longer than others, two columns have one name, or
            the text is in another encoding.
    """
    kind = _numbers_of(np.dtype(dtype), allow_nan)
    where = _Place(os.fspath(path))
    rows = _rows(where, delimiter, encoding)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{path} holds no rows")
    names = [name.strip() for name in first] if header else [str(i) for i in range(len(first))]
    twice = [name for name, n in Counter(names).items() if n > 1 and name]
    if twice:
        raise ValueError(f"{path} has two columns of the name {twice[0]!r}: give each its own")
    column = None if target is None else _column(path, names, target)
    values = array(kind.code)
    targets: list[tuple[int, str]] = []
    count = 0
    for row in rows if header else _with(first, rows):
        if len(row) != len(names):
            raise ValueError(f"{where}: {len(row)} fields, but there are {len(names)} columns")
        count += 1
        for i, field in enumerate(row):
            if i == column:
                targets.append((where.line, field.strip()))
            else:
                values.append(_number(field, kind, where, names[i]))
    if not count:
        raise ValueError(f"{path} holds no rows")
    kept = [name for i, name in enumerate(names) if i != column]
    features = np.array(values).reshape(count, len(kept)).astype(kind.dtype)
    if column is None:
        return features, None, kept
    return features, _targets(targets, where, names[column], allow_nan), kept


class _Place:
    """Where the reader is, for messages: "file.csv, line 3"."""

    def __init__(self, path: str) -> None:
        self.path, self.line = path, 1

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}"


def _with(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rows


def _rows(where: _Place, delimiter: str, encoding: str) -> Iterator[list[str]]:
    """The rows that are not empty; `where` goes along."""
    name = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    with open(where.path, newline="", encoding=name, errors="surrogateescape") as file:
        lines = iter(lambda: file.readline(LONGEST_LINE + 1), "")
        reader = csv.reader(_decoded(lines, where, encoding), delimiter=delimiter, strict=True)
        while True:
            where.line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise ValueError(f"{where}: {error}") from error
            except UnicodeError as error:
                raise ValueError(f"{where} is not {encoding}: {error}") from error
            if row is None:
                return
            if row:
                yield row


def _decoded(lines: Iterable[str], where: _Place, encoding: str) -> Iterator[str]:
    """Lines, of which each byte was text in that encoding."""
    for line in lines:
        if len(line) > LONGEST_LINE:
            raise ValueError(f"{where}: the line has more than {LONGEST_LINE:,} characters")
        if not line.isascii():
            stray = next((c for c in line if "\udc80" <= c <= "\udcff"), None)
            if stray is not None:
                byte = ord(stray) - 0xDC00
                raise ValueError(
                    f"{where}: byte {byte:#x} is not {encoding}; "
                    "pass its encoding (encoding='latin-1', say)"
                )
        yield line


def _column(path: Any, names: list[str], target: str | int) -> int:
    """The number of a column that is given by name or by number."""
    number: Any = names.index(target) if target in names else target
    is_number = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not is_number or not -len(names) <= number < len(names):
        raise ValueError(f"{path} has no column {target!r}; it has {', '.join(names)}")
    return int(number) % len(names)


class _Numbers(NamedTuple):
    """What the features may be.

    Attributes:
        code: how they are kept until their number is known, in the codes of `array`.
        low, high: the smallest and the largest one.
        allow_nan: whether some may be missing or infinite.
    """

    dtype: np.dtype[Any]
    code: str
    low: float
    high: float
    allow_nan: bool


def _numbers_of(dtype: np.dtype[Any], allow_nan: bool) -> _Numbers:
    if dtype.kind == "f":
        largest = float(np.finfo(dtype).max)
        return _Numbers(dtype, "d", -largest, largest, allow_nan)
    if dtype.kind == "b":
        return _Numbers(dtype, "q", 0, 1, allow_nan)
    if dtype.kind not in "iu":
        raise TypeError(f"read_csv: dtype must be a floating, integer or bool type, got {dtype}")
    limits = np.iinfo(dtype)
    return _Numbers(
        dtype, "q" if dtype.kind == "i" else "Q", int(limits.min), int(limits.max), allow_nan
    )


def _number(field: str, kind: _Numbers, where: _Place, name: str) -> Any:
    """A field as a number of a kind."""
    if kind.code == "d":
        value = _float(field, kind.allow_nan)
        if value is None:
            raise ValueError(f"{where}, column {name!r}: {field!r} is not a number")
        if not isfinite(value):
            if kind.allow_nan:
                return value
            found = "NaN" if isnan(value) else "infinite"
            raise ValueError(f"{where}, column {name!r} is {found}; pass allow_nan=True to keep it")
    else:
        value = _whole(field)
        if value is None:
            raise ValueError(
                f"{where}, column {name!r}: {field!r} is not a whole number, "
                f"which {kind.dtype} needs"
            )
    if not kind.low <= value <= kind.high:
        raise ValueError(
            f"{where}, column {name!r}: {field.strip()} does not fit into {kind.dtype}"
        )
    return value


def _float(field: str, allow_nan: bool = False) -> float | None:
    """A field as a floating number; None where it is none (1_000 is Python's way, not a file's)."""
    if allow_nan and not field.strip():
        return nan
    try:
        return None if "_" in field else float(field)
    except ValueError:
        return None


def _whole(field: str) -> int | None:
    """A field as a whole number, exactly; also one written as 3.0 or 1e3."""
    value = _float(field)
    if value is None or not isfinite(value):
        return None
    exact = Decimal(field)  # a float has 53 bits only
    whole = int(exact)
    return whole if exact == whole else None


def _targets(
    fields: list[tuple[int, str]], where: _Place, name: str, allow_nan: bool
) -> np.ndarray:
    """Numbers where all are numbers, class numbers otherwise."""
    numbers = [_float(field, allow_nan) for _, field in fields]
    text = next((i for i, value in enumerate(numbers) if value is None and fields[i][1]), None)
    for (line, field), value in zip(fields, numbers, strict=True):
        where.line = line
        if not field and (text is not None or not allow_nan):
            raise ValueError(f"{where}, column {name!r}: the target is missing")
        if (
            text is not None
            and value is not None
            and (isnan(value) or (isfinite(value) and value != int(value)))
        ):
            where.line, field = fields[text][0], fields[text][1]
            raise ValueError(
                f"{where}, column {name!r}: {field!r} is not a number, but line {line} has {value}"
            )
        if (
            text is None
            and value is not None
            and not isfinite(value)
            and not (allow_nan and isnan(value))
        ):
            found = "NaN" if isnan(value) else "infinite"
            raise ValueError(f"{where}, column {name!r}: the target is {found}")
    if text is not None:
        return np.unique([field for _, field in fields], return_inverse=True)[1]
    wholes = [_whole(field) for _, field in fields]
    if all(n is not None and -(2**63) <= n < 2**63 for n in wholes):
        return np.array(wholes, np.int64)
    return np.array(numbers, np.float64)
