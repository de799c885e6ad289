#!/bin/sh
# Connectomes of the reference simulation: models in the order of its table and, where the truth is as
# likely as the table's, at the table's distances from it.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build/release}" "${MAKE:=make}" "${GRAPHS:=20}"
# The Makefile knows what it builds by names relative to the project.
"$MAKE" --no-print-directory -s "${BUILD#"$PWD/"}/bench/bench_reference" > /dev/null ||
    { echo "not ok build it"; exit 1; }
"$BUILD/bench/bench_reference" "$GRAPHS" > /dev/null && echo "ok $GRAPHS graphs of each setting" ||
    { echo "not ok $GRAPHS graphs of each setting: see $BUILD/bench/bench_reference"; exit 1; }
