#!/bin/sh
# Every fuzz target under clang's engine and the sanitizers: a million executions each.
cd "$(dirname "$0")/.." || exit 1
: "${MAKE:=make}" "${FUZZ_RUNS:=1000000}"
said=$($MAKE --no-print-directory FUZZ_RUNS="$FUZZ_RUNS" fuzz 2>&1)
for target in tests/fuzz/fuzz_*.c; do
    name=${target##*/fuzz_}
    name=${name%.c}
    if grep -q "^Done $FUZZ_RUNS runs" "build/fuzz/$name.log" 2>/dev/null; then
        echo "ok fuzz_$name: $FUZZ_RUNS executions"
    else
        echo "not ok fuzz_$name: $FUZZ_RUNS executions"
        printf '%s\n' "$said" | tail -n 40 | sed 's/^/# /'
    fi
done
