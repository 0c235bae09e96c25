# Everything a newcomer needs: `make demo` shows it, `make test` proves it. What is installed lands in .venv and nowhere else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SPARK := $(VENV)/.spark
ARGS ?=
EXPORT ?= export
# A name on the PATH may be a shim that answers nothing, or too old: the first one that runs and is 3.11 or later is taken.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

.PHONY: help install demo up notebook check check-types check-format check-lint check-walls check-dead test bench contract lock format clean

help: ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

install: $(STAMP) ## a virtual environment with everything, from pinned and hashed packages

# To compile all of it ahead takes as long as the rest of the installation. What the roles import is compiled by importing
# it once: where PYTHONDONTWRITEBYTECODE is set, each role would do so anew whenever it starts, for some two seconds.
COMPILED = from importlib import import_module as load; from cli.main import COMMANDS; \
	[load(place.split(":")[0]) for place in (*COMMANDS.values(), "command_api.app", "query_api.app")]

$(STAMP): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; name one with: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv;" >&2; \
		echo "or name another Python with: make install PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -c '$(COMPILED)'
	@touch $@

# Half a gigabyte, which only the test of a recipe needs. It comes as sources, so what builds it is installed before.
$(SPARK): $(STAMP) constraints-spark.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-build-isolation --require-hashes \
		-r constraints-spark.txt
	@touch $@

demo: install ## a year of a real grocery chain, from the till to the answer: make demo ARGS="--exit"
	$(BIN)/loyalty demo $(ARGS)

up: install ## everything that runs, on an empty or existing data directory
	$(BIN)/loyalty up $(ARGS)

notebook: install ## cohorts, campaigns and tiers of what runs here, such as the demo, from an export: make notebook EXPORT=DIR
	for name in facts purchases points tiers campaigns; do $(BIN)/loyalty export $$name --to $(EXPORT) --since-last || exit; done
	MARIMO_SKIP_UPDATE_CHECK=1 $(BIN)/marimo run docs/notebook/programme.py -- --export $(EXPORT)

check: install ## format, lint, types, the rooms' walls, dead code
	@$(MAKE) --no-print-directory --jobs 2 --keep-going check-types check-format check-lint check-walls check-dead

check-types:
	$(BIN)/mypy
check-format:
	$(BIN)/ruff format --check .
check-lint:
	$(BIN)/ruff check .
check-walls:
	$(BIN)/lint-imports
check-dead:
	$(BIN)/vulture

# Half of the suite waits for servers: two workers, each with its own, keep two cores busy. A file stays with one worker;
# tests/conftest.py says which begin first, and xdist would put those with few tests, which take longest, last.
test: install $(SPARK) ## the whole suite, on real PostgreSQL and Kafka: make test ARGS="-k kafka"
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: install ## measurements
	$(BIN)/python -m bench $(ARGS)

contract: install ## the AsyncAPI document and the JSON Schemas, from the code
	$(BIN)/python -m cli.contract

lock: install ## resolve constraints.txt afresh
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
		--output-file constraints.txt
	$(BIN)/uv pip compile --quiet --group spark --universal --generate-hashes --no-emit-index-url --no-header --upgrade \
		--output-file constraints-spark.txt

format: install ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## the environment and all caches; the data directory stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
