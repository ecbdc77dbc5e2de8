# Everything here needs Python 3.11 or newer and make, nothing else. `make` alone lists what there is.
PY   := .venv/bin/python
ARGS ?=

# The first interpreter that is new enough; PYTHON=... overrides. pyenv leaves names that do not run, so each is run.
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help setup test test-faults lint types check format demo up replay bench lock jars clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: .venv/.complete ## .venv with everything that is pinned in requirements.lock, and the arrears command

.venv/.complete: requirements.lock pyproject.toml
	@set -eu; python="$(PYTHON)"; \
	if [ -z "$$python" ]; then \
	  for name in $(CANDIDATES); do \
	    if "$$name" -c '$(NEW_ENOUGH)' 2>/dev/null; then python="$$name"; break; fi; done; \
	fi; \
	if [ -z "$$python" ] || ! "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then \
	  tried="$${python:-python3}"; \
	  echo "Arrears needs Python 3.11 or newer; $$tried is" "$$("$$tried" --version 2>/dev/null || echo not there)." >&2; \
	  echo "Install one, or name it: make setup PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	if ! $(PY) -c '$(NEW_ENOUGH)' 2>/dev/null || { [ -n "$(PYTHON)" ] && \
	    [ "$$($(PY) -c 'import sys; print(sys.version)')" != "$$("$$python" -c 'import sys; print(sys.version)')" ]; }; then \
	  echo "setup: .venv with $$("$$python" --version)"; \
	  "$$python" -m venv --clear .venv || { \
	    echo "$$python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	fi
	@echo "setup: the packages of requirements.lock"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-compile --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
	@touch $@

test: setup ## the whole suite but the long fault runs; starts its own Kafka and PostgreSQL
	@$(PY) -m shared.local.jars
	$(PY) -m pytest tests -m "not faults" $(ARGS)

test-faults: setup ## crashes, lost answers, kill -9 under load
	@$(PY) -m shared.local.jars
	$(PY) -m pytest tests -m faults $(ARGS)

lint: setup ## style, format, who may import what, spelling, containers
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/codespell
	.venv/bin/hadolint deploy/Dockerfile
	.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

types: setup ## mypy, strict
	$(PY) -m mypy

check: lint types ## lint and types

format: setup ## let ruff put the files in shape
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

demo: setup ## 1,000 customers, 180 days; ARGS="--customers N --days N --seed N --exit"
	.venv/bin/arrears demo $(ARGS)

up: setup ## run everything; state stays in .arrears (ARGS=--fresh erases it)
	.venv/bin/arrears up $(ARGS)

replay: setup ## make replay FILE=events.jsonl: the same decisions again, without broker and database
	@test -n "$(FILE)" || { echo 'make replay FILE=events.jsonl [ARGS="--out published.jsonl"]' >&2; exit 2; }
	.venv/bin/arrears replay "$(FILE)" $(ARGS)

bench: setup ## measure, on the embedded parts
	$(PY) -m benchmarks $(ARGS)

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

lock: ## renew requirements.lock and its parts for the image (needs uv)
	$(COMPILE) --extra local --extra dev --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --constraint requirements.lock pyproject.toml -o requirements-production.lock
	echo hatchling | $(COMPILE) --constraint requirements.lock - -o requirements-build.lock

jars: setup ## renew the pin of Kafka's jars
	$(PY) -m shared.local.jars pin

clean: ## remove .venv, caches and all local data
	@find .arrears -type l -name data -exec sh -c 'rm -rf "$$(readlink "$$1")"' _ {} \; 2>/dev/null || true
	rm -rf .venv .arrears .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
