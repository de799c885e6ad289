# Many processes on one cache: writers, readers, those who delete and those who are killed; and of
# all who want one result at a time, one computes it.
. "$SRC/tests/cli/cache/functions"

# wait_all PID...: how many of them failed.
wait_all() {
    failed=0
    for pid; do wait "$pid" || failed=$((failed + 1)); done
}

# sum NAME FILE...: over what each process said.
sum() {
    name=$1
    shift
    cat "$@" | awk -v name="$name" '{ for (i = 1; i < NF; i++) if ($i == name) s += $(i + 1) } END { print s + 0 }'
}

writers=$(long 64 12) readers=$(long 16 4) times=$(long 100 15)
pids=
for i in $(seq $writers); do
    step run among=40 seed=$i times=$times bytes=100000 limit=3000000 sync=0 > writer$i 2>> notes &
    pids="$pids $!"
done
for i in $(seq $readers); do
    step run among=40 seed=$((1000 + i)) times=$((2 * times)) bytes=100000 limit=3000000 sync=0 threads=2 \
        > reader$i 2>> notes &
    pids="$pids $!"
done
step trim keep=1000000 times=$((10 * times)) > trimmed 2>> notes &
pids="$pids $!"
wait_all $pids
step verify > verified || failed=$((failed + 1))
wrong=$(sum wrong writer* reader*) damaged=$(sum damaged writer* reader* verified)
noted=$(grep -vc 'are more than the limit' notes) # which they are
wrong="failed $failed, wrong $wrong, damaged $damaged, notes $noted, claims left $(ls cache/v1/claim | wc -l)"
verdict "$writers writers, $readers readers and one who deletes: $(sum hits writer* reader*) hits, $(sum computed \
    writer* reader*) computed, $(sum deleted trimmed) deleted" "$wrong" \
    "failed 0, wrong 0, damaged 0, notes 0, claims left 0"

# Eight (or many more) who want one result.
rm -rf cache
crowd=$(long 64 8) pids=
for i in $(seq $crowd); do
    step run log="$PWD/computed" cost_ms=1000 > one$i 2>> notes &
    pids="$pids $!"
done
wait_all $pids
verdict "$crowd processes that want one result compute it once" \
    "$failed failed, $(wc -l < computed) computed, $(sum hits one*) hits" "0 failed, 1 computed, $((crowd - 1)) hits"

# The one who computes is killed: another takes over at once, and still only one.
"$tools/cache_step" "$cache" run first=7 cost_ms=60000 > said 2>> notes &
holder=$!
n=0
while [ -z "$(ls cache/v1/claim)" ] && [ $n -lt 600 ]; do sleep 0.05; n=$((n + 1)); done
pids=
for i in 1 2 3 4; do
    step run first=7 log="$PWD/again" cost_ms=500 > over$i 2>> notes &
    pids="$pids $!"
done
sleep 0.5
kill -KILL $holder
wait $holder 2>> notes
killed=$(date +%s%N)
wait_all $pids
took=$((($(date +%s%N) - killed) / 1000000))
verdict "when it is killed, one of those who wait takes over (and 0.5 s of work: $took ms)" \
    "$failed failed, $(wc -l < again) computed, $(sum hits over*) hits, wrong $(sum wrong over*)" \
    "0 failed, 1 computed, 3 hits, wrong 0"

# More entries than folders are deleted with all folders open, unless so many may not be.
for files in 1024 60; do
    rm -rf cache
    step run count=600 bytes=8 sync=0 > said
    (ulimit -n $files && step trim keep=0) > trimmed 2>> notes
    verdict "600 entries go where $files files may be open" \
        "$(sum deleted trimmed) $(find cache/v1/obj -type f | wc -l)" "600 0"
done
