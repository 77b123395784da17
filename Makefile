# Every target makes what it needs in .venv first; a machine needs Python 3.10+ and make alone.
#
#   make demo    convert sketches and a photograph to out/ with each style that ships
#   make demo-baseline   then compare with eager PyTorch
#   make test    the tests
#   make lint    ruff and mypy
#   make platforms   mypy as on Windows and macOS
#   make docs    the documentation, in build/docs
#   make soak    tests that take minutes: a hundred thousand files, kill -9, hostile styles,
#                and the commands of the documentation
#   make mutation   change the code in 300 places, one at a time, and see whether tests notice
#   make gpu-smoke   a first look at a machine with an NVIDIA GPU, ten minutes
#   make gpu-check   on a machine with an NVIDIA GPU: its tests and benchmarks
#   make clean   remove what these leave behind
#
# torch is large; a machine without a GPU saves gigabytes with
#   make demo-baseline PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYCUDA_VERSION := 2026.1
PYTRITON_VERSION := 0.7.0
# The oldest and the newest version of each product that the engine runs with.
BINDINGS := tensorrt_cu12_bindings==10.13.0.35 tensorrt_cu13_bindings==11.4.0.106 \
  tensorrt_rtx_cu12_bindings==1.4.0.76 tensorrt_rtx_cu13_bindings==1.7.1.116
# A test that hangs shows where and ends the run; so does one that brings its process down.
NO_HANGS := -o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true --max-worker-restart=0
PYTHON ?= python3
PIP_FLAGS ?=
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install $(PIP_FLAGS) --constraint constraints.txt

.PHONY: demo demo-baseline test lint platforms docs soak mutation gpu-smoke gpu-check clean

demo: .venv/base
	.venv/bin/pmsgan convert samples/photos out/comic --style comic --no-baseline
	.venv/bin/pmsgan convert samples/photos out/ink --style ink --no-baseline
	.venv/bin/pmsgan convert samples/sketches out/anime --style anime --no-baseline
	@echo "Look at the pictures in out/anime, out/comic and out/ink; report.html in each is for a browser."
	@echo "make demo-baseline installs PyTorch and times it on the same sketches."

demo-baseline: .venv/train
	.venv/bin/pmsgan convert samples/sketches out/anime --style anime --overwrite

test: .venv/pycuda .venv/triton .venv/bindings
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(NO_HANGS) --cov --cov-report=term --cov-fail-under=90

# mypy sees the four folders as one package only where they are installed as one.
lint: .venv/dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	rm -rf build
	$(PIP) install --no-deps --upgrade --target build/types .
	cd build/types && ../../.venv/bin/mypy --config-file ../../pyproject.toml -p pmsgan

platforms: .venv/dev
	rm -rf build/types
	$(PIP) install --no-deps --upgrade --target build/types .
	for platform in win32 darwin; do \
	  (cd build/types && ../../.venv/bin/mypy --platform $$platform \
	    --cache-dir ../../.mypy_cache/$$platform --config-file ../../pyproject.toml -p pmsgan) \
	  || exit 1; \
	done

# -W: a link between pages that leads nowhere is an error.
docs: .venv/docs
	.venv/bin/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "Open build/docs/index.html"

soak: .venv/dev
	.venv/bin/python -m pytest -m soak tests/batch tests/engine tests/cli tests/test_docs_commands.py --durations=0

# An hour on two cores; make mutation SEED=1 takes another sample.
SEED ?= 0
mutation: .venv/dev
	OMP_NUM_THREADS=1 .venv/bin/python tools/mutation.py --number 300 --seed $(SEED)

# The first look at a machine; without a GPU it names what is missing, and runs the rest.
gpu-smoke: .venv/dev
	.venv/bin/python tools/gpu_smoke.py build/gpu-smoke

# Needs pycuda and TensorRT in .venv: .venv/bin/pip install '.[tensorrt]'
gpu-check: .venv/dev
	.venv/bin/pmsgan doctor
	.venv/bin/pmsgan build-engine --require-gpu
	.venv/bin/python -m pytest -m gpu tests/engine/tensorrt
	.venv/bin/python tools/untrained_style.py build/base32
	.venv/bin/pmsgan bench --style build/base32 --sizes 256,512 --batches 1,8,32 \
	  --backends tensorrt,tensorrt-rtx,eager,torch-compile,pix2pix -o docs/benchmarks/gpu

clean:
	rm -rf .venv build out

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "error: Python 3.10 or later is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv \
	  || { echo "error: no virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }

# What is installed in .venv already is left as it is.
.venv/base: .venv/bin/python pyproject.toml constraints.txt
	test -x .venv/bin/pmsgan || $(INSTALL) .
	touch $@

.venv/train: .venv/bin/python pyproject.toml constraints.txt
	test -x .venv/bin/pmsgan && .venv/bin/python -c 'import torch, lightning_fabric' 2>/dev/null || $(INSTALL) '.[train]'
	touch $@

.venv/dev: .venv/train
	$(PIP) install --upgrade 'pip>=25.1'
	$(INSTALL) --editable '.[train,eval,cluster,serve]' --group dev
	touch $@

# PyTorch, too: the pages of pmsgan.export are made of its docstrings.
.venv/docs: .venv/train
	$(PIP) install --upgrade 'pip>=25.1'
	$(INSTALL) --group docs
	touch $@

# pycuda is compiled, a minute and a half; without a compiler its tests are skipped.
.venv/pycuda: .venv/dev tests/engine/tensorrt/standin/build_pycuda.sh
	PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT= \
	  tests/engine/tensorrt/standin/build_pycuda.sh .venv/bin/python $(PYCUDA_VERSION) \
	  && touch $@ || echo "warning: pycuda cannot be built here, its tests are skipped" >&2

# The Python bindings alone, without TensorRT itself: tests compare their signatures with the calls.
.venv/bindings: .venv/dev
	(for package in $(BINDINGS); do \
	  $(PIP) install --no-deps --upgrade --target .venv/tensorrt-bindings/$$package $$package || exit 1; \
	done) && touch $@ || echo "warning: the bindings of TensorRT cannot be installed here" >&2

# PyTriton brings Triton's server, and nothing else of it is used; without a server its tests are skipped.
.venv/triton: .venv/dev
	$(PIP) install --no-deps --upgrade --target .venv/triton-server \
	  nvidia-pytriton==$(PYTRITON_VERSION) \
	  && touch $@ || echo "warning: there is no Triton server for this machine" >&2
