# The project's habits. Everything is prepared in .venv and .cache; `make clean` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL_FILES := bin/* lib/*.sh .ci/run $(shell find test/support/buildpacks -path '*/bin/*' -o -name '*.sh')
# As many test processes as processors; a build is a process of its own.
WORKERS ?= auto

.PHONY: help install demo test lint format check lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(READY) ## Prepare the development environment

$(READY): test/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo 'Slugfit is developed with Python 3.10 or later: make PYTHON=python3.13 …'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) \
		|| { echo 'This Python can not make environments. On Debian: apt install python3-venv'; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

demo: $(READY) ## Build the example app as Heroku would, boot it, ask it, rebuild it
	@PYTHONPATH=test $(BIN)/python -m support.demo

test: $(READY) ## Run all tests
	$(BIN)/pytest --numprocesses $(WORKERS)

lint: $(READY) ## Check style, types and spelling
	$(BIN)/shellcheck --external-sources $(SHELL_FILES)
	$(BIN)/shfmt --diff $(SHELL_FILES)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell

format: $(READY) ## Put files into the one style
	$(BIN)/shfmt --write $(SHELL_FILES)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

check: lint test ## Everything that CI runs

lock: $(READY) ## Resolve the requirements anew, with hashes
	cd lib/requirements && ../../$(BIN)/uv pip compile helper.in --output-file helper.txt \
		--universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--custom-compile-command 'make lock'
	cd test && ../$(BIN)/uv pip compile requirements.in --output-file requirements.txt \
		--universal --python-version 3.10 --generate-hashes --no-emit-index-url --upgrade \
		--constraints ../lib/requirements/helper.txt --custom-compile-command 'make lock'

clean: ## Remove what the other targets made
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
