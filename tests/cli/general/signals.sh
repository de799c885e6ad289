# A signal ends a run with 128 and its number, one line, and no file (reliability 5.2, row 148).
"$BRAINMINE" simulate --help > help 2>&1 || { echo "SKIP simulate is not built in"; exit 77; }

# In the background of a script SIGINT arrives ignored; kill -INT must work all the same.
try() { # NAME SIGNAL CODE
    rm -rf out err
    "$BRAINMINE" simulate decode -o out --threads 1 --samples 400 --progress always 2> err &
    pid=$!
    # It computes once it says so.
    n=0
    while ! grep -q 'frames' err 2>/dev/null && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
    kill "-$2" $pid
    wait $pid 2>/dev/null
    code=$?
    files=$(find out -type f 2>/dev/null | wc -l)
    lines=$(grep -c 'interrupted by signal' err)
    if [ "$code $files $lines" = "$3 0 1" ]; then echo "ok $1"
    else echo "not ok $1: exit $code, $files files"; tail -n 5 err | sed 's/^/# /'; fi
}
try "SIGINT is exit 130" INT 130
try "SIGTERM is exit 143" TERM 143
try "SIGHUP is exit 129" HUP 129
try "SIGXCPU is exit 152" XCPU 152

# nohup's wish is kept.
rm -rf out err
(trap '' HUP; exec "$BRAINMINE" simulate decode -o out --shape 30x34x28 --voxels 8000 --samples 60 \
    --progress always 2> err) &
pid=$!
n=0
while ! grep -q 'frames' err 2>/dev/null && [ $n -lt 1200 ]; do sleep 0.05; n=$((n + 1)); done
kill -HUP $pid 2>/dev/null
wait $pid
code=$?
if [ $code = 0 ] && [ -e out/samples.tsv ]; then echo "ok SIGHUP ignored at start stays ignored"
else echo "not ok SIGHUP ignored at start stays ignored: exit $code"; fi
