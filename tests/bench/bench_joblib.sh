#!/bin/sh
# The cache beside joblib.Memory, one thread: CPU seconds of a first call and of hits on MB (1024) of
# input and as much output; who computes when eight processes ask for one value; what becomes of
# eight flipped bytes in a stored array, and of a place that cannot be made. PYTHON has joblib.
BUILD=${BUILD:-build/release} MB=${MB:-1024}
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PYTHON=${PYTHON:-/usr/bin/python3}
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export OMP_NUM_THREADS OPENBLAS_NUM_THREADS
peer() { "$PYTHON" "$here/joblib_peer.py" "$@" 2> /dev/null; }
mkdir "$work/ours"
"$BUILD/bench/bench_cache" "$work/ours" "$MB" > "$work/ours.json" || exit 1
ours() { sed "s/.*\"$1\": \([0-9.]*\).*/\1/" "$work/ours.json"; }
rm -rf "$work/ours"
theirs=$(peer "$work/theirs" "$MB") || theirs='n/a n/a n/a n/a'
rm -rf "$work/theirs"
set -- $theirs
row() { # NAME OURS THEIRS
    echo "$1 $2 $3" | awk -v OFS='\t' '{ print $1, $2, $3, ($3 + 0 > 0 ? sprintf("%.1f", $3 / $2) : "n/a") }'
}
printf 'work\tbrainmine\tjoblib\tratio\n'
row first_call_s "$(ours first_s)" "$2"
row hit_input_known_s "$(ours hit_s)" "$3"
row hit_input_read_again_s "$(ours hit_input_read_again_s)" "$3"
for i in 1 2 3 4 5 6 7 8; do
    "$BUILD/bench/bench_cache" "$work/eight" one 1000 >> "$work/a" &
    peer "$work/eight-theirs" one 1000 >> "$work/b" &
done
wait
printf 'eight_processes_compute\t%s\t%s\tn/a\n' "$(grep -c computed "$work/a")" "$(grep -c computed "$work/b")"
: > "$work/file"
printf 'flipped_bytes\t%s\t%s\tn/a\n' found "$(peer "$work/flip" flip || echo n/a)"
"$BUILD/bench/bench_cache" "$work/file" one 0 > /dev/null 2>&1 && ours=survived || ours=dies
printf 'place_that_cannot_be_made\t%s\t%s\tn/a\n' "$ours" "$(peer "$work/file/x" bad || echo dies)"
