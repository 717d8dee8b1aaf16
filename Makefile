# Everything a newcomer types. PYTHON=python3.12 picks an interpreter; ARGS go to the program behind the target.
# The distribution's interpreter where it is new enough: it is built with profile-guided optimisation, which one built
# by hand often is not (measured: a fifth more messages a second). Else the first on the path.
PYTHON ?= $(shell for python in /usr/bin/python3 python3; do $$python -c $(NEW_ENOUGH) 2>/dev/null && echo $$python && exit; done; echo python3)
NEW_ENOUGH := 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
ARGS ?=
# One worker more than there are cores: a third of the time a test waits for a timer, a process or the disk.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --use-pep517

.PHONY: help demo test check bench soak lock clean
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo    run Gatepost with a catch-all provider and a scripted agent   (ARGS=--once checks and ends)"
	@echo "make test    the whole test suite                                          (ARGS='-k words' narrows it)"
	@echo "make check   lint, format, types, direction of imports"
	@echo "make bench   the benchmark, with the peers that are installed beside it    make soak: 5,000 messages by weight, then kill -9"
	@echo "make lock    renew the locked requirements (needs uv)                      make clean: remove what was made"

demo: .venv/.runtime
	@$(BIN)/gatepost demo $(ARGS)

# Without compiled files every worker, and every process that a test starts, compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE
test: .venv/.dev
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist worksteal $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	@$(BIN)/python -m benchmarks $(ARGS)

soak: .venv/.dev
	@$(BIN)/python -m tests.split
	@$(BIN)/python -m tests.soak $(ARGS)

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv (https://docs.astral.sh/uv/)" >&2; exit 1; }
	uv pip compile $(LOCK) pyproject.toml build-requirements.in -o requirements.lock
	uv pip compile $(LOCK) --extra dev -c requirements.lock pyproject.toml build-requirements.in -o requirements-dev.lock
LOCK := --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find policy config relay tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: each is made after its installation is complete, so an interrupted one is done again.
# The development lock holds everything of the runtime lock, so it stamps both.
.venv/.runtime: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked dependencies into .venv (once) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing the locked development dependencies into .venv (once) …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch .venv/.runtime $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Gatepost needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null || echo not there); name another with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Gatepost needs Python's venv module, which $(PYTHON) lacks (on Debian: apt install python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
