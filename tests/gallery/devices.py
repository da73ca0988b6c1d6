"""Examples of the gallery: several devices, here in one process; `tests/test_distributed_training.py` has several."""

from __future__ import annotations

from .settings import Case, RealCase

CASES: dict[str, Case] = {
    "several_devices": (
        {"processes": 1, "size": 32, "rounds": 1},
        lambda r: r["the same on two devices, bit for bit"] and r["devices"] == "cpu",
    ),
    "several_devices_cnn": (
        {"processes": 1, "epochs": 1, "scenes": 100},
        lambda r: r["largest relative difference of a loss"] < 1e-4 and r["images a second"] > 0,
    ),
    "data_parallel": (
        {"processes": 1},
        lambda r: (
            r["largest difference of a weight from one process"] == 0
            and r["the same bits from run to run"]
            and r["test accuracy"] > 0.9
        ),
    ),
    "sharded_optimizer": (
        {"processes": 1, "hidden": 32},
        lambda r: (
            r["largest difference of a weight from one process"] < 1e-5
            and r["bytes of moments in a process, at most"] == r["baseline: bytes of moments in a process, plain Adam"]
        ),
    ),
    "two_stage_pipeline": (
        {"processes": 1, "hidden": 32},
        lambda r: (
            r["largest difference of a weight from one process"] < 1e-5 < r["baseline: largest change of a weight in training"]
        ),
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = []
