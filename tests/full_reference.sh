#!/bin/sh
# Connectomes of the design's reference simulation: models in its order and at its distances from
# the truth.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build/release}" "${MAKE:=make}" "${GRAPHS:=3}"
"$MAKE" --no-print-directory -s "$BUILD/bench/bench_reference" > /dev/null || { echo "not ok build it"; exit 1; }
"$BUILD/bench/bench_reference" "$GRAPHS" > /dev/null && echo "ok $GRAPHS graphs of each setting" ||
    { echo "not ok $GRAPHS graphs of each setting: see $BUILD/bench/bench_reference"; exit 1; }
