# make demo [VIDEO=lecture.mp4] · make test · make lint · make simulate [SEEDS=1000] · make bench · make bench-omr · make clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The machine's own pip installs into .venv: a Python without ensurepip is enough.
PIP := $(PYTHON) -m pip --disable-pip-version-check --python $(BIN)/python
PLAYER := control_plane/watch

.PHONY: demo up test simulate corpus lint format bench bench-omr bench-progress train stress images-check synth deploy lock clean help

help:
	@head -1 Makefile | cut -c3-

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --without-pip $(VENV)

# A stamp is written only when an install has ended well, so an interrupted one is repeated.
$(VENV)/runtime.stamp: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the pipeline needs into $(VENV) (once, about 200 MB) …"
	$(PIP) install --quiet --require-hashes -r requirements/runtime.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/runtime.stamp
	@echo "Installing what tests and linters need into $(VENV) (once) …"
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# hls.js and the API's page come from npm; a machine without npm gets one as a Python package. Without them all else
# works, and the page says what is missing: no stamp is written, so that the next run tries again.
$(VENV)/player.stamp: $(PLAYER)/package.json $(PLAYER)/package-lock.json requirements/node.txt | $(VENV)/runtime.stamp
	@echo "Installing the player …"
	@command -v npm >/dev/null || $(PIP) install --quiet --require-hashes -r requirements/node.txt
	@if PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --prefix $(PLAYER) --ignore-scripts --no-audit --no-fund --loglevel=error; \
	then touch $@; else echo "The player could not be installed: streams are made, but not shown in this machine's pages."; fi

demo: $(VENV)/runtime.stamp $(VENV)/player.stamp
	@$(BIN)/academy demo $(if $(VIDEO),"$(VIDEO)")

up: $(VENV)/runtime.stamp $(VENV)/player.stamp
	@$(BIN)/academy up

test: $(VENV)/dev.stamp $(VENV)/player.stamp
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/pytest -n 2 --dist worksteal

# Faults on purpose, on a virtual clock. A seed that ends wrong prints the command that replays it.
SEEDS := 1000
FIRST := 0
VIDEOS := 200
simulate: $(VENV)/dev.stamp
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --first $(FIRST) --videos $(VIDEOS)
	MOMENTS=50 COMPLETED=50 ORDERS_APART=1 $(BIN)/pytest -q --timeout=0 -o faulthandler_timeout=0 -k "sigterm or 64 or seven" tests/jobs/transcode/test_sigterm.py tests/control_plane/videos/test_complete.py tests/control_plane/events/test_consumer.py

# Every awkward file beside the repository, a line each; `make test` runs one of each kind.
corpus: $(VENV)/dev.stamp
	CORPUS=all $(BIN)/pytest tests/corpus -s -o faulthandler_timeout=0

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint containers/*/Dockerfile

# Each image's install steps, as its Dockerfile has them, in an empty folder, and its entry point: a minute or two.
images-check: $(VENV)/dev.stamp
	$(BIN)/python -m tests.containers.images_check

# The stack's template, in cdk.out; STAGE=prod for the other one. Needs node, and neither an account nor a network.
STAGE ?= dev
synth: $(VENV)/dev.stamp
	CDK_OUTDIR=cdk.out PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m cdk.app stage=$(STAGE)

# `npx` fetches the command line of CDK; Docker builds the images, and AWS credentials say where to.
deploy: $(VENV)/dev.stamp
	npx --yes aws-cdk@2 deploy --context stage=$(STAGE)

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.ladder
	$(BIN)/python -m benchmarks.first_picture
	$(BIN)/python -m benchmarks.split

# Answer sheets: sheets a second on one core, and memory; ENGINE=classical to leave the network out.
bench-omr: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.omr_speed $(ENGINE)

bench-progress: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.progress_reads

# The networks from nothing, by their fixed seeds: about a quarter of an hour on one core. Their cards say what to expect.
train: $(VENV)/training.stamp
	$(BIN)/python -m training.train_pages --seed 1
	$(BIN)/python -m training.train_marks --seed 1
	$(BIN)/python -m training.fit_classical --seed 1
	$(BIN)/python -m training.fit_confidence --seed 3

stress: $(VENV)/training.stamp
	$(BIN)/python -m training.stress --seed 1

$(VENV)/training.stamp: requirements/training.in $(VENV)/dev.stamp
	$(PIP) install --quiet -r requirements/training.in
	@touch $@

# Written again only on purpose: the requirements are what a fresh clone installs, to the byte.
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade
lock: $(VENV)/dev.stamp
	$(LOCK) pyproject.toml --extra embedded --extra cpu -o requirements/runtime.txt
	$(LOCK) pyproject.toml --extra embedded --extra cpu --extra cdk --extra dev -c requirements/runtime.txt -o requirements/dev.txt
	for image in transcode vision-cpu vision-gpu control-plane; do \
	  $(LOCK) --group $$image -c requirements/runtime.txt -o requirements/$$image.txt || exit 1; done
	$(LOCK) requirements/node.in -o requirements/node.txt

clean:
	rm -rf $(VENV) $(PLAYER)/node_modules .mypy_cache .ruff_cache .pytest_cache
