# Everything a contributor does, from nothing but Python (3.11 or newer) and make. `make help` lists it.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$python"; break; fi; done)
BIN := .venv/bin
JOBS ?= 2
DIR ?=

# An environment of the caller's must not lead past the lock.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help demo pipelines test long fuzz forge signers lint format lock base dev programs clean python
.DEFAULT_GOAL := help

help: ## lists these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

demo: base ## a real PDF through the three phases, sealed, verified from file and QR code, then one byte changed and caught (DIR=folder keeps it there)
	@$(BIN)/sealtrail demo $(DIR)

test: programs dev ## everything that must hold: lint, types, architecture, then the whole test suite (JOBS=2 at a time, ARGS for pytest)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal $(ARGS)

pipelines: dev ## Dagster's webserver and daemon on a sample workspace with planted defects, everything running (PORT=3000)
	@$(BIN)/python -m pipelines.places -p $(or $(PORT),3000)

fuzz: dev programs ## mutated files against the verification, 20 minutes, then readings by five programs, an hour (FUZZ_SECONDS=60, READINGS_SECONDS=60, JOBS=2); finds are kept in build/fuzz
	@$(BIN)/python tests/fuzz/run.py --seconds $(or $(FUZZ_SECONDS),1200) --jobs $(JOBS) --finds build/fuzz
	@$(BIN)/python tests/fuzz/readings.py --seconds $(or $(READINGS_SECONDS),3600) --jobs $(JOBS) --finds build/fuzz

forge: dev ## random edits and honest steps on signed files, judged by PDFium and poppler, an hour (FORGE_SECONDS=60, JOBS=2); finds are kept in build/forge
	@$(BIN)/python tests/forge/run.py --seconds $(or $(FORGE_SECONDS),3600) --jobs $(JOBS) --finds build/forge

signers: dev ## files signed by other software, every tool alone, in pairs and with steps between; makes the table in docs/other-signers.md anew
	@$(PYTHON) requirements/programs.py signers
	@$(BIN)/python tests/other_signers/run.py --jobs $(JOBS) --page docs/other-signers.md

long: programs signers fuzz forge ## what outgrows `make test`: other signers, fuzzing, forging

lint: dev ## style, types and the arrows between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: dev ## puts the code into the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: dev ## makes the hash-pinned requirements anew from pyproject.toml (UPGRADE=1 for newer versions)
	@$(BIN)/python requirements/lock.py $(if $(UPGRADE),--upgrade)

base: python
	@$(PYTHON) requirements/environment.py base

dev: python
	@$(PYTHON) requirements/environment.py dev

programs: python
	@$(PYTHON) requirements/programs.py

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is missing: run \`sudo apt-get install python3 python3-venv python3-dev\`, then make again." >&2; exit 1; }

clean: ## removes what the commands above made
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
