#!/bin/sh
# Sparse inverse covariances by brainmine and its peers on the same series, one thread, CPU seconds;
# ratios where the peer is installed (PYTHON names the interpreter that has it).
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
for preset in conn60 conn200 conn400; do
    "$BRAINMINE" simulate connectome -q --progress never --preset $preset -o "$work/$preset"
done
value() { sed -n "1s/.*\"$1\": \([^,}]*\).*/\1/p" "$work/ours"; }
printf 'work\tbrainmine_s\tpeer_s\tratio\tbrainmine_gap\tpeer_gap\tpeer\n'
row() { # NAME ARGS...
    name=$1
    shift
    "${BUILD:-build/release}/bench/bench_connectome" "$@" > "$work/ours"
    peer=$("$PYTHON" "$(dirname "$0")/peer_connectome.py" "$@" 2>/dev/null) || peer="n/a n/a n/a n/a"
    echo "$name $(value cpu_seconds) $(value gap) $peer" | awk -v OFS='\t' '{
        print $1, $2, $5, ($5 == "n/a" ? "n/a" : sprintf("%.1f", $5 / $2)), $3, $7, $4 }'
}
row glasso400_a0.1 glasso 0.1 "$work"/conn400/sub-01_timeseries.tsv
row glasso400_a0.05 glasso 0.05 "$work"/conn400/sub-01_timeseries.tsv
row glasso200_cv cv "$work"/conn200/sub-01_timeseries.tsv
row group60_cv cv "$work"/conn60/sub-*_timeseries.tsv
