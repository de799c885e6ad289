#!/bin/sh
# Sparse inverse covariances by brainmine and its peers on the same series, one thread, CPU seconds;
# ratios where the peer is installed (PYTHON names the interpreter that has it). Single fits go as
# far as the peer's: to its gap. SERIES: a folder with other tables to take, conn60_sub*_train.tsv
# and so on; without, those of `simulate connectome`.
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
PYTHON=${PYTHON:-python3}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
if [ -z "$SERIES" ]; then
    SERIES=$work
    for preset in conn60 conn200 conn400; do
        "$BRAINMINE" simulate connectome -q --progress never --preset $preset -o "$work/$preset"
        for table in "$work/$preset"/sub-*_timeseries.tsv; do
            name=${table##*/sub-}
            sed 1d "$table" > "$work/${preset}_sub${name%%_*}_train.tsv"
        done
    done
fi
value() { sed -n "1s/.*\"$1\": \([^,}]*\).*/\1/p" "$work/ours"; }
printf 'work\tbrainmine_s\tpeer_s\tratio\tbrainmine_gap\tpeer_gap\tpeer\n'
row() { # NAME glasso ALPHA TABLE | NAME cv TABLE...
    name=$1
    shift
    peer=$("$PYTHON" "$here/peer_connectome.py" "$@" 2>/dev/null) || peer="n/a n/a n/a n/a"
    if [ "$1" = glasso ]; then
        gap=${peer##* }
        [ "$gap" = n/a ] && gap=4e-6
        set -- glasso "$2" "$gap" "$3"
    fi
    "${BUILD:-build/release}/bench/bench_connectome" "$@" > "$work/ours"
    echo "$name $(value cpu_seconds) $(value gap) $peer" | awk -v OFS='\t' '{
        print $1, $2, $5, ($5 == "n/a" ? "n/a" : sprintf("%.1f", $5 / $2)), $3, $7, $4 }'
}
row glasso400_a0.1 glasso 0.1 "$SERIES"/conn400_sub01_train.tsv
row glasso400_a0.05 glasso 0.05 "$SERIES"/conn400_sub01_train.tsv
row glasso200_cv cv "$SERIES"/conn200_sub01_train.tsv
row group60_cv cv "$SERIES"/conn60_sub*_train.tsv
