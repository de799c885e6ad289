# Real commands that share a cache, eight at a time, killed at random times while the cache is also
# emptied: each output is absent or whole and right, and no entry is ever damaged.
. "$SRC/tests/cli/cache/functions"
kills=$(long 125 6) # of each
phantom data
fit() { # SECONDS VARIANT OUTPUT OPTIONS...: killed after so long
    delay=$1 variant=$2 output=$3
    shift 3
    case $variant in
        0) set -- "$@" ;;
        1) set -- "$@" --model svm ;;
        2) set -- "$@" --model svm --C 0.1,1 ;;
        3) set -- "$@" --model logistic --smooth 4 ;;
        4) set -- "$@" --alpha 0.1max,0.2max --detrend 2 ;;
        5) set -- "$@" --model ridge -t target ;;
    esac
    timeout -s KILL "$delay" "$BRAINMINE" decode fit --progress never -s data/samples.tsv -t label -g run \
        -m data/mask.nii.gz -o "$output" "$@" data/bold.nii.gz
}
begun=$(date +%s%N)
for variant in 0 1 2 3 4 5; do
    fit 600 $variant whole$variant --cache off 2> /dev/null || echo "not ok variant $variant: a fit to compare with"
done
took=$((($(date +%s%N) - begun) / 6000000)) # ms, the mean of runs that were alone

# one WORKER: until it was killed so often; its counts into counts.WORKER.
one() {
    cut=0 whole=0 torn= turn=0
    awk -v seed="$1" -v took=$took 'BEGIN { srand(seed)
        for (i = 0; i < 10000; i++) printf "%.3f %d\n", 0.002 + rand() ^ 2 * took / 125, 6 * rand() }' > delays.$1
    while [ $cut -lt $kills ] && read -r delay variant; do
        rm -rf out.$1
        fit "$delay" "$variant" out.$1 --cache "$cache" -j 1 --memory 1G 2>> said.$1
        code=$?
        case $code in
            0) whole=$((whole + 1)) ;;
            137) cut=$((cut + 1)) ;;
            *) torn="$torn exit$code" ;;
        esac
        for file in $(ls -A out.$1 2>/dev/null); do
            case $file in run.json) continue ;; esac
            [ -e whole$variant/$file ] || continue # unfinished, under another name
            cmp -s whole$variant/$file out.$1/$file || torn="$torn $delay:$variant:$file"
        done
        [ $code != 0 ] || [ "$(ls out.$1)" = "$(ls whole$variant)" ] || torn="$torn $delay:$variant:absent"
    done < delays.$1
    echo "cut $cut whole $whole torn${torn:- none}" > counts.$1
}
pids=
for worker in 1 2 3 4 5 6 7 8; do
    one $worker &
    pids="$pids $!"
done
(while sleep 1; do "$BRAINMINE" cache trim --cache "$cache" --max-size 200K; done) > /dev/null 2>&1 &
evictor=$!
wait $pids
kill $evictor
wait $evictor 2> /dev/null
sum=$(cat counts.* | awk '{ cut += $2; whole += $4 } END { print cut " killed, " whole " whole" }')
torn=$(cat counts.* | sed -n 's/.*torn//p' | grep -v ' none')
clean "outputs of runs killed at random times are absent or whole" "$torn" "$sum"
grep -h cache said.* > words
clean "nothing is said of the cache" "$(head -n 3 words)" "$(wc -l < words) lines"
try "cache verify finds no damage" 0 'brainmine cache: * 0 damaged*' cache verify --cache "$cache"
fit 600 0 last --cache "$cache" 2> /dev/null
same_files whole0 last
clean "the next run is right" "$(cat differences)" "same bytes"
