#!/bin/sh
# Commands whose allocations are refused, with many more of them than in `make check`.
cd "$(dirname "$0")/.." || exit 1
: "${BRAINMINE:=$PWD/brainmine}" "${BUILD:=$PWD/build/release}" "${SRC:=$PWD}"
export BRAINMINE BUILD SRC LONG=1 CASE_SECONDS=3600
sh tests/run_cli.sh tests/cli/general/allocation.sh | sed -E 's/^(ok|not ok|skip) /&whole /'
