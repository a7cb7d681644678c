# camrig: `make hil` runs the suite on a board, `make test` checks this repository.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEVICE ?= sim
ARGS ?=

.PHONY: help hil test lint bench-cors bench-deploy bench-faults bench-gate prove clean
.DEFAULT_GOAL := help

help:
	@echo "make hil                       run the suite on the virtual board"
	@echo "make hil DEVICE=/dev/ttyUSB0   run the suite on a real board; pytest options go into ARGS='...'"
	@echo "make test                      run all tests and all checks of this repository"
	@echo "make lint                      run the checks only: ruff, mypy, import rules, words"
	@echo "make bench-cors                measure what the CORS library costs, beside the one that Microdot ships"
	@echo "make bench-deploy              measure how fast and how safe a deploy is, beside mpremote (10 minutes)"
	@echo "make bench-faults              show how the rig reports each fault of the virtual board"
	@echo "make bench-gate                measure how often the gate's verdict is right (5 minutes)"
	@echo "make prove                     show which faulty copies of the library the suite and the gate find (an hour)"
	@echo "make clean                     delete $(VENV), caches and results; keep baselines and calibrations"

# The environment is set up once, and brought up to date when pyproject.toml or constraints.txt changes.
$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("camrig needs Python 3.10 or later, this is " + sys.version.split()[0] + "; set PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

hil: $(READY)
	@$(BIN)/python -m pytest tests_hil --hil-device "$(DEVICE)" $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/words.py

test: lint
	@$(BIN)/python -m pytest tests_unit -n 6 $(ARGS)
	@$(BIN)/python -m pytest tests_hil
	@$(BIN)/camrig prove --quick

bench-cors: $(READY)
	@$(BIN)/python benchmarks/cors_cost.py $(ARGS)

bench-deploy: $(READY)
	@$(BIN)/python -m benchmarks.deploy $(ARGS)

bench-faults: $(READY)
	@$(BIN)/python benchmarks/faults.py $(ARGS)

bench-gate: $(READY)
	@$(BIN)/python benchmarks/probe_overhead.py
	@$(BIN)/python -m benchmarks.gate $(ARGS)

prove: $(READY)
	@$(BIN)/camrig prove $(ARGS)

# Baselines and calibrations took hours on a board. They stay.
clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	test ! -d results || find results -mindepth 1 -maxdepth 1 ! -name baselines -exec rm -rf {} +
