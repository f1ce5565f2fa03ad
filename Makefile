# make serve [ARGS="--port 0"]   the mock, from a fresh checkout
# make test [ARGS="-k clock"]    the tests
# make check                     what CI runs: lint, types, tests, documents, contract cases
# make bench [ARGS="--quick"]    requests a second, memory and start beside a bare server; the fixture's cost
# make profile [ARGS="--server"] where the time of a request goes
# make clean                     forget the environment and every cache

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test check lint types specs mock bench profile clean

help:
	@sed -n 's/^# //p' Makefile

# A stamp says what the environment holds; it is older than pyproject.toml once that changes.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.runtime: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime pyproject.toml
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

serve: $(VENV)/.runtime
	@exec $(BIN)/persona-mock serve $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

check: lint types test specs mock

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy mockserver contracts tests

specs: $(VENV)/.runtime
	$(BIN)/persona-mock check specs specs

mock: $(VENV)/.runtime
	$(BIN)/persona-mock check mock

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench $(ARGS)

profile: $(VENV)/.dev
	$(BIN)/python -m tests.bench.profiler $(ARGS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find mockserver contracts specs tests -name __pycache__ -type d -prune -exec rm -rf {} +
