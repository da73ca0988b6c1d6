"""Examples of the gallery: practice."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "save_and_restore": ({"epochs": 2}, lambda r: r["resumed training ends bit for bit the same"]),
    "tensorboard_logs": ({"epochs": 1}, lambda r: r["files of events"] == 2),
    "input_pipeline": ({"batches": 6}, lambda r: r["the same batches in the same order"]),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
