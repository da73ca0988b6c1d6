"""The project as a user meets it: the quickstart, the snippets in README and docs."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .programs import load

ROOT = Path(__file__).resolve().parent.parent
TEXTS = (".py", ".pyi", ".md", ".toml", ".ipynb")
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").rglob("*.md"))


def test_the_name_of_the_distribution_is_the_same_everywhere() -> None:
    from minigrad.install import DISTRIBUTION, install

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == DISTRIBUTION
    assert f"The distribution is called `{DISTRIBUTION}`" in (ROOT / "README.md").read_text("utf-8")
    extras = project["optional-dependencies"]
    inside = [need for needs in extras.values() for need in needs if need.startswith("minigrad")]
    assert inside
    assert all(re.fullmatch(rf"{DISTRIBUTION}\[[\w,]+\]", need) for need in inside)
    assert install("scipy") == f'in the checkout of {DISTRIBUTION}, pip install ".[scipy]"'


def test_no_text_tells_to_install_what_is_not_ours() -> None:
    """`minigrad` and `nn` on the package index are other people's projects, and `minigrad-nn` is not there yet."""
    files = [p for folder in ("minigrad", "nn", "docs", "examples", "tools", "tests") for p in (ROOT / folder).rglob("*")]
    files = [p for p in (*files, *ROOT.glob("*.md"), ROOT / "pyproject.toml") if p.suffix in TEXTS]
    wrong = re.compile(r"\bminigrad\[[a-z]|pip install[^\n]*[\s\"'](?:minigrad(?:-nn)?|nn)(?![\w-])")
    lines = [(p, line) for p in files if p != Path(__file__) for line in p.read_text("utf-8").splitlines()]
    found = [f"{p}: {line}" for p, line in lines if wrong.search(line)]
    assert len(files) > 200
    assert not found, "\n".join(found)


def test_extras_that_messages_name_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    sources = "".join(p.read_text("utf-8") for folder in ("minigrad", "nn") for p in (ROOT / folder).rglob("*.py"))
    named = set(re.findall(r"\binstall\([\"'](\w+)[\"']\)", sources))
    assert {"scipy", "train", "viz"} <= named <= extras.keys()


def test_quickstart_learns_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reached = load("examples/quickstart.py").main(["--epochs", "10", "--out", str(tmp_path)])
    assert reached > 0.93
    assert (tmp_path / "graph.dot").stat().st_size > 1000
    assert (tmp_path / "tanh.png").read_bytes()[:4] == b"\x89PNG"
    if shutil.which("dot"):
        assert (tmp_path / "graph.svg").exists()
        assert (tmp_path / "graph.png").exists()
    printed = capsys.readouterr().out
    assert "graph.dot" in printed
    page = tmp_path / "digits.html"
    assert 1_000_000 < page.stat().st_size < 3_000_000
    assert f"python -m webbrowser {page.resolve().as_uri()}" in printed and str(page) in printed
    error = float(re.findall(r"largest relative error (\S+)\)", printed)[0])
    assert error < 1e-9


def test_quickstart_without_dot_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import minigrad

    quickstart = load("examples/quickstart.py")
    monkeypatch.setenv("PATH", str(tmp_path))
    x = minigrad.Tensor(1.0, requires_grad=True)
    quickstart.draw(None, x * x, tmp_path)
    assert "apt install graphviz" in capsys.readouterr().out
    assert (tmp_path / "graph.dot").exists()


def snippets() -> list[Any]:
    found = []
    for path in DOCUMENTS:
        for n, code in enumerate(re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)):
            found.append(pytest.param(code, id=f"{path.name}-{n}"))
    return found


