#!/usr/bin/env bash
# The end-to-end bench: `tests/cloud/run.sh test [pytest's options]` builds the binaries and runs the suite on an emulator,
# `tests/cloud/run.sh figures [--update]` builds the functions as they are deployed and measures them. Sets up what it needs; where the machine lacks it, it says so and
# fails, unless PLUMBLINE_SKIP_CLOUD=1 says that this is known.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.venv-cloud
target=${CARGO_TARGET_DIR:-$PWD/target}

is_usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in python3.13 python3 "$HOME"/.pyenv/versions/3.13*/bin/python; do
        if is_usable "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    echo "bench-cloud: the emulator needs Python 3.13, and none was found on the path or under ~/.pyenv; install one," \
        "or set PLUMBLINE_SKIP_CLOUD=1 to go without the end-to-end bench" >&2
    return 1
}

set_up() {
    if [ ! "$venv/ready" -nt tests/cloud/requirements.txt ] || ! is_usable "$venv/bin/python"; then
        local python
        python=$(find_python)
        "$python" -m venv --clear "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/cloud/requirements.txt
        touch "$venv/ready"
    fi
}

# The functions by `sam build`, and by Cargo Lambda, which it calls, the hello world that they are measured beside.
build_functions() {
    sam=$PWD/.venv-infra/bin/sam
    make --no-print-directory .venv-infra/ready
    if ! command -v cargo-lambda >/dev/null; then
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'cargo-lambda==1.9.2'
        export PATH=$PWD/$venv/bin:$PATH
    fi
    (cd infra/master && SAM_CLI_TELEMETRY=0 "$sam" build --parameter-overrides Architecture=x86_64)
    (cd tests/lambda-host && cargo lambda build --release --x86-64 --locked --example hello)
}

if [ "${PLUMBLINE_SKIP_CLOUD:-}" = 1 ]; then
    echo "bench-cloud: skipped, as PLUMBLINE_SKIP_CLOUD=1 says" >&2
    exit 0
fi
mode=${1:-}
[ $# -gt 0 ] && shift
case "$mode" in
test)
    set_up
    cargo build --workspace --bins --examples --locked
    PLUMBLINE_BINARIES=${PLUMBLINE_BINARIES:-$target/debug} exec "$venv/bin/python" -m pytest -q -rs --tb=short -p no:cacheprovider "$@" tests/cloud
    ;;
figures)
    set_up
    cargo build --release --locked
    cargo build --release --locked -p lambda-host
    build_functions
    PLUMBLINE_BINARIES=${PLUMBLINE_BINARIES:-$target/release} PLUMBLINE_SAM=$sam exec "$venv/bin/python" tests/cloud/figures.py "$@"
    ;;
*)
    echo "usage: tests/cloud/run.sh test [pytest's options] | figures [--update]" >&2
    exit 2
    ;;
esac
