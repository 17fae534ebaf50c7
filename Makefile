# Needs Python 3.11 or newer, make and git. Everything is installed into .venv and .tox.

# Interpreters that pyenv holds are found, too, without being made global.
PYENV_ROOT ?= $(HOME)/.pyenv
empty :=
space := $(empty) $(empty)
pyenv := $(wildcard $(PYENV_ROOT)/versions/3.11.*/bin $(PYENV_ROOT)/versions/3.12.*/bin \
	$(PYENV_ROOT)/versions/3.13.*/bin)
export PATH := $(subst $(space),:,$(strip $(pyenv))):$(PATH)

# GNU make before 4.4 does not hand its variables on to $(shell).
PYTHON ?= $(shell PATH='$(PATH)'; for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && command -v $$python && break; done)
TOX := .venv/bin/tox
# Left to itself tox insists on the newest interpreter of its list, there or not.
export LAB_PYTHON := $(CURDIR)/.venv/bin/python

NODE := node_modules/.package-lock.json

.PHONY: help mitm mitm-all appium kills leftovers selftest truth node test whole test-older lint coverage bench docs clean

help:
	@echo "make mitm   attack the embedded phone and curl, print the verdicts, write reports/<run>/"
	@echo "make mitm-all  the same with the whole catalogue, not only its core"
	@echo "make appium attack the embedded phone through real Appium and adb, and compare the verdicts"
	@echo "make kills  kill runs on a virtual phone at random moments, restore, compare; the same for bundles"
	@echo "make leftovers  end and kill runs on the kernel's networks, compare the machine's before and after"
	@echo "make selftest  clients that are wrong on purpose against all attacks: would the lab notice?"
	@echo "make truth  compare every verdict on curl and wget with their own exit codes"
	@echo "make test   pass the project's tests"
	@echo "make whole  pass those that carry out whole runs of the lab, of its phone or of Appium"
	@echo "make test-older  pass them with Python 3.11 and 3.12, where these are there"
	@echo "make lint   check style, types and import rules"
	@echo "make coverage  check that every branch of judge and pinning is tested"
	@echo "make bench  measure the performance budgets"
	@echo "make docs   write the generated pages and schemas anew"
	@echo "make clean  remove everything that was installed or built"

mitm: $(TOX)
	@UV_COMPILE_BYTECODE=1 $(TOX) run -q -e mitm -- $(ARGS)

mitm-all: $(TOX)
	@UV_COMPILE_BYTECODE=1 $(TOX) run -q -e mitm -- -m mitm $(ARGS)

appium: $(TOX) $(NODE)
	@$(TOX) run -q -e boundary -- $(ARGS)

kills: $(TOX)
	@$(TOX) run -q -e kills -- $(ARGS)

leftovers: $(TOX)
	@$(TOX) run -q -e leftovers -- $(ARGS)

selftest: $(TOX)
	@$(TOX) run -q -e selftest -- $(ARGS)

truth: $(TOX)
	@$(TOX) run -q -e truth -- $(ARGS)

node: $(NODE)

$(NODE): package.json package-lock.json
	@command -v npm >/dev/null || { echo "make: needs Node 20.19 or newer with npm, and adb" \
		"(Debian: apt install adb)" >&2; exit 2; }
	@echo "Installing Appium and its UiAutomator2 driver into node_modules"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $(NODE)

# With the newest interpreter that there is.
test: $(TOX)
	@$(TOX) run -e py$(if $(ARGS), -- $(ARGS))

whole: $(TOX) $(NODE)
	@$(TOX) run -e whole$(if $(ARGS), -- $(ARGS))

OLDER ?= py311,py312

# With older interpreters.
test-older: $(TOX)
	@$(TOX) run -e $(OLDER) $(if $(ARGS),-- $(ARGS))

coverage: $(TOX)
	@$(TOX) run -e coverage

lint: $(TOX)
	@$(TOX) run -e lint

bench: $(TOX)
	@$(TOX) run -q -e bench

docs: $(TOX)
	@$(TOX) run -q -e docs

$(TOX): Makefile
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11, 3.12 or 3.13 with venv" \
		"(Debian: apt install python3-venv), or PYTHON=/path/to/python" >&2; exit 2; }
	@echo "Setting up .venv with $(PYTHON)"
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check "tox>=4.26" "tox-uv>=1.26"
	@touch $(TOX)

clean:
	rm -rf .venv .tox node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
