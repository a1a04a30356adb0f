# Included by each layer's Makefile: which machine the wheels are for, and how pip is called.
# `sam build` runs it in a copy of the layer's folder and hands its environment on, so these may be set there:
#
#   RECTO_LAYER_TARGET    lambda (default): wheels for AWS; host: wheels for this machine, out of .wheels/
#   RECTO_LAYER_PYTHON    the Lambda runtime's Python, default 3.13
#   RECTO_LAYER_PLATFORM  aarch64 (default) or x86_64
#   PIP_NO_INDEX, PIP_FIND_LINKS and pip's other variables work as always
#
# Targets are named after the template's resources: build-RectoLayer, build-InferenceLayer, build-ImagingLayer.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

LAYERS := $(realpath $(dir $(realpath $(lastword $(MAKEFILE_LIST)))))
ROOT := $(realpath $(LAYERS)/..)
CONSTRAINTS := $(ROOT)/constraints/product.txt

RECTO_LAYER_TARGET ?= lambda
RECTO_LAYER_PYTHON ?= 3.13
RECTO_LAYER_PLATFORM ?= aarch64

LAYER_PYTHON := $(if $(wildcard $(ROOT)/.venv/bin/python),$(ROOT)/.venv/bin/python,python3)

# Oldest last: onnxruntime has no wheel for manylinux2014 alone.
PLATFORMS := manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014
LAMBDA_FLAGS := $(foreach p,$(PLATFORMS),--platform $(p)_$(RECTO_LAYER_PLATFORM)) --only-binary=:all: \
	--implementation cp --python-version $(RECTO_LAYER_PYTHON)
HOST_FLAGS := --no-index --find-links $(ROOT)/.wheels

ifeq ($(RECTO_LAYER_TARGET),lambda)
TARGET_FLAGS := $(LAMBDA_FLAGS)
else ifeq ($(RECTO_LAYER_TARGET),host)
TARGET_FLAGS := $(HOST_FLAGS)
else
$(error RECTO_LAYER_TARGET is '$(RECTO_LAYER_TARGET)', expected lambda or host)
endif

# No bytecode: it carries times and paths, and two builds must give the same bytes.
INSTALL := $(LAYER_PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --upgrade \
	--constraint $(CONSTRAINTS) $(TARGET_FLAGS)
