# Two commands do everything: `make demo` and `make test`. Each makes .venv first when it is missing
# or when pyproject.toml or constraints.txt changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint bench figures clean

help:  ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/' | column -t -s ':'

# The stamp is the last thing to appear, so an installation that was cut short is made again.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[plot,test]'
	@touch $@

demo: $(VENV)/.installed  ## run the whole road on digits and on a torus, pictures into demo/
	@$(BIN)/topopert demo

test: lint  ## lint, then run all tests, slow ones included
	$(BIN)/python -m pytest

test-fast: $(VENV)/.installed  ## the tests that take no more than 2 s each
	$(BIN)/python -m pytest -m 'not slow'

lint: $(VENV)/.installed  ## formatter, linter, import layers, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

bench: $(VENV)/.installed  ## speed, as ratios measured in one run
	@$(BIN)/python -m tests.benchmarks

figures: $(VENV)/.installed  ## regenerate the pictures and the table that README shows
	$(BIN)/python paper_figures/readme_figures.py

clean:  ## remove the environment and what was made
	rm -rf $(VENV) demo .demo-* .pytest_cache .hypothesis .ruff_cache .import_linter_cache
