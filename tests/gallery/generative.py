"""Examples of the gallery: generative models, reinforcement learning and beyond."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

CASES: dict[str, Case] = {
    "vae": (
        {"updates": 400, "samples": 10},
        lambda r: r["bound with 8 numbers, nats"] < r["baseline: nats, each pixel by itself"] - 1
        and r["-log p(x) with 8 numbers, nats"] < r["bound with 8 numbers, nats"],
    ),
    "gan": (
        {"total": 1200, "batch": 64, "lr_made": 1e-3, "lr_judged": 2e-3},
        lambda r: r["clouds found of 8"] >= 3 > r["baseline: clouds found, one Gaussian"]
        and r["share near a cloud"] > 2 * r["baseline: share near, one Gaussian"]
        and 0.7 < r["loss of the discriminator, last tenth"] < r["chance: loss of the discriminator, log 4"],
    ),
    "dcgan": (
        {"total": 100, "batch": 32},
        lambda r: r["inception score (10 at most)"] > 1.3 * r["chance: inception score, noise"]
        and r["Frechet distance"] < 0.4 * r["chance: Frechet distance, noise"],
    ),
    "wgan_gp": (
        {"total": 220, "hidden": 32, "batch": 64, "lr": 1e-3, "lr_critic": 4e-3},
        lambda r: r["distance to real points"] < 0.7 * r["chance: distance, untrained"]
        and 0.7 < r["slope of the critic"] < 1.3 < 0.1 * r["baseline: slope, without the penalty"],
    ),
    "three_dimensional_gan": (
        {"total": 150, "width": 8, "batch": 16},
        lambda r: r["overlap with real shapes"] > 1.1 * r["chance: overlap, voxels by themselves"],
    ),
    "policy_gradient": (
        {"pushes_in_all": 25_000, "longest": 200},
        lambda r: r["steps, R"] < 0.8 * r["steps, G - b"]
        and r["steps, G - b"] > 2 * r["baseline: steps, push to where the pole leans"],
    ),
    "deep_q_learning": ({"steps": 800}, lambda r: r["steps, both"] > 2 * r["chance: steps, random pushes"]),
    "policy_optimisation": (
        {"updates": 14, "epochs": 6},
        lambda r: r["steps, PPO"] > 2 * r["baseline: steps, push to where the pole leans"]
        and r["steps, PPO"] > r["steps, one step"],
    ),
    "tic_tac_toe": (
        {"updates": 1500},
        lambda r: r["share of right moves"] > r["baseline: share of right moves, win or block"],
    ),
    "maml": (
        {"updates": 400},
        lambda r: r["error after 1 step"] < 0.8 * r["error after 0 steps"]
        and r["error after 1 step"] < r["baseline: after 1 step, all curves at once"],
    ),
    "physics_informed": (
        {"updates": 350, "nu": 0.3, "layers": 2, "points": 64},
        lambda r: r["relative error"] < 0.5 * r["baseline: relative error, start and ends alone"],
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    (
        "vae", {"data": SHARED / "mnist", "updates": 150, "samples": 2},
        lambda r: r["bound with 8 numbers, nats"] < 0.9 * r["baseline: nats, each pixel by itself"],
    ),
]  # fmt: skip
