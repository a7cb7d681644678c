# camrig: `make hil` runs the suite on a board, `make test` runs every test of the repository.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEVICE ?= sim
ARGS ?=

.PHONY: help hil test lint bench-cors bench-deploy bench-faults bench-gate clean
.DEFAULT_GOAL := help

help:
	@echo "make hil                       run the suite on the virtual board"
	@echo "make hil DEVICE=/dev/ttyUSB0   run it on a real board; more pytest options in ARGS='...'"
	@echo "make test                      every test, ruff, mypy and the import rules"
	@echo "make bench-cors                what the library costs, beside the one that Microdot ships"
	@echo "make bench-deploy              time and survival of a deploy, beside mpremote (about 10 minutes)"
	@echo "make bench-faults              what the rig makes of each fault of the virtual board"
	@echo "make bench-gate                how often the gate is right about effects put in (about 5 minutes)"

# The environment is made once, and again when what it is made from changes.
$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("camrig needs Python 3.10 or later, this is " + sys.version.split()[0] + "; set PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

hil: $(READY)
	@$(BIN)/python -m pytest tests_hil --device "$(DEVICE)" $(ARGS)

lint: $(READY)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: lint
	@$(BIN)/python -m pytest tests_unit -n 3 $(ARGS)
	@$(BIN)/python -m pytest tests_hil

bench-cors: $(READY)
	@$(BIN)/python benchmarks/cors_cost.py $(ARGS)

bench-deploy: $(READY)
	@$(BIN)/python -m benchmarks.deploy $(ARGS)

bench-faults: $(READY)
	@$(BIN)/python benchmarks/faults.py $(ARGS)

bench-gate: $(READY)
	@$(BIN)/python benchmarks/probe_overhead.py
	@$(BIN)/python -m benchmarks.gate $(ARGS)

clean:
	rm -rf $(VENV) results build *.egg-info
