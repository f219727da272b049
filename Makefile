# PyMW: what one types here. `demo`, `check` and `test` first set up what they need (scripts/setup).
# PYTHON=/path/to/python3.12 picks the interpreter of .venv; ARGS="-k checkpoint" goes to pytest.

PYTHON ?= python3
export PYTHON
run := .venv/bin/python -m
# Most of the tests' time is waiting, for clients' own clocks: two files at a time, each file in one process, in order.
two := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help demo test soak fault-matrix check clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    a BOINC project on this machine: server, two volunteers, and a program that uses them'
	@echo 'make test    run every test (ARGS="-k checkpoint" for some)'
	@echo 'make soak    repeat what depends on chance much more often (an hour at most)'
	@echo 'make fault-matrix  bring about every fault, and write docs/fault-matrix.md'
	@echo 'make check   lint, formatting, types, and the worker'"'"'s Python 2.5 subset'
	@echo 'make clean   remove what was built here, .venv included'

demo:
	@scripts/setup demo
	@.venv/bin/python examples/demo.py

test:
	@scripts/setup test
	@scripts/chroot >/dev/null || echo 'make: no 32-bit system: its tests cannot run'
	$(run) pytest $(two) --durations=10 $(ARGS)

soak:
	@scripts/setup test
	PYMW_SOAK=1 $(run) pytest $(two) -m soak --durations=10 $(ARGS)

fault-matrix:
	@scripts/setup test
	@scripts/chroot >/dev/null
	$(run) pytest $(two) -m fault --fault-matrix=docs/fault-matrix.md $(ARGS)

check:
	@scripts/setup check
	$(run) ruff check
	$(run) ruff format --check
	$(run) mypy
	.venv/bin/vermin --quiet --no-tips --violations -t=2.5- -t=3.0- worker

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .zig-cache zig-out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
