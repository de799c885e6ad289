#!/bin/sh
# brainmine and its peers on one phantom, one thread, CPU seconds; ratios where the peer is installed
# (PYTHON names the interpreter that has it). The value is the same quantity for both: of the tvfit
# the objective reached, of svm the accuracy with one run left out.
set -e
BRAINMINE=${BRAINMINE:-./brainmine}
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
"$BRAINMINE" simulate decode -q --progress never --preset decode25k -o "$work/data"

tvfit() { # "seconds value" of one TV-l1 fit, certified to a relative gap of 1e-4
    "${BUILD:-build/release}/bench/bench_tvfit" --data "$work/data" |
        sed 's/.*"cpu_seconds": \([^,]*\),.*"primal": \([^,]*\),.*/\1 \2/'
}
svm() { # the whole command: reading, cleaning, 8 folds and the final map, writing
    { time -p "$BRAINMINE" decode fit -f -q --progress never -j 1 --model svm -t label -g run \
        -m "$work/data/mask.nii.gz" -s "$work/data/samples.tsv" -o "$work/svm" \
        "$work/data/bold.nii.gz"; } 2>"$work/time"
    awk '$1 == "user" || $1 == "sys" { s += $2 } END { printf "%s ", s }' "$work/time"
    awk -F'\t' '$1 == "mean" { print $8 }' "$work/svm/scores.tsv"
}
printf 'work\tbrainmine_s\tpeer_s\tratio\tbrainmine_value\tpeer_value\tpeer\n'
for work_item in tvfit svm; do
    ours=$($work_item)
    peer=$("$PYTHON" "$(dirname "$0")/peer.py" "$work/data" $work_item 2>/dev/null) || peer="n/a n/a n/a"
    echo "$work_item $ours $peer" | awk -v OFS='\t' '{
        print $1, $2, $5, ($5 == "n/a" ? "n/a" : sprintf("%.1f", $5 / $2)), $3, $6, $4 }'
done
