"""Examples of the gallery: practice."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "save_and_restore": (
        {"epochs": 4},
        lambda r: (
            r["resumed training ends bit for bit the same"]
            and r["restored weights give the same outputs"]
            and r["baseline: largest difference, from the weights alone"] > 0.01
            and r["test accuracy"] > 0.8
        ),
    ),
    "tensorboard_logs": (
        {"epochs": 5},
        lambda r: r["files of events"] == 1 and r["events"] == 5 * 12 + 4 and r["test accuracy"] > 0.8,
    ),
    "input_pipeline": (
        {"batches": 3, "epochs": 2},
        lambda r: (
            r["the same batches in the same order"]
            and r["test accuracy, moved digits, trained with moves"] > r["baseline: trained without moves"] + 0.1
        ),
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
