"""python -m examples: list the examples; NAME [OPTIONS]: run one; table [NAMES]: run them or all, and write README.md."""

from __future__ import annotations

import importlib
import inspect
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import minigrad

FOLDER = Path(__file__).parent

#: The course, in order.
SECTIONS = {
    "Automatic differentiation": "tanh_derivatives rosenbrock custom_op ode_solver fluid hessian_free hopfield",
    "Linear and shallow": (
        "linear_regression logistic_regression softmax_regression kmeans nearest_neighbour mlp_digits bag_of_words bias_variance"
    ),
    "Optimizers": "optimizer_paths schedules",
    "Unsupervised pretraining": "rbm deep_belief_network sparse_autoencoder",
    "Convolution": (
        "convolution_by_hand convolution_1d lenet alexnet vgg googlenet resnet transfer_learning style_transfer saliency"
    ),
    "Text and embeddings": "word2vec glove sentiment document_classes",
    "Recurrent": (
        "five_patterns elman_jordan hello char_language_model word_language_model names tagging learning_to_execute music "
        "long_lags cells mnist_rows padding"
    ),
    "Sequence to sequence": (
        "number_phrases attention gnmt beam_search encoder_decoder_graph translation captioning transformer"
    ),
    "Generative and beyond": "autoencoder vae gan dcgan wgan_gp policy_gradient multi_task maml physics_informed",
    "Practice": "save_and_restore tensorboard_logs input_pipeline checkpoint_memory",
}


def load(name: str) -> Any:
    """The module of an example, as if it was run from its folder."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def line(module: Any) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(module) or "").splitlines()[0]


def row(name: str) -> str:
    """Run an example in its default setting: its line of the table."""
    module = load(name)
    print(f"--- {name}")
    minigrad.random.manual_seed(0)
    started = time.perf_counter()
    results = module.main()
    seconds = time.perf_counter() - started
    shown = ""
    if (drawn := Path("out", f"{name}.png")).exists():
        shutil.copy(drawn, FOLDER / "pictures" / f"{name}.png")
        shown = f'<img src="pictures/{name}.png" width="160" alt="">'
    reached = "<br>".join(f"{k}: {f'{v:.4g}' if isinstance(v, float) else v}" for k, v in results.items())
    return f"| {shown} | [{name}]({name}.py): {line(module)} | {reached} | {getattr(module, 'PUBLISHED', '')} | {seconds:.0f} s |"


def table(names: list[str]) -> None:
    """Write examples/README.md: run these examples, or all; the lines of the others stay."""
    path = FOLDER / "README.md"
    old = path.read_text().splitlines() if names and path.exists() else []
    lines = [
        "# The gallery", "",
        "Each script runs without arguments in about a minute on two cores: `python examples/NAME.py`, or",
        "`python -m examples NAME`. `--full` is the published setting, `--data PATH` takes the real data, `--help` lists the",
        "options; pictures go to `out/`. They need `pip install \".[examples]\"`.",
        "This table is written by `python -m examples table`: the numbers were measured in that run, on two cores.", "",
        "To begin with, [quickstart.py](quickstart.py), and three [notebooks](notebooks).",
    ]  # fmt: skip
    for section, members in SECTIONS.items():
        lines += ["", f"## {section}", "", "| | example | reached | published | time |", "|---|---|---|---|---|"]
        for name in members.split():
            kept = [text for text in old if f"]({name}.py)" in text]
            lines.append(kept[0] if kept and name not in names else row(name))
    path.write_text("\n".join(lines) + "\n")


def main(argv: list[str]) -> None:
    if argv[:1] == ["table"]:
        table(argv[1:])
    elif argv:
        names = " ".join(SECTIONS.values()).split()
        if argv[0] not in names:
            raise SystemExit(f"there is no example {argv[0]!r}; python -m examples lists them")
        module = load(argv[0])
        load("shared").run(module.main, argv[1:])
    else:
        for section, names in SECTIONS.items():
            print(f"\n{section}")
            for name in names.split():
                print(f"  {name:<24} {line(load(name))}")


if __name__ == "__main__":
    main(sys.argv[1:])
