"""The gallery: every example runs in a small setting, and has learned what chance cannot reach."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import minigrad

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples"
SHARED = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("matplotlib", "sklearn", "PIL", "scipy", "tqdm")),
    reason="the examples need matplotlib, scikit-learn, pillow, scipy and tqdm",
)

Results = dict[str, Any]


def percent(text: str) -> float:
    return float(text.rstrip("%"))


def first(results: Results, start: str) -> Any:
    """The first result whose name begins so."""
    return next(value for name, value in results.items() if name.startswith(start))


#: For each example a small setting, and what it must have reached.
CASES: dict[str, tuple[dict[str, Any], Callable[[Results], Any]]] = {
    "tanh_derivatives": ({}, lambda r: r["largest relative error"] < 1e-9),
    "rosenbrock": ({"steps": 300}, lambda r: r["newton: steps to 0.001"] < 10 and r["lbfgs: steps to 0.001"] < 50),
    "custom_op": ({}, lambda r: r["agrees with finite differences, first and second order"]),
    "ode_solver": ({"steps": 40}, lambda r: r["largest relative error of a parameter"] < 0.45),
    "fluid": ({"iterations": 25, "steps": 6, "scale": 3}, lambda r: r["error"] < 0.5 * r["error without a stir"]),
    "hessian_free": ({"updates": 6, "products": 10}, lambda r: r["error"] < 0.8 * r["error of gradient descent"]),
    "hopfield": ({}, lambda r: r["pixels right after recall"] > 0.95 and r["kept at 0.05 patterns for each unit"] == 1),
    "linear_regression": ({}, lambda r: r["R^2 on 100 others"] > 0.5 and r["largest difference from the closed form"] < 1e-8),
    "logistic_regression": ({}, lambda r: r["accuracy on 169 others"] > 0.94),
    "softmax_regression": ({"epochs": 10}, lambda r: r["test accuracy"] > 0.93),
    "kmeans": ({}, lambda r: r["of their cluster's digit"] > 0.8),
    "nearest_neighbour": ({}, lambda r: r["test accuracy"] > 0.97),
    "mlp_digits": ({"epochs": 15}, lambda r: r["test accuracy"] > 0.95),
    "bag_of_words": ({"epochs": 6}, lambda r: r["test accuracy"] > 0.8),
    "bias_variance": ({"steps": 100, "trials": 3}, lambda r: float(first(r, "best error").split(",")[0]) < 0.4),
    "optimizer_paths": ({}, lambda r: r["momentum: steps until it left the saddle"] < r["SGD: steps until it left the saddle"]),
    "schedules": ({"epochs": 6}, lambda r: r["cosine: test accuracy"] > 0.93),
    "rbm": ({"epochs": 10}, lambda r: r["reconstruction error"] < 0.08 and first(r, "free energy") > 10),
    "deep_belief_network": (
        {"epochs": 40, "pretraining": 15, "hidden": 64, "depth": 2},
        lambda r: percent(r["test error, autoencoders"]) < 12 and percent(r["test error, DBN"]) < 15,
    ),
    "sparse_autoencoder": (
        {"steps": 600},
        lambda r: r["share of the variance lost"] < 0.5 and r["share of units that speak"] < 0.35,
    ),
    "convolution_by_hand": ({}, lambda r: r["worked example"] == "-13 -20 -17 / -18 -24 -18 / 13 20 17"),
    "convolution_1d": ({}, lambda r: r["stride 2, padding 1"] == "-1 2 2 -3"),
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
    "transfer_learning": (
        {"steps": 100, "repeats": 1},
        lambda r: r["frozen layers, 2 of each"] > r["from nothing, 2 of each"] > 0.1,
    ),
    "style_transfer": (
        {"steps": 20, "size": 48},
        lambda r: float(first(r, "distance").split(", ")[1]) < 0.3 * float(first(r, "distance").split(", ")[0]),
    ),
    "saliency": ({"steps": 120}, lambda r: r["test accuracy"] > 0.6 and r["class activation points at the digit"] > 0.8),
    "word2vec": ({"steps": 2500}, lambda r: r["king - man + woman"] == "queen" and r["analogies solved"] > 0.8),
    "glove": ({"steps": 3000}, lambda r: r["analogies solved"] > 0.6),
    "sentiment": ({"epochs": 3}, lambda r: r["test accuracy, Convolution"] > 0.95 > r["test accuracy, Bag"] > 0.7),
    "document_classes": ({"epochs": 12}, lambda r: r["test accuracy"] > 0.75 > 2 * r["share of the largest class"]),
    "five_patterns": ({"steps": 200, "hidden": 32}, lambda r: r["OneToMany: right"] > 0.95 and r["ManyToOne: right"] > 0.8),
    "elman_jordan": ({"steps": 250}, lambda r: 1 < float(first(r, "Elman").split(",")[0]) < 1.3 > float(first(r, "Elman")[-4:])),
    "hello": ({}, lambda r: r["written after h"] == "hello"),
    "char_language_model": ({"updates": 300, "hidden": 64}, lambda r: r["test loss in nats"] < 0.6 * r["before training"]),
    "word_language_model": ({"updates": 350}, lambda r: r["test perplexity"] < 0.8 * r["by frequencies alone"]),
    "names": ({"epochs": 3}, lambda r: r["test accuracy"] > 0.9),
    "tagging": ({"epochs": 2}, lambda r: r["accuracy from both sides"] > 0.98 > r["accuracy from the left alone"] > 0.85),
    "learning_to_execute": ({"steps": 200, "hidden": 64, "digits": 1}, lambda r: r["characters right"] > 0.4),
    "music": ({"epochs": 3, "tunes": 600, "hidden": 64}, lambda r: r["nats for each letter"] < 1.6),
    "long_lags": (
        {"steps": 250, "lags": 20},
        lambda r: r["LSTM: accuracy at 20 steps"] > 0.9 > 0.6 > r["RNN: accuracy at 20 steps"],
    ),
    "cells": ({"updates": 300, "hidden": 64}, lambda r: abs(float(r["position in line: correlation"])) > 0.3),
    "mnist_rows": ({"epochs": 5}, lambda r: all(value > 0.8 for value in r.values())),
    "padding": ({"sequences": 96}, lambda r: r["largest difference of the results"] < 1e-5),
    "number_phrases": ({"steps": 500, "hidden": 96}, lambda r: first(r, "exact") > 0.8),
    "attention": ({"steps": 150, "hidden": 48}, lambda r: r["exact, additive"] > 0.6),
    "gnmt": ({"steps": 80, "layers": 3}, lambda r: r["exact, 3 layers, residual"] > 0.1),
    "beam_search": ({"models": 60}, lambda r: r["found, greedy"] < r["found, beam of 2"] <= r["found, beam of 8"] == 1),
    "encoder_decoder_graph": ({}, lambda r: r["steps"] > 100),
    "translation": ({"updates": 300}, lambda r: r["BLEU on sentences never seen"] > 60),
    "captioning": ({"steps": 80, "scenes": 900}, lambda r: r["BLEU, show, attend and tell"] > 30),
    "transformer": ({"steps": 150, "batch": 32}, lambda r: first(r, "exact") > 0.2),
    "autoencoder": ({"epochs": 40}, lambda r: r["error on digits never seen"] < r["error of principal components"]),
    "vae": ({"epochs": 30}, lambda r: r["bound on test digits, nats"] < 28 < r["before training"]),
    "gan": ({"steps": 1500}, lambda r: r["clouds found of 8"] >= 4),
    "dcgan": ({"steps": 120}, lambda r: first(r, "inception") > 1.2 * r["of noise"]),
    "wgan_gp": ({"steps": 400}, lambda r: r["real to the nearest made one"] < 0.35 and 0.7 < r["slope of the critic"] < 1.3),
    "policy_gradient": ({"updates": 35}, lambda r: r["steps, mean of 100 carts"] > 120 > 3 * r["steps before training"]),
    "multi_task": ({"epochs": 30}, lambda r: r["digits right, both"] > 0.3 and r["mean error in degrees, both"] < 15),
    "maml": (
        {"updates": 300},
        lambda r: r["error after 1 steps, MAML"] < 0.6 * r["error after 0 steps, MAML"]
        and r["error after 1 steps, MAML"] < r["error after 1 steps, trained on all curves"],
    ),
    "physics_informed": ({"steps": 600}, lambda r: r["relative error"] < 0.08),
    "save_and_restore": ({"epochs": 2}, lambda r: r["resumed training ends bit for bit the same"]),
    "tensorboard_logs": ({"epochs": 1}, lambda r: r["files of events"] == 2),
    "input_pipeline": ({"batches": 6}, lambda r: r["the same batches in the same order"]),
    "checkpoint_memory": (
        {"batch": 512},
        lambda r: (
            r["gradients are the same"]
            and r["peak of a step in megabytes, checkpointed"] < r["peak of a step in megabytes, kept"]
        ),
    ),
}  # fmt: skip


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The module `examples.__main__`, in a folder of its own."""
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.chdir(tmp_path)
    limits = importlib.import_module("threadpoolctl").threadpool_limits  # which scikit-learn brings
    with limits(1):  # as many tests as cores run at a time
        yield importlib.import_module("examples.__main__")


