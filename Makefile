# Two commands suffice: `make run` runs everything on this machine, `make test` runs every test.
# All paths are relative, so that the folder may lie anywhere, spaces in its name included.

SHELL = /bin/sh
BIN = .venv/bin
TEST_PROCESSES ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore

.PHONY: help run demo test lint bench soak audit clean runtime tests-installed browser

help:
	@echo "make run     everything on this machine: web, worker, clock, Redis, SQLite under instance/"
	@echo "make demo    the same, filled with an example organisation"
	@echo "make test    linter, type checks and every test, browser tests included"
	@echo "make lint    linter and type checks only"
	@echo "make bench   the measurements, each with its target; BENCH=--small tries them out, BENCH=--long takes hours"
	@echo "make soak    the long tests: hours of load and of killed processes"
	@echo "make audit   known vulnerabilities of the pinned packages; asks the Python Package Index"
	@echo "make clean   removes .venv and caches; instance/ with its data stays"

run: runtime
	@exec $(BIN)/oncall up

demo: runtime
	@exec $(BIN)/oncall up --demo

test: tests-installed browser lint
	@exec $(BIN)/python -m pytest -q -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

lint: tests-installed
	$(BIN)/ruff check --isolated --line-length 125 --select E,F,I,UP,B app plugins bench migrations wsgi.py
	$(BIN)/ruff check --isolated --line-length 142 --select E,F,I,UP,B tests
	$(BIN)/mypy --strict app/core app/plugin_api.py $(wildcard app/*/rules.py)

bench: tests-installed
	@exec $(BIN)/python -m bench $(BENCH)

soak: tests-installed
	@exec $(BIN)/python -m pytest -q -m soak

audit: tests-installed
	@[ -x .venv-audit/bin/pip-audit ] || { $(BIN)/python -m venv .venv-audit && .venv-audit/bin/python -m pip install -q pip-audit; }
	@exec .venv-audit/bin/pip-audit --disable-pip --require-hashes -r requirements.txt

clean:
	rm -rf .venv .venv-audit build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/.artifacts
	find app plugins tests bench migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call installed,<requirements>,<stamp>,<options>): a virtual environment with exactly these packages. The stamp holds the
# checksum of what was asked for and the place, so that a second call costs nothing and a moved folder is noticed.
define installed
	@want="$$(cat $(1) setup.cfg | cksum) $$PWD"; \
	[ -x $(BIN)/python ] && [ "$$(cat .venv/$(2) 2>/dev/null)" = "$$want" ] && exit 0; \
	python=; \
	for name in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  command -v "$$name" >/dev/null 2>&1 || continue; \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  python="$$name"; break; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer is missing: install it, or name it with make PYTHON=/path/to/python3" >&2; exit 1; fi; \
	if ! "$$python" -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; fi; \
	grep -qsF "$$PWD" .venv/place || "$$python" -m venv --clear .venv || exit 1; \
	echo "$$PWD" > .venv/place; \
	echo "Installing the packages of $(1) into .venv (once)"; \
	$(BIN)/python -m pip install -q $(3) --no-deps --require-hashes -r $(1) || exit 1; \
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e . || exit 1; \
	echo "$$want" > .venv/$(2)
endef

runtime:
	$(call installed,requirements.txt,installed)

# Most of what the tests bring is never imported: it is compiled where it is.
tests-installed:
	$(call installed,requirements-test.txt,installed-tests,--no-compile)

browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null 2>&1 && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium && exit 0; fi; \
	echo "Chromium is missing: the browser tests need it (Debian and Ubuntu: apt-get install chromium)" >&2; exit 1
