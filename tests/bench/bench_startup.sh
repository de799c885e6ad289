#!/bin/sh
# Median of 20 starts of `brainmine --version`, in milliseconds (the start of date(1) is in it).
BRAINMINE=${BRAINMINE:-./brainmine}
for i in $(seq 20); do
    a=$(date +%s%N)
    "$BRAINMINE" --version >/dev/null
    b=$(date +%s%N)
    echo $(((b - a) / 1000))
done | sort -n | awk '{ t[NR] = $1 }
    END { printf "{\"bench\": \"startup\", \"median_ms\": %.1f}\n", (t[10] + t[11]) / 2000 }'