@pytest.mark.parametrize("name", CASES)
def test_an_example_learns(name: str, gallery: Any, tmp_path: Path) -> None:
    settings, reached = CASES[name]
    minigrad.random.manual_seed(0)
    results = gallery.load(name).main(**settings)
    assert reached(results), results
    for picture in tmp_path.glob("out/*.png"):
        assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared data sets")
@pytest.mark.parametrize(
    ("name", "settings", "reached"),
    [
        ("bag_of_words", {"data": SHARED / "rt-polarity", "epochs": 5}, lambda r: r["test accuracy"] > 0.7),
        ("lenet", {"data": SHARED / "mnist", "epochs": 1}, lambda r: percent(r["test error"]) < 10),
        ("softmax_regression", {"data": SHARED / "mnist", "epochs": 3}, lambda r: r["test accuracy"] > 0.85),
        ("nearest_neighbour", {"data": SHARED / "mnist"}, lambda r: r["test accuracy"] > 0.92),
        ("kmeans", {"data": SHARED / "mnist", "steps": 8}, lambda r: r["of their cluster's digit"] > 0.55),
        (
            "autoencoder",
            {"data": SHARED / "mnist", "epochs": 3},
            lambda r: r["error on digits never seen"] < r["error of principal components"],
        ),
        ("rbm", {"data": SHARED / "mnist", "epochs": 1}, lambda r: first(r, "free energy") > 20),
        ("vae", {"data": SHARED / "mnist", "epochs": 2}, lambda r: r["bound on test digits, nats"] < 230 < r["before training"]),
        ("mnist_rows", {"data": SHARED / "mnist", "epochs": 1}, lambda r: r["test accuracy, LSTM"] > 0.8),
        ("mlp_digits", {"data": SHARED / "mnist", "epochs": 4, "hidden": 128}, lambda r: r["test accuracy"] > 0.92),
        ("names", {"data": SHARED / "names", "epochs": 1}, lambda r: r["test accuracy"] > 0.6),
        ("char_language_model", {"data": SHARED / "tinyshakespeare.txt", "updates": 300}, lambda r: r["test loss in nats"] < 2.6),
        (
            "word_language_model",
            {"data": SHARED / "wikitext-2", "updates": 300, "max_words": 2000},
            lambda r: r["test perplexity"] < 300,
        ),
        ("translation", {"data": SHARED / "eng-fra.txt", "updates": 400}, lambda r: r["BLEU on sentences never seen"] > 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_example_learns_from_real_data(name: str, settings: dict[str, Any], reached: Any, gallery: Any) -> None:
    results = gallery.load(name).main(**settings)
    assert reached(results), results


def test_every_script_is_in_the_table_and_tested(gallery: Any) -> None:
    listed = " ".join(gallery.SECTIONS.values()).split()
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"__main__", "shared", "quickstart"}
    assert set(listed) == scripts == set(CASES)
    assert len(listed) == len(set(listed))
    table = (FOLDER / "README.md").read_text()
    assert [name for name in listed if f"({name}.py)" not in table] == []


def test_the_command_lists_and_runs() -> None:
    run = [sys.executable, "-m", "examples"]
    shown = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Sequence to sequence" in shown
    assert "  hello " in shown
    out = subprocess.run([*run, "convolution_1d"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "stride 1, padding 0: -2 2 1 2 1" in out
    wrong = subprocess.run([*run, "nothing"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "there is no example 'nothing'" in wrong.stderr
