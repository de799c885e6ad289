#!/bin/sh
# The tests of the cache at their whole length: every call killed and failed, a thousand killed runs,
# ten thousand damaged entries, a hundred sizes of disk.
cd "$(dirname "$0")/.." || exit 1
: "${BRAINMINE:=$PWD/brainmine}" "${BUILD:=$PWD/build/release}" "${SRC:=$PWD}"
export BRAINMINE BUILD SRC LONG=1 CASE_SECONDS=3600
for script in tests/cli/cache/*.sh; do
    sh tests/run_cli.sh "$script" | sed -E 's/^(ok|not ok|skip) cache/\1 whole cache/'
done
