# Everything goes through uv, which brings Python packages that fit each other (uv.lock). Where uv is absent it is
# fetched with pip into .uv/, a private folder; nothing else on the machine is touched.
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := .uv/bin/uv
endif
PYTHON ?= python3
# A worker a core, each with one thread (tests/conftest.py); a file's tests stay together, so that what they share is made once.
PYTEST := .venv/bin/python -m pytest -n auto --maxprocesses 8 --dist loadfile
export UV_LINK_MODE ?= copy

.PHONY: setup demo test check tiny bench docs
setup: .venv/.ready

.uv/bin/uv:
	$(PYTHON) -m pip install --quiet --target .uv uv

.venv/.ready: pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked
	@touch .venv/.ready

demo: setup  ## the main job: one model, its single-task twins, the comparison
	.venv/bin/motet demo

# Threads that spin while they wait make steps twenty times slower where something else runs, too.
test check: export OMP_WAIT_POLICY ?= PASSIVE

test: setup  ## all tests (set MOTET_DATA for those on real data)
	$(PYTEST)

check: setup  ## what a change must pass: style, types, tests
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy && $(PYTEST)

bench: setup  ## every bench, ratios in one run, tables in bench/*.md
	$(UV) sync --locked --group bench
	for file in bench/bench_*.py; do .venv/bin/python $$file || exit 1; done

docs: setup  ## the pages under site/
	$(UV) run --locked --group docs mkdocs build --strict
