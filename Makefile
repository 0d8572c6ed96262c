# What people and .ci/run call. Needs Rust, Python 3.10 or newer with venv and pip, and a C compiler.
#
#   make demo     run the example shop on every core, twice
#   make test     every test, Rust and Python
#   make faults   every way in which a run is broken on purpose, each on several numbers of workers
#   make matrix   a smoke of the suite on other versions of Python and pytest (SESSIONS: see noxfile.py)
#   make check    formats, lints, types, stubs (mypy.stubtest), arrows, names
#   make bench    measure ROWS of the speed table against pytest and pytest-xdist
#   make fuzz     feed hostile bytes to every parser, FUZZ_SECONDS each
#   make docs     write docs/reference/options.md anew

PYTHON ?= python3
VENV ?= .venv
CARGO ?= cargo
FUZZ_SECONDS ?= 60
BENCH ?= .bench
ROWS ?= empty sleep
SESSIONS ?= smoke

BIN := $(abspath $(VENV))/bin
COMPAT := $(VENV)-compat
ENGINE := Cargo.toml Cargo.lock pyproject.toml $(shell find rust -name '*.rs' -o -name Cargo.toml)
PACKAGE := $(shell find pytest_concurrent -name '*.py' -o -name '*.pyi')

# Cargo finds the interpreter of the virtual environment, not whichever comes first on PATH.
export PYO3_PYTHON := $(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The sanitizer is a matter of nightly; where there is none, the compiler that is there is allowed it.
FUZZ = $(if $(shell rustup toolchain list 2>/dev/null | grep nightly),$(CARGO) +nightly,RUSTC_BOOTSTRAP=1 $(CARGO)) fuzz

.PHONY: help demo test faults matrix check bench fuzz docs clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

# As a user installs it: a wheel, built by maturin through pip.
$(VENV)/demo-installed: $(ENGINE) $(PACKAGE) examples/shop/requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet . --requirement examples/shop/requirements.txt
	@touch $@

# As a developer does: edited Python files count at once, the engine is rebuilt when it changes.
$(VENV)/developer-installed: $(ENGINE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group test --group check
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Other people's plugins, which would change every run of our own tests; tests/compat runs suites in
# it. The engine is not built a second time: its installation is borrowed.
$(COMPAT)/installed: pyproject.toml $(VENV)/developer-installed
	$(BIN)/python -m venv $(COMPAT)
	$(COMPAT)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(COMPAT)/bin/python -m pip install --quiet --group compat
	cp -R $(VENV)/lib/python*/site-packages/pytest_concurrent_engine* $(COMPAT)/lib/python*/site-packages
	@touch $@

demo: $(VENV)/demo-installed
	@echo
	@echo "== First run: nothing is known about these tests, so they run in file order."
	@echo "== pytest --concurrent"
	@cd examples/shop && $(BIN)/pytest --cache-clear --concurrent
	@echo
	@echo "== Second run: the first one measured every test, so long ones that would come last start first."
	@echo "== pytest --concurrent"
	@cd examples/shop && $(BIN)/pytest --concurrent

test: $(VENV)/developer-installed $(COMPAT)/installed
	$(CARGO) test --workspace
	$(BIN)/python -m pytest

faults: $(VENV)/developer-installed
	$(BIN)/python -m pytest tests/faults

matrix: $(VENV)/developer-installed
	$(BIN)/python -m pip install --quiet --group matrix
	$(BIN)/nox --sessions $(SESSIONS)

check: $(VENV)/developer-installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest tests/house

bench: $(BIN)/python
	$(BIN)/python benchmarks/setup.py $(BENCH)
	$(BIN)/python benchmarks/rows.py --home $(BENCH) $(ROWS)

fuzz:
	@command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz" >&2; exit 1; }
	cd rust/fuzz && for target in $$($(FUZZ) list --fuzz-dir .); do \
		mkdir -p corpus/$$target && \
		$(FUZZ) run --fuzz-dir . $$target corpus/$$target $$(ls -d seeds/$$target 2>/dev/null) \
			-- -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

docs: $(VENV)/developer-installed
	mkdir -p docs/reference
	$(BIN)/python -m pytest_concurrent.options > docs/reference/options.md

clean:
	rm -rf $(VENV) $(COMPAT) target rust/fuzz/target
	find . -name __pycache__ -prune -exec rm -rf {} +
