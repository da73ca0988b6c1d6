"""The report of a shard: lines of JSON, each written at once, so that a process that is ended leaves what it has found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def of_shard(items: Sequence[Any], shard: str) -> list[Any]:
    """Every n-th item, from the k-th on, for the shard "k/n".

    >>> of_shard("abcdefg", "1/3")
    ['b', 'e']
    """
    k, n = map(int, shard.split("/"))
    return list(items[k::n])


class Report:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8")

    def _line(self, entry: dict[str, Any]) -> None:
        print(json.dumps(entry), file=self.file, flush=True)

    def total(self, count: int) -> None:
        self._line({"total": count})

    def test(self, name: str, outcome: str, why: str) -> None:
        self._line({"name": name, "outcome": outcome, "why": " ".join(why.split())[:300]})

    def end(self) -> None:
        self._line({"ended": True})
        self.file.close()
