# camrig: `make hil` runs the suite on a board, `make test` checks this repository.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.tools
DEVICE ?=
ARGS ?=

.PHONY: help hil hil-browser test lint tools bench-browser bench-cors bench-deploy bench-desk bench-faults bench-flash bench-fleet bench-gate bench-history bench-report bench-scale bench-server demo-nights docs prove reference picture clean
.DEFAULT_GOAL := help

help:
	@echo "make hil                       run the suite on the board of camrig.toml, or on the virtual one"
	@echo "make hil DEVICE=/dev/ttyUSB0   run the suite on a real board; pytest options go into ARGS='...'"
	@echo "make hil-browser               let Chromium decide against the board, too; DEVICE and ARGS as above"
	@echo "make test                      run all tests and all checks of this repository"
	@echo "make lint                      run the checks only: ruff, mypy, import rules, words"
	@echo "make bench-browser             compare the oracle of the Fetch standard with Chromium, in thousands of requests"
	@echo "make bench-cors                measure what the CORS library costs, beside the one that Microdot ships"
	@echo "make bench-deploy              measure how fast and how safe a deploy is, beside mpremote and mpytool (10 minutes)"
	@echo "make bench-desk                measure how long an answer takes at the desk, beside mpremote"
	@echo "make bench-faults              show how the rig reports each fault of the virtual board"
	@echo "make bench-flash               show how flashing ends under every fault of a mock boot loader"
	@echo "make bench-fleet               measure several boards on one host: wall time, turns on the air, killed runs (15 minutes)"
	@echo "make bench-gate                measure how often the gate's verdict is right (5 minutes)"
	@echo "make bench-history             measure how fast the trend page is, and how often its steps are right (5 minutes)"
	@echo "make bench-report              measure how long the page of a long run takes, and how large it is"
	@echo "make bench-scale               simulate a night of 500 boards, and measure their history of a year (20 minutes)"
	@echo "make bench-server              count the socket calls and bytes of the server, beside plain Microdot"
	@echo "make demo-nights               write a synthetic year of eight boards, and its trend page"
	@echo "make prove                     show which faulty copies of the library the suite and the gate find (an hour)"
	@echo "make reference                 write docs/reference.md and docs/messages.md from the code"
	@echo "make picture                   write the pictures of the docs: a run on the virtual board, and camrig view"
	@echo "make docs                      build the pages as a site, in build/site"
	@echo "make clean                     delete $(VENV), caches and results; keep baselines, calibrations and the history"

# The environment is set up once, and brought up to date when pyproject.toml or constraints.txt changes. The suite needs
# no tools of development.
INSTALL = PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --disable-pip-version-check

$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("camrig needs Python 3.10 or later, this is " + sys.version.split()[0] + "; set PYTHON=python3.x")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -e .
	@touch $@

$(TOOLS): $(READY)
	@$(INSTALL) --quiet -e '.[dev]'
	@touch $@

hil: $(READY)
	@$(BIN)/python -m pytest tests_hil $(if $(DEVICE),--hil-device "$(DEVICE)") $(ARGS)

hil-browser: $(READY)
	@$(BIN)/python -m pytest tests_hil --hil-browser chromium $(if $(DEVICE),--hil-device "$(DEVICE)") $(ARGS)

tools: $(TOOLS)

lint: $(TOOLS)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python .ci/words.py

test: lint
	@$(BIN)/python -m pytest tests_unit -n 8 --dist worksteal $(ARGS)
	@$(BIN)/python -m pytest tests_hil --hil-browser chromium
	@$(BIN)/camrig prove --quick

bench-browser: $(TOOLS)
	@$(BIN)/python -m benchmarks.browser_cells $(ARGS)

bench-cors: $(TOOLS)
	@$(BIN)/python benchmarks/cors_cost.py $(ARGS)

bench-deploy: $(TOOLS)
	@$(BIN)/python -m benchmarks.deploy $(ARGS)

bench-desk: $(TOOLS)
	@$(BIN)/python -m benchmarks.desk $(ARGS)

bench-faults: $(TOOLS)
	@$(BIN)/python benchmarks/mutated_files.py
	@$(BIN)/python benchmarks/torn_files.py
	@$(BIN)/python benchmarks/secret_forms.py
	@$(BIN)/python -m benchmarks.hostile_http
	@$(BIN)/python -m benchmarks.forged_signs
	@$(BIN)/python benchmarks/faults.py $(ARGS)
	@$(BIN)/python -m benchmarks.library_faults
	@$(BIN)/python -m benchmarks.interrupts

bench-flash: $(TOOLS)
	@$(BIN)/python -m benchmarks.flash

bench-fleet: $(TOOLS)
	@$(BIN)/python -m benchmarks.fleet
	@$(BIN)/python -m benchmarks.fleet_scale
	@$(BIN)/python -m benchmarks.fleet_labgrid $(ARGS)

bench-gate: $(TOOLS)
	@$(BIN)/python benchmarks/probe_overhead.py
	@$(BIN)/python -m benchmarks.gate $(ARGS)

bench-history: $(TOOLS)
	@$(BIN)/python -m benchmarks.history $(ARGS)

bench-report: $(TOOLS)
	@$(BIN)/python -m benchmarks.report

bench-scale: $(TOOLS)
	@$(BIN)/python -m benchmarks.fleet_scale $(ARGS)

bench-server: $(TOOLS)
	@$(BIN)/python -m benchmarks.server

demo-nights: $(READY)
	@$(BIN)/python benchmarks/nights.py

prove: $(TOOLS)
	@$(BIN)/camrig prove $(ARGS)

reference: $(TOOLS)
	@$(BIN)/python .ci/reference.py
	@$(BIN)/python .ci/messages.py

picture: $(TOOLS)
	@$(BIN)/python .ci/picture.py
	@$(BIN)/python .ci/view_pictures.py

# The variable leaves out an advertisement of mkdocs-material.
docs: $(TOOLS)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# Baselines and calibrations took hours on a board, the history took every night. They stay.
clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	test ! -d results || find results -mindepth 1 -maxdepth 1 ! -name baselines ! -name 'history.sqlite*' -exec rm -rf {} +
