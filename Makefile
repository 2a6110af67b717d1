# `make demo` and `make test` are the whole set-up: each makes the environment first if it is missing or out of date.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Native thread pools would otherwise take every core in every process.
export POLARS_MAX_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
export RAY_USAGE_STATS_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help install demo down test suite check bench accuracy nightly lock clean

help:            ## show this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  *##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: pyproject.toml constraints.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sextant needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.lock -e '.[demo,dev,aws,lakehouse,ml,train]'
	@touch $@

install: $(VENV)/.installed ## make the environment

demo: install    ## start Sextant on 127.0.0.1:8000 and govern a demo estate
	$(BIN)/python -m serve.demo

down: install    ## stop Sextant, leaving no process
	$(BIN)/sextant down

test: install    ## all checks and tests, side by side
	@$(MAKE) --no-print-directory --jobs 2 check suite

suite: install   ## the tests alone, in two processes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15

check: install   ## lint and types only
	$(BIN)/ruff check cluster actors serve configs tests
	$(BIN)/ruff format --check cluster actors serve configs tests
	$(BIN)/mypy

bench: install   ## benchmarks, printed as ratios side by side
	$(BIN)/python -m tests.benchmarks.run

accuracy: install ## how right the labels are, beside Presidio and DataProfiler (some 15 minutes)
	$(BIN)/python -m tests.accuracy

nightly: install ## hours: the long forms of the suites (50 kills, 200 edit scripts, 1,000 faulty lists, 10,000 interleavings of decisions), 20 GB of each format
	LONG_TESTS=1 $(BIN)/python -m pytest -s --timeout=7200 tests/on_ray/test_scans_killed.py \
		tests/store/test_scan_incremental.py tests/connectors/test_faulty_listing.py tests/on_ray/test_model_endpoints.py \
		tests/store/test_classification_machine.py tests/unit/test_sample_labels.py \
		tests/store/test_bad_columns.py tests/api/test_http_openapi.py tests/api/test_http_hidden_assets.py tests/unit/test_entity_training.py tests/e2e/test_killed_in_mid_run.py tests/api/test_http_dbt.py
	$(BIN)/python -m tests.benchmarks.bench_volume --gb 20
	$(BIN)/python -m tests.benchmarks.bench_forecast
	$(BIN)/python -m tests.benchmarks.bench_cascade --rows 300000
	$(BIN)/python -m tests.benchmarks.bench_source_load --pairs 40 --reading-only
	$(BIN)/python -m tests.benchmarks.bench_source_load --pairs 40

lock: install    ## resolve the dependencies anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --upgrade --quiet --no-header --no-annotate pyproject.toml -o constraints.lock

clean: ## remove the environment and caches, not the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
