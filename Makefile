# make run: the dashboard with demo data. make test: everything. Both set up what they need.
PORT ?= 8501
ENV := .venv
READY := $(ENV)/.ready
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# Every server and command that a test starts would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint unit browser spark bench bench-compare audit screenshots lock clean

run: $(READY)
	@$(ENV)/bin/dashboard serve --demo --port $(PORT)

test: lint unit browser

$(READY): requirements.lock pyproject.toml
ifndef ALONE
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is missing. Debian: sudo apt-get install python3 python3-venv; macOS: brew install python" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "Python's venv module is missing. Debian: sudo apt-get install python3-venv" >&2; exit 1; fi
	@# Of two at once the second waits for the first, and finds that all is done.
	@$(PYTHON) -c 'import fcntl, subprocess, sys; lock = open("requirements.lock"); fcntl.flock(lock, fcntl.LOCK_EX); \
		sys.exit(subprocess.call(sys.argv[1:]))' $(MAKE) --silent ALONE=1 $@
else
	@echo "Setting up $(ENV) from requirements.lock, once (a few minutes) ..."
	@$(PYTHON) -m venv --clear $(ENV)
	@$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(ENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endif

lint: $(READY)
	$(ENV)/bin/ruff check .
	$(ENV)/bin/ruff format --check .
	$(ENV)/bin/mypy
	$(ENV)/bin/lint-imports

# Tests of the state store need PostgreSQL too, those of deployment nginx and Caddy. In CI they must run; elsewhere
# their absence is said aloud. A file's tests stay in one process, which then starts its servers once.
unit: $(READY)
	@sh tests/ensure.sh postgresql nginx caddy
	$(ENV)/bin/pytest -n 3 --dist loadfile -m "not browser and not bench and not spark"

# Browser tests need a Chromium or Chrome. In CI they must run; elsewhere their absence is said aloud.
browser: $(READY)
	@sh tests/ensure.sh chromium
	$(ENV)/bin/pytest -n 2 --dist loadfile -m browser

# On a real Spark with two workers: a server of 456 MB and Java, for an engine that few will use, so no part of `make test`.
spark: $(READY)
	@sh tests/ensure.sh java spark
	$(ENV)/bin/pytest -m spark

# Known vulnerabilities of what is locked. Needs the network, so it is no part of `make test`.
audit: $(READY)
	@sh tests/deploy/audit.sh $(ENV)/bin/python requirements.lock

screenshots: $(READY)
	@sh tests/ensure.sh chromium
	$(ENV)/bin/python -m tests.browser.screenshots docs/screenshots

# Measurements, printed, and their ratios in artifacts/bench.json.
bench: $(READY)
	$(ENV)/bin/pytest -m bench -s

# Which of them became worse than on record in tests/bench/ratios.json.
bench-compare: $(READY)
	@$(ENV)/bin/python -m tests.bench.compare

lock: $(READY)
	$(ENV)/bin/uv pip compile --universal --generate-hashes --python-version 3.11 --extra dev --extra spark \
		--no-header --no-annotate --no-emit-index-url --quiet pyproject.toml -o requirements.lock

clean:
	rm -rf $(ENV) artifacts .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
