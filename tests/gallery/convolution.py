"""Examples of the gallery: convolution."""

from __future__ import annotations

from .settings import SHARED, Case, RealCase

CASES: dict[str, Case] = {
    "traditional_pipeline": (
        {"train": 500, "test": 200, "words": 50, "epochs": 6},
        lambda r: (
            r["accuracy, CNN, end to end"] > 1.5 * r["chance: the commonest label"]
            and r["accuracy, histograms, k-means"] > 1.3 * r["baseline: pixels"]
            and r["accuracy, histograms"] > r["baseline: pixels"] > r["chance: the commonest label"]
        ),
    ),
    "locality": (
        {"epochs": 3, "filters": 12, "largest": 100},
        lambda r: (
            r["weights at side 100, local"] == 100 * 100**2
            and r["weights at side 100, convolution"] == 10_000
            and r["weights at side 100, dense"] == 100**4
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
    "lenet": (
        {"epochs": 9, "scenes": 1600},
        lambda r: (
            r["parameters"] == 61_706
            and r["test error"] < r["baseline: test error of the nearest neighbours"] - 0.02
            and r["test error"] < r["baseline: test error of a linear layer"] - 0.3
        ),
    ),
    "alexnet": (
        {"epochs": 7, "scenes": 1000, "pieces": 0},
        lambda r: (
            (r["CONV1: output volume"], r["POOL1: output volume"]) == ("55x55x96", "27x27x96")
            and (r["CONV1: weights"], r["POOL1: parameters"], r["parameters in all"]) == (34_848, 0, 60_965_224)
            and r["test accuracy of the small one"] > r["baseline: test accuracy of a linear layer"]
        ),
    ),
    "vgg": (
        {"epochs": 6, "scenes": 800, "pieces": 0, "width": 0.1},
        lambda r: (
            (r["parameters of VGG-16"], r["parameters of VGG-19"]) == (138_357_544, 143_667_240)
            and r["test accuracy of the small one"] > r["baseline: test accuracy of a linear layer"]
        ),
    ),
    "googlenet": (
        {"epochs": 5, "scenes": 800, "pieces": 0},
        lambda r: (
            r["parameters"] == 6_998_552
            and r["test accuracy of the small one"] > r["baseline: test accuracy of a linear layer"]
        ),
    ),
    "resnet": (
        {"epochs": 3, "scenes": 600, "width": 4, "size": 12, "pieces": 0},
        lambda r: (
            [r[f"parameters of ResNet-{n}"] for n in (18, 34, 50)] == [11_689_512, 21_797_672, 25_557_032]
            and r["test accuracy, 34 layers, residual"] > 0.05 + r["test accuracy, 34 layers, plain"]
        ),
    ),
    "memory_of_fifty_layers": (
        {"size": 64},
        lambda r: (
            r["weights"] == 25_557_032
            and r["activations, convolutions and blocks"] > 1e6
            and 4e-6 * r["activations, convolutions and blocks"]
            < r["megabytes that a forward pass keeps, measured, per image"]
            < 4e-6 * r["numbers put out by all layers"]
        ),
    ),
    "checkpoint_memory": (
        {"layers": 36, "batch": 1024},
        lambda r: (
            r["gradients are the same"]
            and abs(r["megabytes after the forward pass, all kept"] / r["megabytes by the formula, all kept"] - 1) < 0.1
            and r["megabytes at the peak, checkpoints"] < 0.6 * r["megabytes at the peak, all kept"]
        ),
    ),
    "transfer_learning": (
        {"steps": 56, "repeats": 1},
        lambda r: (
            r["accuracy, 20 of each, fine-tuned"]
            > 0.08 + max(r[f"accuracy, 20 of each, {way}"] for way in ("all frozen", "from nothing"))
            and r["accuracy, 20 of each, convolutions frozen"] > 0.05 + r["accuracy, 20 of each, all frozen"]
            and r["accuracy, 20 of each, all frozen"] > r["chance: accuracy, the commonest"] + 0.1
        ),
    ),
    "fully_convolutional": (
        {"scenes": 400, "updates": 60},
        lambda r: (
            min(r["mean IU, with skips"], r["mean IU, without skips"]) > r["baseline: mean IU, all background"] + 0.03
            and r["foreground IU, with skips"] > r["foreground IU, without skips"] + 0.05
        ),
    ),
    "saliency": (
        {"scenes": 500, "epochs": 6, "size": 24, "pieces": 3},
        lambda r: (
            r["accuracy"] > 2 * r["chance: the commonest digit"]
            and r["points at the digit, saliency"] > r["chance: share of the image in the box"] + 0.2
            and r["points at the digit, class activation"] > r["chance: share of the image in the box"] + 0.1
        ),
    ),
    "activation_maximisation": (
        {"scenes": 500, "epochs": 4, "updates": 40},
        lambda r: (
            r["probability of the class, jitter, blur"] > 3 * r["baseline: probability before climbing"]
            and r["right for the judge, jitter, blur"] > r["chance: right for the judge"] + 0.2
        ),
    ),
    "style_transfer": (
        {"updates": 30, "size": 48},
        lambda r: (
            r["distance to the style"] < 0.6 * r["baseline: colours alone"] < 0.6 * r["baseline: the content itself"]
            and r["distance to the content"] < 0.3 * r["baseline: of the style to the content"]
        ),
    ),
    "multi_task": (
        {"steps": 300},
        lambda r: r["accuracy, both"] > 0.02 + r["accuracy, digit alone"] > r["chance: accuracy"] + 0.2
        and r["error of a pixel, both"] < 0.8 * r["baseline: error of a pixel of the mean digit"],
    ),
}  # fmt: skip

#: The same from real data.
REAL: list[RealCase] = [
    ("lenet", {"data": SHARED / "mnist", "epochs": 1}, lambda r: r["test error"] < 0.1),
]