@pytest.mark.parametrize("code", snippets())
def test_snippets_of_the_documents_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Each stands for itself; a comment `# -> text` after a line states what that expression's repr or print is.

    Those for a GPU, or for two, run on the stand-in where the machine has less.
    """
    monkeypatch.chdir(tmp_path)
    needed = ("cuda" in code) + ("cuda:1" in code)
    if needed > __import__("minigrad").cuda.device_count():
        request.getfixturevalue("two_gpus" if needed == 2 else "stand_in")
    if ".svg" in code and not shutil.which("dot"):
        pytest.skip("needs Graphviz's program dot")

    def run(lines: list[str]) -> None:
        # Without the `from __future__` of this file.
        exec(compile("\n".join(lines), "snippet", "exec", dont_inherit=True), names)

    names: dict[str, Any] = {"__name__": "snippet"}
    pending: list[str] = []
    for line in code.splitlines():
        statement, arrow, expected = line.partition("# -> ")
        if not arrow:
            pending.append(line)
            continue
        run(pending)
        pending = []
        assert repr(eval(statement.strip(), names)) == expected.strip()
    run(pending)


def test_links_of_the_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)\)", prose):
            if not target.startswith("http"):
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_reference_names_the_ops_of_which_a_function_is_made() -> None:
    generate = load("docs/generate.py")
    assert {"sort", "mean"} <= generate.ops_in(np_function("median"), set())
    assert generate.ops_in(np_function("vstack"), set()) == {"concatenate", "reshape"}
    assert "max" not in generate.ops_in(np_function("median"), set()), "that is Python's"
    assert generate.made_of(np_function("vstack")).endswith("orders and devices are theirs (its code names `concatenate`)")
    assert generate.made_of(np_function("ravel")).endswith("(its code names `reshape`)")


def test_the_reference_says_where_an_op_without_samples_gets_them() -> None:
    generate = load("docs/generate.py")
    with pytest.raises(LookupError, match=r"soft_step has no samples: add a row .* to tests/ops_table\.py"):
        generate.facts("soft_step", np.tanh)


def np_function(name: str) -> Any:
    import minigrad

    return minigrad.registered()[f"numpy.{name}"]


def test_the_reference_of_ops_is_what_the_definitions_say() -> None:
    if tuple(map(int, np.__version__.split(".")[:2])) < (2, 3):
        pytest.skip("this NumPy lacks some names of the page (NumPy 2.3 and later have them)")
    assert (ROOT / "docs" / "ops.md").read_text("utf-8") == load("docs/generate.py").page(), "run python docs/generate.py"


def test_names_in_the_reference_exist() -> None:
    text = (ROOT / "docs" / "ops.md").read_text("utf-8")
    names = re.findall(r"^\*\*\w+\*\*: (.*?);", text, re.M)
    own = [n for line in names for n in re.findall(r"`(minigrad\.[\w.]+)`", line)]
    assert len(own) > 20
    for name in own:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name


def test_every_public_name_stands_in_a_document() -> None:
    """The functions of minigrad's own modules; NumPy's constants and helpers are NumPy's to explain."""
    text = "".join(path.read_text("utf-8") for path in DOCUMENTS)
    words = set(re.findall(r"\w+", text))
    modules = ("minigrad.random", "minigrad.emath", "minigrad.polynomial", "minigrad.linalg", "minigrad.autograd")
    for module in map(importlib.import_module, modules):
        functions = {n for n in module.__all__ if callable(getattr(module, n))}
        assert functions <= words, (module.__name__, functions - words)
    assert {"r_", "c_", "sliding_window_view"} <= words


def test_every_op_states_its_formula() -> None:
    """The definition of a primitive says what it computes and what its gradient is."""
    from minigrad.primitive import registry

    for name, function in registry.items():
        if function.__module__.startswith("minigrad.") and function.op.inputs:
            doc = function.op.doc
            assert len(doc.splitlines()) > 1, f"{name} has no formula"
            assert any(mark in doc for mark in ("\nd", " d", "differentiated", "gradient")), f"{name} states no gradient"


@pytest.mark.parametrize(
    ("missing", "extra", "code"),
    [
        ("tqdm", "train", "nn.training.Trainer(model, nn.optim.SGD(model.parameters(), 0.1), nn.MSELoss()).fit(loader, 1)"),
        ("tensorboard", "tensorboard", "nn.training.SummaryWriter('unused')"),
        ("matplotlib", "viz", "nn.inspect.pyplot.pyplot()"),
        ("sklearn", "demo", "nn.data.load_sklearn('iris')"),
        ("scipy", "scipy", "minigrad.scipy.special.gammaln(minigrad.ones(2))"),
        ("cupy", "cuda12", "minigrad.ones(2).to('cuda')"),
    ],
)
def test_in_the_base_install_what_needs_more_names_its_extra(missing: str, extra: str, code: str, tmp_path: Path) -> None:
    """In a process of its own, where the package cannot be imported."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "for part in ('compat.proto.event_pb2', 'numpy', 'special', 'datasets', 'pyplot'):\n"
        f"    sys.modules[{missing!r} + '.' + part] = None\n"
        "import numpy as np, minigrad, nn\n"
        "model = nn.Linear(2, 1)\n"
        "data = nn.data.TensorDataset(np.ones((4, 2), np.float32), np.ones((4, 1), np.float32))\n"
        "loader = nn.data.DataLoader(data, batch_size=2)\n"
        f"try:\n    {code}\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert f'pip install ".[{extra}]"' in done.stdout, done.stdout + done.stderr
