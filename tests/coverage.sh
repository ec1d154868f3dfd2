#!/usr/bin/env bash
# Test coverage by cargo-llvm-cov: `tests/coverage.sh run COMMAND...` runs a command with everything of ours that it builds
# counting its lines (the Python clients' runs of the real binary too), `tests/coverage.sh report` prints lines by crate
# and fails below the floors. Sets up its own tools.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/coverage-tools
version=0.9.1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/coverage}
export PATH="$PWD/$tools/bin:$PATH"

# The profiles of this compiler are read by its own LLVM tools, or by any LLVM from 19 on.
find_llvm() {
    local sysroot
    sysroot=$(rustc --print sysroot)
    if ls "$sysroot"/lib/rustlib/*/bin/llvm-cov >/dev/null 2>&1; then return 0; fi
    for major in 30 29 28 27 26 25 24 23 22 21 20 19; do
        if command -v "llvm-cov-$major" >/dev/null && command -v "llvm-profdata-$major" >/dev/null; then
            export LLVM_COV="llvm-cov-$major" LLVM_PROFDATA="llvm-profdata-$major"
            return 0
        fi
    done
    return 1
}

install_llvm() {
    rustup component add llvm-tools >/dev/null 2>&1 && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq >/dev/null && apt-get install -qq -y --no-install-recommends llvm-19 >/dev/null && return 0
    fi
    echo "coverage: no llvm-cov was found and none could be installed; run \`rustup component add llvm-tools\`, or" \
        "install your system's llvm-19 or later, and run again" >&2
    return 1
}

set_up() {
    find_llvm || { install_llvm && find_llvm; }
    if [ ! -x "$tools/bin/cargo-llvm-cov" ]; then
        # Not with the profile's wrapper or target of the tests.
        CARGO_TARGET_DIR=$tools/build cargo install cargo-llvm-cov --version "$version" --locked --quiet --root "$tools"
        rm -rf "$tools/build"
    fi
    # shellcheck disable=SC1090
    source <(cargo llvm-cov show-env --sh --no-cfg-coverage)
}

case "${1:-}" in
run)
    shift
    set_up
    find "$CARGO_TARGET_DIR" -maxdepth 1 -name '*.profraw' -delete 2>/dev/null || true
    # Programs of an earlier build would be reported as well, with lines that are not there any more: link all anew.
    if [ -d "$CARGO_TARGET_DIR/debug/deps" ]; then
        find "$CARGO_TARGET_DIR/debug/deps" -maxdepth 1 -type f -executable ! -name '*.so' -delete
    fi
    "$@"
    ;;
report)
    set_up
    summary=$(mktemp)
    trap 'rm -f "$summary"' EXIT
    cargo llvm-cov report --json --summary-only --output-path "$summary"
    python3 tests/coverage.py "$summary" "$PWD"
    ;;
*)
    echo "usage: tests/coverage.sh run COMMAND... | report" >&2
    exit 2
    ;;
esac
