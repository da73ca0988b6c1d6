# Two commands: `make demo` and `make test`.  Both make what they need in .venv.
# `make gpu`, for a machine with a GPU, installs nothing: it runs with the Python that has CuPy and PyTorch.
PYTHON ?= python3
BIN := .venv/bin
OUT ?= out/gpu

.PHONY: demo test lint site stubs bench gpu clean

demo: .venv/demo
	$(BIN)/python examples/quickstart.py

test: .venv/test
	$(BIN)/python -m pytest -n auto

lint: .venv/lint
	$(BIN)/ruff check .
	$(BIN)/mypy

site: .venv/docs
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going docs out/site

stubs: .venv/test
	$(BIN)/python tools/stubs.py

bench: .venv/test
	$(BIN)/python -m benchmarks

gpu:
	@$(PYTHON) -m benchmarks.gpu --out $(OUT)

clean:
	rm -rf .venv out build dist *.egg-info

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One stamp for each extra, made anew when the dependencies change.
.venv/demo .venv/test .venv/lint .venv/docs: .venv/%: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --editable ".[$*]"
	@touch $@
