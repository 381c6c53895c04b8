# `make` lists the targets. The first one that needs .venv builds it with all versions pinned.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
OUT ?= results
SEED ?=
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help grade check test lint messages release validate peers cuda bench docs pictures lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# torch comes first and alone: it is the only wheel that an ordinary resolve may take from elsewhere.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

grade: $(INSTALLED) ## Grade the sample class (OUT=results SEED=...)
	$(BIN)/grader grade tests/submissions --out $(OUT) $(if $(SEED),--seed $(SEED))

check: $(INSTALLED) ## Check one file against the public cases: make check FILE=homework.py
	@$(BIN)/grader check $(if $(FILE),$(FILE),$(error name the file: make check FILE=homework.py)) || [ $$? -eq 1 ]

# Tests marked "alone" look at the whole machine, so nothing else may run beside them; only the files
# that contain such tests are collected for the second run, which happens even if the first one fails.
# Tests that need a missing part of the machine (a browser, PostgreSQL, ...) are skipped and listed at
# the end; with GRADER_TESTS_REQUIRE_ALL=1 they fail.
test: $(INSTALLED) ## Run all tests (TESTS=tests/unit/source/test_read.py for some)
ifdef TESTS
	$(BIN)/python -m pytest $(TESTS)
else
	first=0; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not alone" --numprocesses=2 --dist=loadfile --no-loadscope-reorder || first=$$?; \
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='*.py' 'mark\.alone' tests) && exit $$first
endif

lint: $(INSTALLED) ## ruff, mypy --strict and the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Without dates and line numbers, the catalogues change only if a text does.
messages: $(INSTALLED) ## Update the catalogues in grader/judging/locale/ from the code, and compile them
	@mkdir -p build
	$(BIN)/pybabel --quiet extract -F babel.cfg -k N_ --no-location --omit-header -o build/messages.pot grader
	$(BIN)/pybabel --quiet update -i build/messages.pot -d grader/judging/locale --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	$(BIN)/pybabel --quiet compile -d grader/judging/locale

release: $(INSTALLED) ## Generate assignment/ and solution/ from the rubric and grader/homework/material/
	$(BIN)/grader release

validate: $(INSTALLED) ## Test the grader on the solution and its mutants, and measure the pass mark
	$(BIN)/grader validate

# The tools that the benchmark compares with, one environment each: their packages slow each other's imports.
build/bench-env/%/.installed: tests/benchmarks/peers-constraints.txt
	$(PYTHON) -m venv build/bench-env/$*
	build/bench-env/$*/bin/python -m pip install --quiet --disable-pip-version-check -c $< torch==2.13.0
	build/bench-env/$*/bin/python -m pip install --quiet --disable-pip-version-check -c $< $* ipykernel
	@touch $@

peers: build/bench-env/otter-grader/.installed build/bench-env/nbgrader/.installed ## Install otter-grader and nbgrader separately, for the tests of `convert` and the benchmark

# pip's default on Linux: 6 GB. Everything except torch and its own requirements is pinned.
build/torch-cuda/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv build/torch-cuda
	grep -v '^torch==' constraints.txt > build/torch-cuda/constraints.txt
	build/torch-cuda/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-cache-dir -c build/torch-cuda/constraints.txt torch==2.14.1 -e .
	@touch $@

cuda: build/torch-cuda/.installed ## Install the grader beside a torch with CUDA, for the tests of environments

bench: $(INSTALLED) peers ## Time this grader against pytest, otter-grader and nbgrader, and confinement and canary separately
	$(BIN)/python tests/benchmarks/bench_peers.py
	$(BIN)/python tests/benchmarks/bench_confinement.py
	$(BIN)/python tests/benchmarks/bench_canary.py

docs: $(INSTALLED) ## Build the manual, and render handout, solution and derivation, in build/docs/
	$(BIN)/sphinx-build --quiet --fail-on-warning --nitpicky docs build/docs/manual
	$(BIN)/python tools/render.py --out build/docs

pictures: $(INSTALLED) ## Take the manual's pictures: of pages of the sample class, and of a terminal
	$(BIN)/grader grade tests/submissions --out build/pictures
	$(BIN)/grader similar tests/submissions --out build/pictures
	PYTHONPATH=tests:tests/support $(BIN)/python tools/screenshots.py build/pictures
	PYTHONPATH=tests:tests/support:tests/benchmarks $(BIN)/python tools/terminals.py

lock: $(INSTALLED) ## Write the installed versions to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt

clean: ## Remove everything that make built
	rm -rf $(VENV) build results
