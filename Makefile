# make demo | make test | make ui | make setup | make lint | make loaders | make bench | make bench-annotators
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
EXTRAS ?= dev,onnx,postgres,s3,quality
# tests and type checks need the packages of models too (torch: some GB)
ALL_EXTRAS ?= $(EXTRAS),models
INSTALLED := $(VENV)/.installed-$(EXTRAS)
ALL_INSTALLED := $(VENV)/.installed-$(ALL_EXTRAS)
BIN := $(VENV)/bin

export DAGSTER_HOME ?= $(CURDIR)/.dagster_home
export GX_ANALYTICS_ENABLED = false
export DAGSTER_DISABLE_TELEMETRY = true
# where it is set, every process would compile all that it imports again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test loaders ui setup lint types check bench bench-annotators clean help

help: ## Show the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

setup: $(INSTALLED) ## Create the environment (.venv) if it is missing or out of date

$(VENV)/.installed-%: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 - 3.13 is needed"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "Python 3.11 - 3.13 is needed, found $$($(PYTHON) --version)"; exit 1; }
	@echo "setting up $(VENV) (once; some minutes on a slow line)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null; then uv pip install --python $(BIN)/python -c constraints.txt -e ".[$*]"; \
	else $(BIN)/python -m pip install --progress-bar on -c constraints.txt -e ".[$*]"; fi
	@touch $@

demo: setup ## Run the main job on the embedded sample and say where to look
	@$(BIN)/provision demo

PYTEST_ARGS ?= -n auto --dist loadfile --no-loadscope-reorder

test: $(ALL_INSTALLED) ## Run all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

loaders: $(VENV)/loaders/lmms_eval/.installed $(VENV)/loaders/vlmevalkit/.installed ## Install lmms-eval and VLMEvalKit for the tests, each beside the environment

# what is listed is installed without dependencies, the rest is the environment's own: a .pth file names its packages
$(VENV)/loaders/%/.installed: tests/mixes/held_out/loaders/%.txt $(ALL_INSTALLED)
	@echo "setting up $(@D)"
	@rm -rf $(@D)
	@$(BIN)/python -m venv --without-pip $(@D)
	@if command -v uv >/dev/null; then uv pip install --quiet --no-deps --python $(@D)/bin/python -r $<; \
	else $(BIN)/python -m pip --python $(@D)/bin/python install --quiet --no-deps -r $<; fi
	@packages='import sysconfig; print(sysconfig.get_path("platlib"))'; \
	$(BIN)/python -c "$$packages" > "$$($(@D)/bin/python -c "$$packages")/shared.pth"
	@touch $@

ui: setup ## Open Dagster's UI on http://127.0.0.1:3000
	@$(BIN)/provision home
	@$(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

lint: $(ALL_INSTALLED) ## Lint and check types and definitions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check: setup ## Check that the definitions load, as Dagster sees them
	@$(BIN)/provision home
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/dg check defs
	@# dagster says that the next command has a successor, the one above: both are asked for
	@PYTHONWARNINGS='ignore:Function `definitions_validate_command` is superseded' $(BIN)/dagster definitions validate -w workspace.yaml

bench: setup ## Measure the generators
	@$(BIN)/python benchmarks/generators.py

bench-annotators: $(ALL_INSTALLED) ## Measure the annotators, with small models
	@$(BIN)/python benchmarks/annotators.py

clean: ## Remove what demo and ui have made (not the environment)
	rm -rf data .dagster_home
