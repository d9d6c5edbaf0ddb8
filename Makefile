# `make demo` and `make test` need nothing but Python >= 3.11: they build their
# own environment first. Override PYTHON, TORCH or VENV on the command line, e.g.
#   make test PYTHON=python3.12 TORCH=2.8.0
# Extra pip settings travel in pip's own variables; on Linux without a GPU this one
# saves gigabytes: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
VENV ?= .venv
# The one place of the version is the constraints file.
TORCH ?= $(shell sed -n 's/^torch==//p' constraints/cpu.txt)
OUT ?= skexpand-demo
# As many workers as cores; WORKERS=0 runs in one process, for a debugger.
WORKERS ?= auto
PYTEST_ARGS ?=

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-torch-$(TORCH)
PINNED := $(VENV)/constraints.txt
# Two torch threads on a shared machine are slower than one.
export OMP_NUM_THREADS := 1

.PHONY: demo test slow lint format wheel-test clean

demo: $(STAMP)
	$(BIN)/python -m skexpand demo --out $(OUT)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -n $(WORKERS) $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel-test: $(STAMP)
	tests/wheel/run.sh $(BIN)/python $(PINNED)

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache skexpand-demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "skexpand needs Python >= 3.11, got $$($(PYTHON) -V 2>&1):" \
	    "name another with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Torch goes first: it is the large one, and the rest must not choose another.
$(STAMP): pyproject.toml constraints/cpu.txt | $(BIN)/python
	sed 's/^torch==.*/torch==$(TORCH)/' constraints/cpu.txt > $(PINNED)
	$(BIN)/python -m pip install --quiet torch==$(TORCH)
	$(BIN)/python -m pip install --quiet -c $(PINNED) -e '.[plot,eval,data,dev]'
	@touch $@
