# Two commands do everything: `make demo` and `make test`. Each makes .venv first when it is missing
# or when pyproject.toml or constraints.txt changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Other people's packages, with all that they bring, stay out of the environment of the work; the
# peers of `make bench` have licences and version caps of their own besides.
PEERS := .venv-integrations
BENCH_VENV := .venv-bench

.DEFAULT_GOAL := help
.PHONY: help demo test test-checkout test-fast test-integrations test-release lint pins bench mutants load figures significance intervals fronts table docs clean

help:  ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/' | column -t -s ':'

# The stamp is the last thing to appear, so an installation that was cut short is made again.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[html,lint,plot,test]'
	@touch $@

$(PEERS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[browser,dask,deeptime,docs,h5ad,lightning,ray,scvi,test]' scanpy
	@touch $@

demo: $(VENV)/.installed  ## run the whole road on digits and on a torus, pictures into demo/
	@$(BIN)/topopert demo

test: lint  ## lint, then all tests, slow ones included, beside those of the release
	@$(MAKE) --no-print-directory --jobs=2 test-checkout test-release

# Traced, for lines that no test runs are a fault as well.
test-checkout: $(VENV)/.installed
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage json --quiet -o .coverage.json
	$(BIN)/python -m tests.coverage_floor .coverage.json

test-fast: $(VENV)/.installed  ## the tests that take no more than 2 s each
	$(BIN)/python -m pytest -m 'not slow'

test-release: $(VENV)/.installed  ## sdist and wheel; the wheel's fast tests with the lowest versions allowed
	$(BIN)/python -m tests.release

test-integrations: $(PEERS)/.installed  ## the tests and examples with other people's packages
	$(PEERS)/bin/python -m pytest -m integration

lint: $(VENV)/.installed  ## formatter, linter, import layers, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

$(BENCH_VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

bench: $(BENCH_VENV)/.installed  ## speed, as ratios measured in one run
	@OMP_NUM_THREADS=1 $(BENCH_VENV)/bin/python -m tests.benchmarks

mutants: $(VENV)/.installed  ## plant faults in the theory's lines, one at a time: do the tests notice?
	@$(BIN)/python -m tests.mutants

load: $(VENV)/.installed  ## peak memory and seconds of large comparisons
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.load

figures: $(VENV)/.installed  ## every figure and table of README and of the paper
	@OMP_NUM_THREADS=1 $(BIN)/python -m paper_figures

significance: $(VENV)/.installed  ## regenerate the table of error rates in topology/significance.py
	$(BIN)/python -m tests.error_rates

intervals: $(VENV)/.installed  ## regenerate the table of intervals in comparison/statistics/pair_estimate.py
	$(BIN)/python -m tests.interval_coverage

fronts: $(VENV)/.installed  ## measure the fronts that the default coupling is chosen from
	@$(BIN)/python -m paper_figures.fronts

table: $(VENV)/.installed  ## every data set, every arm: regenerate the tables that README shows
	@$(BIN)/python -m paper_figures.lifting_table

docs: $(PEERS)/.installed  ## build the API documentation from docstrings, into docs/
	@rm -rf docs
	@$(PEERS)/bin/python -m tests.api_docs

# Resolved for the CPU: a CUDA build of PyTorch is no part of the pins, and setuptools comes with
# the environment. matplotlib before 3.10.8 says that pyparsing 3.3 has renamed what it calls.
RESOLVE = uv pip compile pyproject.toml --quiet --custom-compile-command 'make pins' --all-extras --python-version 3.11 \
	--python-platform x86_64-manylinux_2_28 --annotation-style line --output-file
NO_CUDA = sed -i -E '/^(nvidia-|cuda-|triton|setuptools)/d'

pins:  ## resolve constraints.txt and constraints-lowest.txt anew after pyproject.toml changed; needs uv
	$(RESOLVE) constraints.txt  # what is pinned there stays where it suits
	echo 'pyparsing<3.3' > .bounds.txt
	$(RESOLVE) constraints-lowest.txt --resolution lowest-direct --constraint .bounds.txt
	rm .bounds.txt
	$(NO_CUDA) constraints.txt constraints-lowest.txt

clean:  ## remove the environment and what was made
	rm -rf $(VENV) $(PEERS) $(BENCH_VENV) demo docs .coverage* .demo-* .pytest_cache .hypothesis .ruff_cache .import_linter_cache
