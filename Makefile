# Both `make demo` and `make test` work in a fresh clone: the environment is made when missing, and kept.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test measure lint types layers unit format browser

demo: $(STAMP)
	$(BIN)/covidct demo

test: lint types layers unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP) browser
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered -q

measure: $(STAMP)
	$(BIN)/python benchmarks/measure.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The browser tests drive Debian's chromium; where it is missing and we may, it is installed.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  (apt-get update -q && apt-get install -y -q --no-install-recommends chromium) || \
	  echo "no chromium here: the browser tests will say so and be skipped"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[all]'
	touch $(STAMP)
