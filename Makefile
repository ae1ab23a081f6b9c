# Both `make demo` and `make test` work in a fresh clone: the environment is made when missing, and kept.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

DEMO_STAMP := $(VENV)/.installed-demo
PIP := $(BIN)/pip install --quiet --no-compile --constraint constraints.txt
export NO_MKDOCS_2_WARNING := 1

.PHONY: demo test measure lint types layers unit coverage format browser docs test-core test-lowest wheel release-check weights weights-triage weights-marks weights-glyphs weights-panels

# The demo needs the extras train, ocr and review; a full environment serves as well.
demo: $(if $(wildcard $(STAMP)),$(STAMP),$(DEMO_STAMP))
	$(BIN)/covidct demo

test: lint layers
	$(MAKE) --no-print-directory -j 2 types docs
	$(MAKE) --no-print-directory unit

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy --num-workers 2

layers: $(STAMP)
	$(BIN)/lint-imports

# One more than two cores: of the time of two workers 30 % was waiting (servers, browsers, signals; 2026-11-27).
WORKERS ?= 3
unit: $(STAMP) browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q

# The same with the lines and branches that no test reaches; watching them takes twice the time.
coverage: $(STAMP) browser
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered -q

# The site, offline, into site/: start with site/index.html.
docs: $(STAMP)
	$(BIN)/mkdocs build --quiet --strict

# What needs no extra, in an environment of its own: the wheel with its base dependencies, outside of the checkout.
test-core: $(STAMP)
	$(BIN)/python tools/environments.py core

# The lowest versions that pyproject.toml declares.
test-lowest: $(STAMP)
	$(BIN)/python tools/environments.py lowest

wheel: $(STAMP)
	rm -rf dist build
	$(PIP) build
	$(BIN)/python -m build --outdir dist .

# Before a release: version, changelog, citation, documentation, wheel and source archive agree and work.
release-check: docs wheel
	$(BIN)/python tools/release_check.py
	$(BIN)/python tools/environments.py core

measure: $(STAMP)
	$(BIN)/python benchmarks/measure.py

# All weights in covidct/imaging, from nothing (marks: from those of 07f5fe2), with SLICES, a folder of LUNA16 slices (benchmarks/train_marks.py says how half of
# them is chosen), and FONTS, folders of font files; the .json beside each has the command that made the one that ships. Triage
# takes eight minutes of one core, the others hours, or half an hour of 16 cores and a graphics card.
SLICES ?= ../shared/data/luna16-slices
FONTS ?= /usr/share/fonts
MARKS = $(BIN)/python benchmarks/train_marks.py --slices $(SLICES) --half 0 --share 0.8 --batch 16 --workers 1
weights: weights-triage weights-marks weights-glyphs weights-panels
weights-triage: $(STAMP)
	$(BIN)/python benchmarks/train_triage.py --slices $(SLICES) --half 0 --pictures 8000 --out covidct/imaging/triage.npz
weights-marks: $(STAMP)
	mkdir -p build
	git show 07f5fe2:covidct/imaging/overlays/net.onnx > build/marks-kept.onnx
	$(MARKS) --first build/marks-kept.onnx --patches 16000 --steps 7000 --seed 2 --out build/marks-first.onnx
	$(MARKS) --first build/marks-first.onnx --patches 10000 --steps 2300 --rate 1e-3 --seed 3 --kept 0.6 --kept-of build/marks-kept.onnx --out covidct/imaging/overlays/net.onnx
weights-glyphs: $(STAMP)
	$(BIN)/python benchmarks/train_glyphs.py --slices $(SLICES) --fonts $(FONTS)
weights-panels: $(STAMP)
	$(BIN)/python benchmarks/train_panels.py --figures 6000 --slices $(SLICES)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The browser tests drive Debian's chromium; where it is missing and we may, it is installed.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	  (apt-get update -q && apt-get install -y -q --no-install-recommends chromium) || \
	  echo "no chromium here: the browser tests will say so and be skipped"

$(STAMP): pyproject.toml constraints.txt tests/readers.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(PIP) --editable '.[all]'
	$(BIN)/pip install --quiet --no-compile --no-deps --target $(VENV)/readers --requirement tests/readers.txt
	touch $(STAMP)

$(DEMO_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(PIP) --editable '.[train,ocr,review]'
	touch $(DEMO_STAMP)
