# One command runs everything: `make test` sets up what it needs (Python environments for the clients, servers and
# emulators we did not write) and passes all tests.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
TARGET := $(or $(CARGO_TARGET_DIR),target)
# `make test COVERAGE=1`: the same tests once, with the lines counted that they reach.
COVERAGE ?=
BIN := $(TARGET)/debug/plumbline
SIM := $(TARGET)/debug/examples/serve
CONTRACT := $(TARGET)/debug/examples/contract
FAKE_SLACK := $(TARGET)/debug/examples/fake-slack

# PLUMBLINE_SKIP_INFRA_TOOLS=1 goes without checkov and what needs node.
SKIPPED := $(filter 1,$(PLUMBLINE_SKIP_INFRA_TOOLS))

.PHONY: test slack-types lint rust-test explore python-test infra-test coverage bench bench-cloud bench-cloud-figures demo clean

test: lint infra-test $(if $(COVERAGE),coverage,rust-test python-test bench-cloud)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

# A gate answers the same each time, so generated cases come from one seed here; `make explore` looks further.
rust-test:
	PROPTEST_RNG_SEED=20261121 cargo test --workspace --locked

explore:
	PROPTEST_CASES=500 cargo test --workspace --locked

coverage:
	tests/coverage.sh run $(MAKE) rust-test python-test bench-cloud
	tests/coverage.sh report

# Uses the binaries of `cargo test --workspace`: building one package alone would unify features anew and build all again.
# Slack's SDK judges messages and the fake of Slack; boto3 pages through the simulated organization; DuckDB reads the snapshots that the real binary wrote; moto is the AWS
# that the adapters and the cloud commands meet.
python-test: $(VENV)/ready $(if $(SKIPPED),,slack-types)
	cargo test --workspace --locked --no-run
	rm -rf $(TARGET)/python-test && mkdir -p $(TARGET)/python-test
	$(BIN) report daily --simulate --accounts 6 --regions 2 --rules 30 --resources 12 --as-of 2026-11-21T09:00:00Z --out $(TARGET)/python-test/out
	PLUMBLINE_SIM_SERVE=$(abspath $(SIM)) PLUMBLINE_CONTRACT=$(abspath $(CONTRACT)) PLUMBLINE_FAKE_SLACK=$(abspath $(FAKE_SLACK)) PLUMBLINE_BIN=$(abspath $(BIN)) PLUMBLINE_FUNCTIONS=$(abspath $(TARGET))/debug \
		PLUMBLINE_OUT=$(abspath $(TARGET))/python-test/out \
		$(PY) -m pytest -q -rs -p no:cacheprovider tests/python

# Messages by Slack's own TypeScript types.
slack-types: tests/slack-types/node_modules/ready
	node tests/slack-types/check.mjs

tests/slack-types/node_modules/ready: tests/slack-types/package-lock.json
	npm ci --prefix tests/slack-types --no-audit --no-fund
	touch $@

$(VENV)/ready: tests/python/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# Templates and state machine, by tools that others wrote and checks of our own; no AWS account. SAM and checkov pin different
# versions of the same packages, hence two environments. PLUMBLINE_SKIP_INFRA_TOOLS=1 goes without checkov and node.
INFRA := tests/infra
UPDATE_GOLDEN ?=
infra-test: $(VENV)-infra/ready $(if $(SKIPPED),,$(VENV)-checkov/ready $(INFRA)/node_modules/ready)
	UPDATE_GOLDEN=$(UPDATE_GOLDEN) PLUMBLINE_CHECKOV=$(abspath $(VENV)-checkov)/bin/checkov \
		$(VENV)-infra/bin/python -m pytest -q -rs -p no:cacheprovider $(INFRA)

$(VENV)-infra/ready: $(INFRA)/requirements.txt $(INFRA)/constraints.txt
	$(PYTHON) -m venv $(VENV)-infra
	$(VENV)-infra/bin/python -m pip install --quiet --disable-pip-version-check -r $< -c $(INFRA)/constraints.txt
	touch $@

$(VENV)-checkov/ready: $(INFRA)/requirements-checkov.txt $(INFRA)/constraints-checkov.txt
	$(PYTHON) -m venv $(VENV)-checkov
	$(VENV)-checkov/bin/python -m pip install --quiet --disable-pip-version-check -r $< -c $(INFRA)/constraints-checkov.txt
	touch $@

$(INFRA)/node_modules/ready: $(INFRA)/package-lock.json
	npm ci --prefix $(INFRA) --no-audit --no-fund
	touch $@

# Speed, memory and size beside named peers; `make bench BENCH="score --update"` runs one and keeps its figures.
BENCH ?=
bench: $(VENV)/bench-ready
	$(PY) tests/benches/bench.py $(BENCH)

$(VENV)/bench-ready: tests/benches/requirements.txt $(VENV)/ready
	$(PY) -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

# End to end: the deployed state machine with the real binaries on a local AWS. `make bench-cloud CLOUD="-m 'not slow'"`
# passes options to pytest; `make bench-cloud-figures CLOUD=--update` keeps what the functions weigh and take.
CLOUD ?=
bench-cloud:
	tests/cloud/run.sh test $(CLOUD)

bench-cloud-figures:
	tests/cloud/run.sh figures $(CLOUD)

# The main job, as in the README.
demo:
	cargo run --release --locked -- report daily --simulate --out reports

clean:
	rm -rf $(VENV) $(VENV)-cloud $(VENV)-infra $(VENV)-checkov $(INFRA)/node_modules tests/slack-types/node_modules tests/slack-types/build $(TARGET)
