#!/bin/sh
# A decode fit killed at random times: each output is absent or whole; after SIGTERM no unfinished
# file is left, and run.json, the last one written, is there only with all others.
cd "$(dirname "$0")/.." || exit 1
: "${BRAINMINE:=$PWD/brainmine}" "${TIMES:=100}"
work=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-kill-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
"$BRAINMINE" simulate decode -q -o data --shape 30x34x28 --voxels 8000 --samples 60 --groups 5 ||
    { echo "not ok data to fit"; exit 1; }
fit() { # OUTPUT
    exec "$BRAINMINE" decode fit -q --cache off --model svm -s data/samples.tsv -t label -g run -o "$1" \
        -m data/mask.nii.gz data/bold.nii.gz
}
begun=$(date +%s%N)
(fit whole) || { echo "not ok a fit to compare with"; exit 1; }
took=$(($(date +%s%N) - begun))
files=$(ls whole)

try() { # SIGNAL CODE
    awk -v n="$TIMES" -v took="$took" -v seed="$2" 'BEGIN {
        srand(seed); for (i = 0; i < n; i++) printf "%.4f\n", 1.1 * rand() * took / 1e9 }' > delays
    cut=0 whole=0 torn= left= codes=
    while read -r delay; do
        rm -rf out
        (fit out) 2> said &
        pid=$!
        sleep "$delay"
        kill "-$1" $pid 2>/dev/null
        wait $pid 2>/dev/null
        code=$?
        case $code in
            0) whole=$((whole + 1)) ;;
            "$2") cut=$((cut + 1)) ;;
            *) codes="$codes $code" ;;
        esac
        for file in $(ls -A out 2>/dev/null); do
            [ "$file" = run.json ] || [ ! -e "whole/$file" ] || cmp -s "whole/$file" "out/$file" ||
                torn="$torn $delay:$file"
            [ -e "whole/$file" ] || [ "$1" = KILL ] || left="$left $delay:$file"
        done
        [ ! -e out/run.json ] || [ "$(ls out)" = "$files" ] || torn="$torn $delay:run.json"
        [ $code != 0 ] || [ -e out/run.json ] || torn="$torn $delay:none"
    done < delays
    name="SIG$1 at $TIMES random times"
    if [ -z "$torn$left$codes" ] && [ $cut -gt 0 ]; then
        echo "ok $name: $cut cut short, $whole whole"
    else
        echo "not ok $name: $cut cut short, $whole whole"
        echo "# torn:$torn"
        echo "# left:$left"
        echo "# exit codes:$codes"
        sed 's/^/# /' said
    fi
}
try TERM 143
try KILL 137
