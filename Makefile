# Everything goes through uv, which brings Python packages that fit each other (uv.lock). Where uv is absent it is
# fetched with pip into .uv/, a private folder; nothing else on the machine is touched.
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .uv/bin/uv
endif
PYTHON ?= python3
# One worker per core, each with one thread (tests/conftest.py); a file's tests stay together, so that what they share is
# made once.
PYTEST := .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile
export UV_LINK_MODE ?= copy
# With another busy process per core, threads that spin while they wait make steps twenty times slower.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: setup demo test lint docs check record coverage test-lowest kills fuzz bench bench-short
setup: .venv/.ready

.uv/bin/uv:
	$(PYTHON) -m pip install --quiet --target .uv uv

.venv/.ready: pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked
	@touch .venv/.ready

demo: setup  ## the main job: one model, single-task baselines, the comparison
	.venv/bin/motet demo

test: setup  ## all tests (set MOTET_DATA for those on real data)
	$(PYTEST)

lint: setup  ## style, types, vocabulary, layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -p no:cacheprovider tests/test_layers.py tests/test_vocabulary.py tests/test_docstrings.py

docs: setup  ## the pages under site/
	$(UV) run --locked --group docs mkdocs build --strict

check: lint docs test  ## what a change must pass

record: setup  ## what the small recipes compute, to the bit: make record FILE=... before a change, MODE=check after it
	.venv/bin/python tests/support/record.py $(or $(MODE),write) $(FILE)

coverage: setup  ## the share of lines that tests run
	$(PYTEST) --cov=motet --cov-report=term:skip-covered

test-lowest: $(filter .uv/bin/uv,$(UV))  ## the tests with the oldest versions that pyproject.toml promises
	UV_PROJECT_ENVIRONMENT=.venv-lowest $(UV) sync --resolution lowest-direct --no-default-groups --group dev
	.venv-lowest/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile -m "not slow"

kills: setup  ## runs of all systems killed at any moment, full disks, two runs in one folder (half an hour): make kills N=100 SEED=0
	.venv/bin/python tests/kills/kills.py --kills $(or $(N),100) --seed $(or $(SEED),0)

fuzz: setup  ## damaged files of every kind, thousands of cases, the counts in docs/FUZZ.md: make fuzz N=3000 SEED=0
	.venv/bin/python tests/fuzz/fuzz.py --cases $(or $(N),3000) --seed $(or $(SEED),0) --out docs/FUZZ.md

bench: setup  ## every bench, ratios in one run, tables in bench/*.md
	$(UV) sync --locked --group bench
	for file in bench/bench_*.py; do .venv/bin/python $$file || exit 1; done
	.venv/bin/python bench/page.py

bench-short: setup  ## some benches in a minute or two; fails where a ratio is a third worse than recorded
	$(UV) sync --locked --group bench
	.venv/bin/python bench/short.py
