"""Examples of the gallery: generative models, reinforcement learning and beyond."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first

CASES: dict[str, Case] = {
    "vae": ({"epochs": 30}, lambda r: r["bound on test digits, nats"] < 28 < r["before training"]),
    "gan": ({"steps": 1500}, lambda r: r["clouds found of 8"] >= 4),
    "dcgan": ({"steps": 120}, lambda r: first(r, "inception") > 1.2 * r["of noise"]),
    "wgan_gp": ({"steps": 400}, lambda r: r["real to the nearest made one"] < 0.35 and 0.7 < r["slope of the critic"] < 1.3),
    "policy_gradient": ({"updates": 35}, lambda r: r["steps, mean of 100 carts"] > 120 > 3 * r["steps before training"]),
    "maml": (
        {"updates": 300},
        lambda r: r["error after 1 steps, MAML"] < 0.6 * r["error after 0 steps, MAML"]
        and r["error after 1 steps, MAML"] < r["error after 1 steps, trained on all curves"],
    ),
    "physics_informed": ({"steps": 600}, lambda r: r["relative error"] < 0.08),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("vae", {"data": SHARED / "mnist", "epochs": 2}, lambda r: r["bound on test digits, nats"] < 230 < r["before training"]),
]
