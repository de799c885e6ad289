#!/bin/sh
# Every fuzz target on its seeds and 20,000 mutations of them, the same ones each time.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build/release}"
for program in "$BUILD"/tools/replay_*; do
    name=${program##*/replay_}
    if said=$(timeout 600 "$program" 2>&1); then echo "ok fuzz_$name: $said"
    else
        echo "not ok fuzz_$name"
        printf '%s\n' "$said" | tail -n 20 | sed 's/^/# /'
    fi
done
