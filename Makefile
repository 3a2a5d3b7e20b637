# Every target sets up what it needs. The first run installs into .venv; later runs start at once.
PYTHON  ?= python3
SWEEP   := python -m src.sweep -m optimizer=sgd,adam,rmsprop
BIN     := .venv/bin
INSTALL := $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
YAMLLINT := {extends: relaxed, rules: {line-length: disable, document-start: disable}}

.DEFAULT_GOAL := help
.PHONY: help sweep test test-fast ui data bench bench-search bench-gpu faults check lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sweep: .venv/installed data  ## three optimizers compared on Fashion-MNIST: a few minutes
	@echo '$(SWEEP)'
	@$(BIN)/$(SWEEP)

test: .venv/installed data  ## every test but the long rounds, and the slowest ten
	@$(BIN)/python -m pytest --durations=10 -n $$(( $$(getconf _NPROCESSORS_ONLN) + 1 ))  # a sixth of the time they wait for processes

test-fast: .venv/installed data  ## those that take neither TensorFlow, another process nor seconds: a minute
	@$(BIN)/python -m pytest --durations=10 -m 'not slow and not long'

ui: .venv/installed  ## MLflow's pages and the reports of sweeps, on this machine
	@$(BIN)/python -m src.ui

data: .venv/installed  ## Fashion-MNIST into the cache
	@$(BIN)/python -m src.datasets.fetch

bench: .venv/installed data  ## other tools beside it, an hour: tests/benchmarks/RESULTS.md
	@$(BIN)/python -m tests.benchmarks.bench

bench-search: .venv/installed  ## what an oracle finds in how many trials, an hour or two: tests/benchmarks/RESULTS_SEARCH.md
	@$(BIN)/python -m tests.benchmarks.search

bench-gpu: .venv/installed data  ## stacked trials and other tools on a GPU, 8 minutes: tests/benchmarks/RESULTS_GPU.md
	@$(BIN)/python -m tests.benchmarks.gpu

faults: .venv/installed  ## kills, full disks and thousands of command lines: hours
	@$(BIN)/python -m tests.faults.kill
	@$(BIN)/python -m tests.faults.workers
	@$(BIN)/python -m tests.faults.promote
	@$(BIN)/python -m tests.faults.disk
	@$(BIN)/python -m tests.faults.outage
	@$(BIN)/python -m tests.faults.peers
	@$(BIN)/python -m pytest -m long || [ $$? = 5 ]
	@TRIALBOOK_LONG=1 $(BIN)/python -m pytest -m "long or not long" tests/training/test_matrix.py tests/config/test_command_lines.py tests/oracles/test_stateful.py tests/executors/test_stateful.py

check: .venv/installed  ## format, lint, types, YAML
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/yamllint --strict -d '$(YAMLLINT)' conf sweeps .pre-commit-config.yaml

lock: .venv/installed  ## requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --no-header --extra dev --output-file requirements.lock pyproject.toml

.venv/installed: requirements.lock
	@echo 'installing requirements.lock into .venv, once'
	@if command -v uv >/dev/null; then uv venv --quiet --allow-existing --seed --python $(PYTHON) .venv; else $(PYTHON) -m venv .venv; fi
	@$(INSTALL) -r requirements.lock
	@if command -v nvidia-smi >/dev/null; then $(INSTALL) -c requirements.lock nvidia-ml-py 'tensorflow[and-cuda]'; fi
	@touch $@
