"""A release: the version, the extras, what wheel and sdist hold, and the files that the forge reads."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement

import minigrad
import nn
from minigrad.install import DISTRIBUTION

from .programs import load

yaml = pytest.importorskip("yaml", reason="needs PyYAML")

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
#: The extras for who works on the project; the others are the users'.
OURS = {"demo", "examples", "docs", "lint", "lite", "release", "test"}
LEFT_OUT = (".git", ".venv", "out", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis", ".coverage*")


def release() -> Any:
    """tools/release.py as a module."""
    return load("tools/release.py")


# ------------------------------------------------------------------------------------- version


def test_the_version_stands_in_one_place() -> None:
    assert minigrad.__version__ == nn.__version__ == release().version()
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", minigrad.__version__)
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "minigrad.version.__version__"}
    assert "version" not in yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    places = [*(ROOT / "minigrad").rglob("*.py"), *(ROOT / "nn").rglob("*.py"), ROOT / "docs" / "conf.py"]
    assert [p.name for p in places if f'"{minigrad.__version__}"' in p.read_text("utf-8")] == ["version.py"]


def test_the_name_of_the_distribution_stands_in_two_places() -> None:
    places = [path for folder in ("minigrad", "nn", "docs", "tools", "examples") for path in (ROOT / folder).rglob("*.py")]
    quoted = re.compile(rf"""["']{DISTRIBUTION}["']""")
    assert [path.name for path in places if quoted.search(path.read_text("utf-8"))] == ["install.py"]
    assert PROJECT["project"]["name"] == DISTRIBUTION


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == minigrad.__version__
    assert release().section(text, minigrad.__version__)[1]


CHANGES = "# Changelog\n\n## 0.3.0 (2027-01-31)\n\n- new\n\n### Fixed\n\n- mended\n\n## 0.2.0 (2026-12-24)\n\n- old\n"


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    assert release().section(CHANGES, "0.3.0") == ("2027-01-31", "- new\n\n### Fixed\n\n- mended")
    assert release().section(CHANGES, "0.2.0") == ("2026-12-24", "- old")
    with pytest.raises(SystemExit, match=r'no heading "## 0\.3"'):
        release().section(CHANGES, "0.3")


def test_a_tag_that_does_not_fit_is_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = release()
    monkeypatch.setattr(made, "ROOT", tmp_path)
    (tmp_path / "minigrad").mkdir()
    (tmp_path / "minigrad" / "version.py").write_text('__version__ = "0.3.0"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES, "utf-8")
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nSource = "https://github.com/us/ours"\n', "utf-8")
    assert made.problems("v0.3.0", "us/ours") == []
    assert "the tag must be v0.3.0" in made.problems("v0.4.0", "us/ours")[0]
    assert "this is https://github.com/they/ours" in made.problems("v0.3.0", "they/ours")[0]
    (tmp_path / "pyproject.toml").write_text(
        '[project.urls]\nSource = "https://github.com/us/ours"\nIssues = "https://example.com/ours/issues"\n', "utf-8"
    )
    assert "Issues in pyproject.toml and CITATION.cff are placeholders" in made.problems("v0.3.0", "us/ours")[0]
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nSource = "https://github.com/us/ours"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGES.replace("2027-01-31", "unreleased"), "utf-8")
    assert "says 'unreleased'" in made.problems("v0.3.0", "us/ours")[0]


def test_the_command_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in {("--help",): "check", (): "required", ("check", "v0.1.0"): "repository"}.items():
        with pytest.raises(SystemExit):
            release().main(list(arguments))
        said = capsys.readouterr()
        assert words in said.out + said.err, arguments
    release().main(["notes", f"v{minigrad.__version__}"])
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert capsys.readouterr().out.strip() == release().section(changes, minigrad.__version__)[1]


# -------------------------------------------------------------------------------------- extras


def requirements() -> Iterator[tuple[str, Requirement]]:
    """The extra ("" for none) and what it asks for, without the extras that it asks for."""
    for extra, needs in {"": PROJECT["project"]["dependencies"], **EXTRAS}.items():
        for need in map(Requirement, needs):
            if need.name != DISTRIBUTION:
                yield extra, need


def test_every_dependency_has_a_lower_bound() -> None:
    loose = [(extra, str(need)) for extra, need in requirements() if not re.search(r"(>=|==)\d", str(need.specifier))]
    assert not loose
    assert len([*requirements()]) > 30


def test_a_package_stands_in_one_extra_alone() -> None:
    names = [need.name for _, need in requirements()]
    assert sorted(names) == sorted(set(names))


def test_extras_name_extras_that_exist() -> None:
    inside = [need for needs in EXTRAS.values() for need in map(Requirement, needs) if need.name == DISTRIBUTION]
    assert inside
    assert set().union(*(need.extras for need in inside)) <= EXTRAS.keys()


def reached(extra: str) -> set[str]:
    """An extra with those that it brings."""
    found = {extra}
    for need in map(Requirement, EXTRAS[extra]):
        if need.name == DISTRIBUTION:
            found |= set().union(*map(reached, need.extras))
    return found


def test_all_is_what_users_choose_but_for_a_gpus() -> None:
    assert reached("all") == EXTRAS.keys() - OURS - {"cuda12", "cuda13"}


def test_the_readme_lists_the_extras_of_users() -> None:
    table = (ROOT / "README.md").read_text("utf-8").partition("| extra |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \|", table, re.MULTILINE)
    listed = {name for row in rows for name in row[:2] if name}
    assert listed == (EXTRAS.keys() - OURS) | {"demo"}  # which its first command installs


def test_extras_in_the_documents_exist() -> None:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md", ROOT / "Makefile"]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    commands = "\n".join(line for line in text.splitlines() if "pip install" in line)
    named = {name for names in re.findall(r'"\.\[([\w,]+)\]"', commands) for name in names.split(",")}
    named |= set(re.findall(r"\bextra `(\w+)`", text))
    assert {"fast", "scipy", "demo", "cuda12"} <= named <= EXTRAS.keys()


# ------------------------------------------------------------------------------ wheel and sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, made without network from a copy of the source, and the wheel that is made of the sdist."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT_OUT))
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return sdist, wheel


def sources(*folders: str) -> set[str]:
    """The paths of the files in folders of the checkout, as they are named in an archive."""
    ignored = shutil.ignore_patterns(*LEFT_OUT, "*.pyc")
    found = set()
    for folder in folders:
        for place, inside, files in os.walk(ROOT / folder):
            inside[:] = sorted(set(inside) - ignored(place, inside))
            found |= {(Path(place) / name).relative_to(ROOT).as_posix() for name in set(files) - ignored(place, files)}
    return found


def test_the_sdist_holds_all_that_its_tests_need(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = sources("minigrad", "nn", "tests", "examples", "docs", "benchmarks", "tools", ".github", ".ci")
    wanted |= {path.name for pattern in ("*.md", "*.toml", "*.cff") for path in ROOT.glob(pattern)}
    wanted |= {"Makefile", "conftest.py", "LICENSE", ".pre-commit-config.yaml", ".gitignore"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    made = tuple(line[1:] for line in ignored if line.startswith("/docs/"))  # by `make site`
    wanted = {name for name in wanted if not name.startswith(made)}
    assert len(wanted) > 1000
    assert not wanted - names
    assert not [name for name in names if name.endswith(".pyc")]


def test_tests_run_from_the_unpacked_sdist(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    code = (
        "import pathlib, pytest, sys\n"
        "status = pytest.main(sys.argv[1:])\n"
        "import minigrad, nn\n"
        "print(*(pathlib.Path(package.__file__).parents[1] for package in (minigrad, nn)))\n"
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", code, "-p", "no:xdist", "tests/test_trees.py", "tests/test_help.py", "minigrad/trees.py"]
    done = subprocess.run(command, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert [*map(Path, done.stdout.splitlines()[-1].split())] == [root, root]


def test_the_wheel_holds_the_packages_and_their_data_alone(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    licences = {name for name in sources("minigrad") if "/LICENSE." in name}
    assert names == sources("minigrad", "nn") - licences
    assert built[1].stat().st_size < 2_500_000


def test_the_wheel_carries_the_licences_of_what_is_bundled(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        (info,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_bytes(wheel.read(info))
        texts = {name: wheel.read(info.replace("METADATA", f"licenses/{name}")) for name in metadata.get_all("License-File", [])}
    assert metadata["License-Expression"] == "MIT AND EPL-2.0"
    assert metadata["Version"] == minigrad.__version__
    bundled = "minigrad/viz/assets/vendor/LICENSE."
    assert texts.keys() == {"LICENSE", *(bundled + part for part in ("viz-js", "graphviz", "expat"))}
    assert texts[f"{bundled}graphviz"].startswith(b"Eclipse Public License - v 2.0")
    for name in ("LICENSE", f"{bundled}viz-js", f"{bundled}expat"):
        assert b"Permission is hereby granted, free of charge" in texts[name]
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS.keys()


def test_what_is_bundled_is_what_its_table_says() -> None:
    folder = ROOT / "minigrad" / "viz" / "assets" / "vendor"
    table = (folder / "README.md").read_text("utf-8")
    script = (folder / "viz-global.js").read_text("utf-8")[:500]
    (version,) = re.findall(r"^Viz\.js (\S+)$", script, re.MULTILINE)
    assert f"| Viz.js {version}, " in table
    (others,) = re.findall(r"in object code form:\n((?:\S+ \S+\n)+)", script)
    for name in [line.split()[0] for line in others.splitlines()]:
        assert re.search(rf"^\| {name} [\d.]+, .*\[LICENSE\.{name.lower()}\]", table, re.MULTILINE), name
        assert (folder / f"LICENSE.{name.lower()}").exists()


def test_the_wheel_installs_and_imports_elsewhere(built: tuple[Path, Path], tmp_path: Path) -> None:
    """Both packages arrive, typed."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = subprocess.check_output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True).strip()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, str(built[1])]
    subprocess.run(pip, check=True, capture_output=True)
    # The fresh environment borrows NumPy from this one, by its path alone.
    numpy_home = str(Path(np.__file__).parent.parent)
    code = (
        f"import sys; sys.path.append({numpy_home!r})\n"
        "import importlib.metadata, minigrad, nn, pathlib\n"
        "home = pathlib.Path(minigrad.__file__).parent\n"
        "assert (home / 'py.typed').exists() and (pathlib.Path(nn.__file__).parent / 'py.typed').exists()\n"
        "assert (home / '__init__.pyi').exists() and (home / 'tensor.pyi').exists()\n"
        "assert (home / 'kernels' / 'cuda' / 'window.cu').exists()\n"
        f"assert importlib.metadata.version({DISTRIBUTION!r}) == minigrad.__version__\n"
        "x = minigrad.Tensor(3.0, requires_grad=True); (x * x).backward()\n"
        "print(home.parent, x.grad.item(), nn.Linear(2, 1)(minigrad.zeros((1, 2))).shape, sep='|')"
    )
    out = subprocess.check_output([python, "-I", "-c", code], cwd=tmp_path, text=True).split("|")
    assert Path(out[0]) == Path(site)
    assert out[1] == "6.0"


# ---------------------------------------------------------------------- what the forge reads

WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for workflow, content in WORKFLOWS.items():
        for name, job in content["jobs"].items():
            yield f"{workflow}: {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job.get("steps", []):
            yield name, step


def targets() -> dict[str, str]:
    """The targets of the Makefile that say what they do."""
    return dict(re.findall(r"^([a-z-]+):.*## (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_commands_of_the_workflows_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    called = [words for _, step in steps() for words in re.findall(r"\bmake ([\w./ ]+)", step.get("run", ""))]
    wanted = {word for words in called for word in words.split()}
    assert {"test", "lint", "site", "coverage", "size"} <= wanted
    stamps = set(re.findall(r"(\.venv/\w+)(?=.*:)", makefile))
    assert wanted <= targets().keys() | stamps
    programs = {word for _, step in steps() for word in re.findall(r"\b(?:tools|tests)/\w+\.py", step.get("run", ""))}
    assert programs
    assert [path for path in programs if not (ROOT / path).exists()] == []


def test_jobs_wait_for_jobs_that_exist_and_have_few_rights() -> None:
    for name, content in WORKFLOWS.items():
        assert content["permissions"] == {"contents": "read"}, name
        for job in content["jobs"].values():
            needs = job.get("needs", [])
            assert {*([needs] if isinstance(needs, str) else needs)} <= content["jobs"].keys()


def test_actions_have_a_version() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    assert used
    assert [action for action in used if not re.search(r"@(v\d+|release/v\d+)$", action)] == []


def test_the_matrix_has_every_python_and_system_that_is_promised() -> None:
    promised = {c.rpartition(" ")[2] for c in PROJECT["project"]["classifiers"] if re.search(r"Python :: 3\.\d+$", c)}
    matrix = WORKFLOWS["tests.yml"]["jobs"]["tests"]["strategy"]["matrix"]
    assert set(matrix["python"]) == promised
    assert PROJECT["project"]["requires-python"] == f">={min(promised, key=lambda v: int(v.split('.')[1]))}"
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}


def test_forms_for_issues_ask_for_what_is_needed() -> None:
    forms = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")}
    assert forms.keys() == {"bug", "idea", "config"}
    asked = [item["id"] for item in forms["bug"]["body"] if item.get("validations", {}).get("required")]
    assert asked == ["code", "got", "expected", "versions"]
    (command,) = re.findall(r'python -c "(.+)"', str(forms["bug"]["body"][-1]["attributes"]["description"]))
    exec(command, {})


@pytest.mark.parametrize("name", ["CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md", ".github/pull_request_template.md"])
def test_links_of_the_other_documents_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text("utf-8"))
    assert [t for t in targets if not t.startswith("https://") and not (ROOT / name).parent.joinpath(t).exists()] == []


def test_the_address_of_the_repository_is_one() -> None:
    source = PROJECT["project"]["urls"]["Source"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["repository-code"] == source
    own = [url for name, url in PROJECT["project"]["urls"].items() if name in ("Changelog", "Issues")]
    assert all(url.startswith(f"{source}/") for url in own)


def test_addresses_that_stand_in_the_project_are_its_own_or_nobodys() -> None:
    """What looks like an address of ours on GitHub is the one of pyproject.toml: any other could be anybody's."""
    source = PROJECT["project"]["urls"]["Source"]
    paths = [*ROOT.glob("*.*"), *(p for f in ("docs", "examples", "minigrad", "nn", "tools") for p in (ROOT / f).rglob("*.*"))]
    paths = [path for path in paths if path.suffix in {".cff", ".ipynb", ".json", ".md", ".py", ".rst", ".toml"}]
    found = {m for path in paths for m in re.findall(rf"https?://[\w./-]*{DISTRIBUTION}[\w./-]*", path.read_text("utf-8"))}
    assert [address for address in found if not address.startswith(source)] == []


def test_the_citation_names_no_other_licence_than_the_metadata() -> None:
    """The format knows no AND: it says one licence, or none."""
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8")).get("license")
    assert said in (None, PROJECT["project"]["license"])


def test_contributing_says_how_long_a_line_may_be() -> None:
    (said,) = re.findall(r"lines at most (\d+) columns", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert int(said) == PROJECT["tool"]["ruff"]["line-length"]


def test_what_the_oldest_versions_are_not_tested_of_is_said() -> None:
    untested = EXTRAS.keys() - reached("test") - {"demo", "examples"}  # these name extras alone
    assert untested == {"cuda12", "cuda13", "lite"}
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (said,) = re.findall(r"`make test-oldest` installs them, but for those of (.+?), which", text)
    assert set(re.findall(r"\w+", said)) - {"and"} == untested


def test_workflows_install_packages_of_the_system_that_exist() -> None:
    job = WORKFLOWS["tests.yml"]["jobs"]["distributed"]
    texts = [step.get("run", "") for _, step in steps()]
    words = {word for text in texts for line in re.findall(r"apt-get install --yes (.+)", text) for word in line.split()}
    words |= {word for value in job["strategy"]["matrix"]["mpi"] if value != "wheel" for word in value.split()}
    known = {"graphviz", "openmpi-bin", "mpich", "libmpich-dev"}  # in Debian and Ubuntu
    assert {word for word in words if re.fullmatch(r"[\w+-]+", word)} - {"matrix"} == known


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_help_lists_every_target() -> None:
    done = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(phony.split())
    assert max(map(len, done.stdout.splitlines())) < 110
