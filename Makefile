# `make help` lists the commands.  Each makes what it needs in .venv.
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
EXE := $(if $(filter Windows_NT,$(OS)),.exe)
OUT ?= out/gpu
CHECK := $(BIN)/check-jsonschema --quiet --builtin-schema

.PHONY: help demo test test-oldest test-distributed coverage lint site lite stubs bench size dist gpu clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/demo ## a network learns to read digits, and a living page is made to open
	$(BIN)/python examples/quickstart.py

test: .venv/test ## all tests that this machine can run
	$(BIN)/python -m pytest -n auto

test-oldest: .venv/oldest ## the same with the lowest versions that pyproject.toml allows
	.venv/oldest/bin/python -m pytest -n auto

test-distributed: .venv/test ## the tests that start processes with mpiexec
	$(BIN)/python -m pytest -m distributed

coverage: .venv/test ## all tests, and the lines that they reach: fewer than the floor are an error
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

lint: .venv/lint ## ruff, mypy, and the schemas of the files for GitHub
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(CHECK) vendor.github-workflows .github/workflows/*.yml
	$(CHECK) vendor.dependabot .github/dependabot.yml
	$(CHECK) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(CHECK) vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/idea.yml
	$(CHECK) vendor.citation-file-format CITATION.cff

# With the environment of an older build Sphinx would leave names out of the search.
site: .venv/docs ## the site, in out/site
	$(BIN)/python -m sphinx --fresh-env --builder html --fail-on-warning --keep-going docs out/site

lite: .venv/lite ## JupyterLite with the notebooks, in out/site/lite: then `make site` has buttons to it
	rm -rf out/lite
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir out/lite/wheels . graphviz
	cd out/lite && ../../$(BIN)/jupyter lite build --lite-dir ../../docs/lite --output-dir ../site/lite

stubs: .venv/test ## the .pyi files, after an op was added or changed
	$(BIN)/python tools/stubs.py

bench: .venv/test ## times beside PyTorch, HIPS/autograd and JAX
	$(BIN)/python -m benchmarks

size: dist ## what an install takes on the disk, and an import in time
	@$(BIN)/python -m benchmarks.install dist/*.whl

dist: .venv/test ## the wheel and the sdist, in dist, checked
	rm -rf dist
	$(BIN)/python -m build --no-isolation >/dev/null
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

gpu: ## on a machine with a GPU: the tests marked gpu, times beside PyTorch; installs nothing
	@$(PYTHON) -m benchmarks.gpu --out $(OUT)

clean: ## takes away all that these commands have made
	rm -rf .venv out build dist *.egg-info docs/gallery docs/notebooks docs/lite/.cache .coverage .coverage.* .*_cache .hypothesis

$(BIN)/python$(EXE):
	$(PYTHON) -m venv .venv

# One stamp for each extra, made anew when the dependencies change.
.venv/demo .venv/test .venv/lint .venv/docs .venv/lite: .venv/%: pyproject.toml | $(BIN)/python$(EXE)
	$(BIN)/pip install --quiet --editable ".[$*]"
	@touch $@

.venv/oldest: pyproject.toml | $(BIN)/python$(EXE)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/oldest
	$(BIN)/uv pip install --quiet --python .venv/oldest --resolution lowest-direct --editable ".[test]"
	@touch $@
