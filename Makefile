# `make help` lists what there is to do. Nothing has to be prepared: Python 3.11 or newer, make and git are enough.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

DEMO_ARGS ?=
PYTEST_ARGS ?=
LOCK_ARGS ?=
# One more than processors: much of the time a test waits for a server, a browser or a clock.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
SOURCES := radicale_plugin sync tests $(patsubst %/,%,$(dir $(firstword $(wildcard benchmarks/*.py))))

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: demo
demo: $(VENV)/.runs ## Run a server on this machine with a few people in it (DEMO_ARGS="--help" shows its options)
	@$(BIN)/evercard demo $(DEMO_ARGS)

.PHONY: test
test: venv ## Check everything: lint, types, then all tests on SQLite and PostgreSQL
	@.ci/packages
	@$(MAKE) --no-print-directory lint types pytest

.PHONY: pytest
pytest: venv ## Run the tests alone, in parallel (PYTEST_ARGS="-k token" chooses)
	@# The tests start hundreds of processes, each of which would read all sources anew where no bytecode is kept.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

.PHONY: lint
lint: venv ## Check style and formatting
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

.PHONY: format
format: venv ## Mend style and formatting where that needs no thought
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

.PHONY: types
types: venv ## Check types
	@$(BIN)/mypy --no-error-summary $(SOURCES)

.PHONY: bench
bench: venv ## Run every benchmark; each prints its ratio to a reference measured in the same run
	@set -e; for script in $(sort $(wildcard benchmarks/bench_*.py)); do echo "== $$script"; $(BIN)/python -m benchmarks.$$(basename $$script .py); done

.PHONY: pictures
pictures: venv ## Take the README's pictures of the portal anew (needs Chromium)
	@$(BIN)/python docs/pictures/take.py

COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(LOCK_ARGS) setup.cfg

.PHONY: lock
lock: venv ## Write both lock files anew from setup.cfg (LOCK_ARGS=--upgrade takes the newest versions)
	@$(COMPILE) --extra postgresql --extra build --output-file requirements.lock
	@$(COMPILE) --all-extras --constraint requirements.lock --output-file requirements-dev.lock

.PHONY: clean
clean: ## Remove everything that was made here: environment, demo data, caches
	@rm -rf $(VENV) .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist test-output *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: venv
venv: $(VENV)/.project ## Create or renew the environment in .venv

$(VENV)/.project: $(VENV)/.locked setup.cfg pyproject.toml
	@$(INSTALL_PROJECT)
	@$(BIN)/pip check --quiet || { $(BIN)/pip check; echo "requirements-dev.lock is older than setup.cfg: run make lock"; }
	@touch $@ $(VENV)/.runs

$(VENV)/.locked: requirements-dev.lock $(BIN)/pip
	@echo "Installing what requirements-dev.lock names into $(VENV)"
	@$(BIN)/pip install -qq --require-hashes --requirement requirements-dev.lock
	@touch $@

# Whoever only looks at the program waits for what it runs with and for nothing else.
$(VENV)/.runs: requirements.lock setup.cfg pyproject.toml | $(BIN)/pip
	@echo "Installing what requirements.lock names into $(VENV)"
	@$(BIN)/pip install -qq --no-compile --require-hashes --requirement requirements.lock
	@$(INSTALL_PROJECT)
	@touch $@

INSTALL_PROJECT = $(BIN)/pip install -qq --no-deps --no-build-isolation --editable .

$(BIN)/pip:
	@.ci/environment "$(PYTHON)" "$(VENV)"
