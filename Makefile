# Every task of this repository. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## make the virtual environments; returns at once when nothing has changed
	@$(PYTHON) scripts/bootstrap.py

.PHONY: lock
lock: ## choose all versions anew and write constraints/*.txt (needs a package index)
	@$(PYTHON) scripts/bootstrap.py --lock
