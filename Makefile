# Everything a person or CI runs. Each target sets up what it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup test unit smoke e2e e2e-node check lint types contracts generated format generate released lock sbom up down demo bench bench-scale soak clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with the locked dependencies

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Frostline needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) with the locked dependencies"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: check unit smoke ## Everything CI runs: check, unit tests, a smoke test on a real cluster

unit: $(READY) ## Unit tests, properties and golden files
	$(BIN)/pytest tests --numprocesses=auto --dist=loadfile

smoke: $(READY) ## The shortest end-to-end tests on a real API server and a real Prometheus
	$(BIN)/pytest e2e -m smoke

e2e: $(READY) ## All end-to-end tests
	$(BIN)/pytest e2e

e2e-node: $(READY) ## Tests on a real node, with the image and the chart; CLUSTER=kind uses Docker
	@$(BIN)/python -m e2e.node

check: lint types contracts generated ## Lint, types, import contracts, generated files

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

generated: $(READY)
	$(BIN)/python -m scripts.generate --check

format: $(READY) ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(READY) ## Write the generated files (CRDs, policies, reference, dashboards)
	$(BIN)/python -m scripts.generate

released: $(READY) ## Keep the CRDs as those of this version, which later ones must stay compatible with
	$(BIN)/python -m scripts.compatibility

lock: $(READY) ## Resolve the dependencies anew and write requirements/*.txt
	$(BIN)/python scripts/lock.py

build/sbom/.ready: requirements/sbom.txt
	@$(PYTHON) -m venv build/sbom
	@build/sbom/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/sbom.txt
	@touch $@

sbom: build/sbom/.ready ## Write the bill of materials of what the image holds: build/sbom.json (CycloneDX)
	build/sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-format JSON --output-file build/sbom.json requirements/runtime.txt

up: $(READY) ## Start the local cluster with operator and webhook, in the background
	@$(BIN)/python -m e2e.cluster up

down: $(READY) ## Stop what `make up` started
	@$(BIN)/python -m e2e.cluster down

demo: $(READY) ## Spend a budget, be refused a release, earn it back; ONCE=1 runs it to its end
	@$(BIN)/python -m e2e.demo

bench: $(READY) ## Measure what Frostline costs; figures in build/bench/*.json
	@$(BIN)/python -m bench

bench-scale: $(READY) ## 100, 1,000 and 10,000 objectives in one operator, side by side: an hour
	@$(BIN)/python -m bench.scale $(SCALE)

soak: $(READY) ## Whether memory stays flat over an hour of cycles and 100,000 events; SOAK_MINUTES=60 for a real hour
	@$(BIN)/python -m bench.soak

clean: ## Remove .venv and build products (stops nothing: run `make down` first)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
