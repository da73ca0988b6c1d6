"""Examples of the gallery: convolution."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase, first, percent

CASES: dict[str, Case] = {
    "locality": (
        {"epochs": 3, "filters": 12, "largest": 100},
        lambda r: (
            r["weights at side 100, local"] == 100 * 100**2
            and r["weights at side 100, convolution"] == 10_000
            and r["weights at side 40, dense"] == 40**4
            and r["eyes found by one filter"] > 0.8
            and min(r[f"accuracy moved by 3, convolution, {p} pooling"] for p in ("max", "average", "sum")) > 0.5
            and r["accuracy moved by 3, dense"] < 0.3 < 0.8 < r["accuracy in the middle, dense"]
        ),
    ),
    "convolution_by_hand": (
        {},
        lambda r: (
            r["nine sums"] == "-13 -20 -17 / -18 -24 -18 / 13 20 17"
            and all(r[name] < 1e-9 for name in r if name.startswith("largest difference"))
            and r["contrast, sharpened"] > r["contrast, original"]
        ),
    ),
    "convolution_1d": (
        {},
        lambda r: (
            r["stride 2, padding 1"] == "-1 2 2 -3"
            and r["filter 2 of size 2, stride 2, padding 1"] == "0 3 0 -3"
            and r["error of the moving average"] < 0.5 * r["baseline: error of the noisy wave"]
        ),
    ),
    "lenet": ({"epochs": 4}, lambda r: r["parameters"] == 61_706 and percent(r["test error"]) < 8),
    "alexnet": (
        {"epochs": 6, "width": 0.125},
        lambda r: (
            (r["first layer"], r["pooled"], r["parameters"]) == ("55x55x96, 34,944 weights", "27x27x96", 60_965_224)
            and r["test accuracy of the small one"] > 0.4
        ),
    ),
    "vgg": (
        {"epochs": 3},
        lambda r: (
            (r["parameters of VGG-16"], r["parameters of VGG-19"]) == (138_357_544, 143_667_240)
            and r["test accuracy of the small one"] > 0.5
        ),
    ),
    "googlenet": (
        {"epochs": 3, "width": 0.0625},
        lambda r: r["parameters"] == 6_998_552 and r["test accuracy of the small one"] > 0.4,
    ),
    "resnet": (
        {"epochs": 2, "width": 4, "size": 8},
        lambda r: (
            [r[f"parameters of ResNet-{n}"] for n in (18, 34, 50)] == [11_689_512, 21_797_672, 25_557_032]
            and r["test accuracy, 34 layers, with shortcuts"] > 0.5 > r["test accuracy, 34 layers, without"]
        ),
    ),
    "checkpoint_memory": (
        {"batch": 512},
        lambda r: (
            r["gradients are the same"]
            and r["peak of a step in megabytes, checkpointed"] < r["peak of a step in megabytes, kept"]
        ),
    ),
    "transfer_learning": (
        {"steps": 100, "repeats": 1},
        lambda r: r["frozen layers, 2 of each"] > r["from nothing, 2 of each"] > 0.1,
    ),
    "saliency": ({"steps": 120}, lambda r: r["test accuracy"] > 0.6 and r["class activation points at the digit"] > 0.8),
    "style_transfer": (
        {"steps": 20, "size": 48},
        lambda r: float(first(r, "distance").split(", ")[1]) < 0.3 * float(first(r, "distance").split(", ")[0]),
    ),
    "multi_task": ({"epochs": 30}, lambda r: r["digits right, both"] > 0.3 and r["mean error in degrees, both"] < 15),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("lenet", {"data": SHARED / "mnist", "epochs": 1}, lambda r: percent(r["test error"]) < 10),
]
