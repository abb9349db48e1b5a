# The two commands of the README: `make run PROMPT="…"` and `make test`. Both set up whatever is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-stamp
PROMPT ?= A to-do API: tasks have a title, optional notes, a due date, a priority (low, medium, high) and a done flag. List tasks filtered by done and priority, newest first.

.PHONY: setup run test matrix lint bench kills clean
setup: $(STAMP)

$(STAMP): pyproject.toml Makefile
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable . --group dev
	@$(BIN)/python -m compileall -q -x /blueprints/ src
	@touch $@

# Through the environment: what a request says is text, neither make's nor the shell's.
run: export QL_PROMPT := $(value PROMPT)
run: setup
	$(BIN)/ql generate -- "$$QL_PROMPT"

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test: setup
	$(BIN)/pytest

matrix: setup
	$(BIN)/pytest -m matrix --numprocesses=0

bench: setup
	@for name in cli render memory proxy; do $(BIN)/python benchmarks/$$name.py || exit 1; done
	@$(BIN)/python benchmarks/end_to_end.py --cold

# Kills every process of the service at every stage: 50 runs, four kills in each; resumable.
kills: setup
	$(BIN)/python benchmarks/kills.py

clean:
	rm -rf $(VENV)
