# The project's habits. Everything is prepared in .venv and .cache; `make clean` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NPM := .cache/npm/.ready
BENCH := .cache/bench/venv
SLIM := .cache/bench/npm/.ready
SHELL_FILES := $(filter-out bin/action,$(wildcard bin/*)) lib/*.sh .ci/run $(shell find lib/slugfit/local/python -type f)
# Of Slugfit's own dependencies: base first, the others add to it.
GROUPS := base s3 gs az zstd predict
# For processes of their own: they share nothing with those.
RUNTIMES := tflite onnxruntime numpy
UPGRADE := --upgrade
LOCK = $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --quiet \
	--no-emit-index-url $(UPGRADE) --custom-compile-command 'make lock'
# One test process more than processors: some always wait, for a build or a server.
WORKERS ?= $(shell echo $$(( $$(nproc) + 1 )))

.PHONY: help install demo picture test test-fast faults bench-fetch bench-fetch-memory bench-strip bench-slug \
	bench-boot bench-predict bench-models lint format check smoke release lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: $(READY) $(NPM) ## Prepare the development environment

$(READY): test/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo 'Slugfit is developed with Python 3.10 or later: make PYTHON=python3.13 …'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) \
		|| { echo 'This Python can not make environments. On Debian: apt install python3-venv'; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

# Azure's emulator, for the tests of az://.
$(NPM): test/npm/package.json test/npm/package-lock.json
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then cp test/npm/package*.json $(@D) \
		&& npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo 'No npm: the tests against Azure are skipped.'; fi

demo: $(READY) ## Build the example app as Heroku would, boot it, ask it, rebuild it
	@PYTHONPATH=test:lib $(BIN)/python -m support.demo

picture: $(READY) ## Draw README's picture anew, from a real build in a real browser
	@PYTHONPATH=test:lib $(BIN)/python -m support.picture

test: $(READY) $(NPM) ## Run all tests
	$(BIN)/pytest --numprocesses $(WORKERS)

test-fast: $(READY) ## Run the tests of pure logic: under a minute, for the inner loop
	$(BIN)/pytest --numprocesses $(WORKERS) --ignore test/report/browser test/test_floor_plan.py \
		$(addprefix test/,app audit base docs forecast packages report settings slug strip)

faults: $(READY) ## Play many more schedules of faults (SEED=…, EXAMPLES=…, KILLS=…)
	SEED=$(or $(SEED),1000) EXAMPLES=$(or $(EXAMPLES),1000) KILLS=$(or $(KILLS),100) \
		$(BIN)/pytest --numprocesses $(WORKERS) test/faults/test_schedules.py test/faults/test_model_files.py \
		test/faults/test_kills.py test/stores/test_framing.py

bench-fetch: $(READY) $(BENCH)/.ready ## Fetch beside s5cmd, the AWS CLI, boto3 and curl
	@PYTHONPATH=test:lib $(BIN)/python -m bench.fetch $(or $(OPTIONS),--write)

bench-fetch-memory: $(READY) ## Fetch 4 GiB, and see how much memory that takes
	@PYTHONPATH=test:lib $(BIN)/python -m bench.memory $(or $(OPTIONS),--write)

bench-strip: $(READY) $(SLIM) ## Strip eight stacks, beside the recipes and tools that people use
	@PYTHONPATH=test:lib $(BIN)/python -m bench.strip $(or $(OPTIONS),--write)

# serverless slim, one of those tools.
$(SLIM): test/bench/npm/package.json test/bench/npm/package-lock.json
	@mkdir -p $(@D)
	@if command -v npm >/dev/null; then cp test/bench/npm/package*.json $(@D) \
		&& npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo 'No npm: serverless slim is left out.'; fi

bench-slug: $(READY) ## Find out the size of a slug, beside tar with gzip and pigz
	@PYTHONPATH=test:lib $(BIN)/python -m bench.slug $(or $(OPTIONS),--write)

bench-boot: $(READY) ## Find out what unpacking a slug costs
	@PYTHONPATH=test:lib $(BIN)/python -m bench.boot $(or $(OPTIONS),--write)

bench-predict: $(READY) ## Forecast the stacks, beside what a strip then leaves of them
	@PYTHONPATH=test:lib $(BIN)/python -m bench.predict $(or $(OPTIONS),--write)

bench-models: $(READY) ## Serve one model with TensorFlow and with TFLite, side by side
	@PYTHONPATH=test:lib $(BIN)/python -m bench.models $(or $(OPTIONS),--write)

$(BENCH)/.ready: test/bench/requirements.txt
	$(PYTHON) -m venv --clear $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

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

# A few tests of each part, by which a copy shows that nothing is missing.
smoke: $(READY)
	$(BIN)/pytest --numprocesses $(WORKERS) test/bin test/commands test/build/test_main_job.py

release: $(READY) ## Check all, date the changelog, test the registry's tarball, and tag (VERSION=…)
	@PYTHONPATH=lib $(BIN)/python .ci/release.py "$(VERSION)"

lock: $(READY) ## Resolve the requirements anew, with hashes (UPGRADE= keeps what is locked)
	@# Groups share a process: each takes the versions of those before it, and leaves to base
	@# what base installs under every Python.
	cd lib/requirements && options= && for group in $(GROUPS); do \
		../../$(LOCK) $$group.in --output-file $$group.txt $$options || exit 1; \
		options="$$options --constraints $$group.txt"; \
		[ $$group != base ] || options="$$options $$(sed -n \
			's/^\([a-z0-9.-]*\)==[^ ]* \\$$/--no-emit-package \1/p' base.txt)"; \
	done
	cd lib/requirements && for group in $(RUNTIMES); do \
		../../$(LOCK) $$group.in --output-file $$group.txt || exit 1; \
	done
	@# Each into a directory of its own, later ones beside earlier ones. torch-cpu.txt is written by hand.
	cd lib/requirements/tools \
		&& ../../../$(LOCK) tensorflow.in --override tensorflow-overrides.txt --output-file tensorflow.txt \
		&& ../../../$(LOCK) numpy.in --constraints tensorflow.txt --output-file numpy.txt \
		&& ../../../$(LOCK) sklearn.in --constraints numpy.txt --no-emit-package numpy \
			--output-file sklearn.txt \
		&& ../../../$(LOCK) onnx.in --constraints numpy.txt --no-emit-package numpy \
			$$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' sklearn.txt | sort --unique) \
			--output-file onnx.txt \
		&& ../../../$(LOCK) torch.in --output-file torch.txt
	cd test && ../$(LOCK) requirements.in --output-file requirements.txt \
		$(GROUPS:%=--constraints ../lib/requirements/%.txt)
	cd test/bench && ../../$(LOCK) requirements.in --output-file requirements.txt

clean: ## Remove what the other targets made
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis
