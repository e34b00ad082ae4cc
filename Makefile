# The front door. Every target sets up what it needs in .venv, from the hash-pinned lists in .lock/.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# Development mode finds what is never closed or awaited; what it does to malloc would cost an eighth of the time.
PYTEST := PYTHONMALLOC=default $(BIN)/python -X dev -m pytest -q

SEED ?= 1
COLLARS ?= 12
PORT ?=
CHIP ?= esp32c3

help:  ## List the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run  ## A farm of 12 collars, a relay and a phone page, a day in two minutes (DATA=folder: real recordings; SICK=n SEED=n)
	@exec $(BIN)/herdbell-sim demo --stop-with-parent --seed $(SEED) $(if $(DATA),--data "$(DATA)",--collars $(COLLARS)) $(if $(SICK),--sick $(SICK)) $(ARGS)

run: .venv/run  ## The relay alone, for real use (CONFIG=herdbell.toml)
	@exec $(BIN)/herdbell serve $(if $(CONFIG),--config "$(CONFIG)",$(if $(wildcard herdbell.toml),--config herdbell.toml)) $(ARGS)

doctor: .venv/run  ## Check configuration, ports, interpreter, disk and clock, and say what to do
	@$(BIN)/herdbell doctor $(if $(CONFIG),--config "$(CONFIG)",$(if $(wildcard herdbell.toml),--config herdbell.toml))

test: lint layers types mpy unit e2e packaging docs  ## Everything that needs no board, fast gates first
	@echo "make test: all gates passed"

lint: .venv/dev  ## Format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

layers: .venv/dev  ## Who imports whom
	$(PYTEST) tests/test_layers.py

types: .venv/dev .typings/stamp  ## mypy strict on the host code, pyright with the ESP32 stubs on the collar
	$(BIN)/mypy
	$(BIN)/basedpyright --project firmware/pyrightconfig.json

mpy: .venv/dev  ## Compile every firmware file; size budget
	$(PYTEST) tests/collar/test_firmware_budget.py

wasm:  ## The 32-bit MicroPython that the unit tests run, where npm can fetch it
	@$(MAKE) --no-print-directory build/wasm/stamp || echo "NO 32-BIT MICROPYTHON: npm is not here (apt-get install npm) or could not fetch it"

# --use-openssl-ca: trust whom the system trusts, as pip and git do.
build/wasm/stamp: tests/upy/wasm/package-lock.json tests/upy/wasm/package.json
	@mkdir -p build/wasm && cp $^ tests/upy/wasm/.npmrc build/wasm/
	@NODE_OPTIONS=--use-openssl-ca npm ci --prefix build/wasm --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Two halves of a suite on two cores: $(1), and $(2) whose words follow.
define halves
@mkdir -p build
@$(PYTEST) -m "not long" $(2) >build/half.log 2>&1 & other=$$!; trap 'kill $$other' INT TERM; \
echo "$(1) (the other half follows):"; $(PYTEST) -m "not long" $(1); first=$$?; \
wait $$other; second=$$?; echo "$(2):"; cat build/half.log; exit $$((first + second))
endef
STORE := tests/relay/mutants tests/relay/powercut
CHAIN := tests/e2e/test_chain.py tests/e2e/test_demo_processes.py tests/e2e/test_tap.py

unit: .venv/dev wasm  ## Unit tests on CPython, the same cases and golden vectors on the real MicroPython; two halves at once
	$(call halves,tests/relay $(STORE:%=--ignore %),$(STORE) tests/core tests/collar tests/upy tests/simulator \
		--ignore tests/collar/test_firmware_budget.py)

e2e: .venv/dev  ## The whole chain: herd, chip, firmware, frames, relay, message, tap; two halves at once
	$(call halves,$(CHAIN),tests/e2e $(CHAIN:%=--ignore %))

packaging: .venv/dev  ## The wheel holds what it should and runs alone
	$(PYTEST) tests/test_packaging.py

docs: .venv/dev  ## Every command and setting that a page names exists
	$(PYTEST) tests/test_docs.py

test-long: .venv/dev  ## The long suites: thousands of power cuts
	$(PYTEST) -m long --timeout 1800 tests

train: .venv/dev  ## Rebuild behaviour model, collar tables and model card from the packs (DATA=../shared/data)
	$(BIN)/python -m relay.training --data $(or $(DATA),../shared/data)
	$(MAKE) --no-print-directory bench-behaviour
	$(BIN)/python -m relay.training --data $(or $(DATA),../shared/data) --card build/bench/behaviour.json

bench: bench-relay bench-demo bench-firmware bench-behaviour bench-herd bench-alerts bench-whatsapp  ## Every benchmark; tables here, JSON in build/bench

bench-relay: .venv/dev  ## Full ingest against the bare aiohttp ceiling, CPU per frame
	$(BIN)/python tests/bench/relay.py

bench-demo: .venv/dev  ## The demo's chain without a browser: collars x virtual days per minute, trace hash
	$(BIN)/python -m simulator.bench.demo --seed $(SEED)

bench-firmware: .venv/dev  ## Every figure of the collar against its limit: months, bytes, heap, power cuts, faults, speed
	$(BIN)/python tests/bench/firmware.py --seed $(SEED)

bench-behaviour: .venv/dev  ## How cows are told that no model has met, against what must be reached (DATA=../shared/data)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.behaviour --seed $(SEED) $(if $(DATA),--data "$(DATA)")

bench-herd: .venv/dev  ## Whether the virtual herd is believable and hard, against real cows and published figures (DATA=../shared/data)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.herd --seed $(SEED) $(if $(DATA),--data "$(DATA)")

bench-alerts: .venv/dev  ## What a farmer is told, how much is true and how soon, beside the published rules (HERD= COWS= DAYS= DATA=)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.alerts --seed $(SEED) $(if $(HERD),--herd "$(HERD)") \
		$(if $(COWS),--cows $(COWS)) $(if $(DAYS),--days $(DAYS)) $(if $(DATA),--data "$(DATA)")

bench-whatsapp: .venv/dev  ## What reaches a phone when much is told and much goes wrong; speed, pictures, judges
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.bench.whatsapp --seed $(SEED)

flash: .venv/dev  ## Compile the collar's files for the board at PORT, put them on it and start it (SOURCE=1: as they are)
	@$(BIN)/herdbell-sim flash --port "$(PORT)" $(if $(SOURCE),--source)

flash-image: .venv/dev  ## Write MicroPython (IMAGE=), partition table (TABLE=) and identity (PROV=) to the board at PORT (CHIP=)
	@$(BIN)/herdbell-sim flash-image --port "$(PORT)" --chip $(CHIP) $(if $(IMAGE),--image "$(IMAGE)") \
		$(if $(TABLE),--table "$(TABLE)") $(if $(PROV),--prov "$(PROV)")

repl: .venv/dev  ## Open the prompt of the board at PORT; Ctrl-] leaves
	@$(BIN)/herdbell-sim repl --port "$(PORT)"

board-test: .venv/dev  ## Check sensor, interrupt, battery and identity of the board at PORT; each failure says what to do
	@$(BIN)/herdbell-sim board-test --port "$(PORT)"

picture: .venv/dev  ## Make the pictures anew: the phone page in README.md, the states in firmware/README.md
	$(BIN)/python -m tests.collar.state_picture --write
	$(BIN)/python -m tests.e2e.picture

lock: .venv/dev  ## Resolve the hash-pinned lists anew from pyproject.toml
	$(PIP) install uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q --extra checkout pyproject.toml -o .lock/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q --extra checkout --extra dev pyproject.toml -o .lock/dev.txt

format: .venv/dev  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Forget what was built and installed
	rm -rf build dist .venv .typings .mypy_cache .ruff_cache

.venv/bin/python:
	@$(PY) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Herdbell needs Python 3.11 or newer; $(PY) is %d.%d: try make PY=python3.11" % v[:2])'
	@$(PY) -m venv .venv || { echo "python3 -m venv failed: on Debian, apt-get install python3-venv"; exit 1; }

.venv/run: .lock/run.txt pyproject.toml | .venv/bin/python
	@echo "installing what the relay and the demo need into .venv ..."
	@$(PIP) install --require-hashes -r .lock/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .lock/dev.txt .venv/run
	@echo "installing what the tests need into .venv ..."
	@$(PIP) install --require-hashes -r .lock/dev.txt
	@touch $@

.typings/stamp: .lock/typings.txt | .venv/bin/python
	@$(PIP) install --require-hashes --no-deps --upgrade --target .typings -r .lock/typings.txt
	@touch $@

.PHONY: help train demo run doctor test lint layers types mpy wasm unit e2e packaging docs test-long bench bench-relay bench-demo bench-firmware bench-behaviour bench-herd bench-alerts bench-whatsapp \
	flash flash-image repl board-test picture lock format clean
