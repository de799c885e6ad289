#!/bin/sh
# The command tests: tests/cli/TOPIC/CASE.sh, each in a scratch folder of its own with $BRAINMINE,
# $SRC and $BUILD. Beside a case may stand CASE.exit (default 0), CASE.stdout (exact; default
# nothing) and CASE.stderr.glob (a shell pattern for all of it; default nothing).
# A case that prints only lines "ok NAME", "not ok NAME", "skip NAME: why" and "# detail" counts
# as that many tests. Exit 77 with a last line "SKIP why" skips the case.
# run_cli.sh [CASE.sh...]: those only, or all.
: "${SRC:=$(cd "$(dirname "$0")/.." && pwd)}" "${BRAINMINE:=$SRC/brainmine}" "${BUILD:=$SRC/build/release}"
export SRC BRAINMINE BUILD

one() {
    case=$1 stem=${1%.sh} name=${1#"$SRC/tests/cli/"}
    name=${name%.sh}
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-cli-XXXXXX") || exit 1
    mkdir "$scratch/work" "$scratch/home"
    (cd "$scratch/work" && HOME=$scratch/home XDG_CACHE_HOME=$scratch/home/.cache \
        timeout ${CASE_SECONDS:-600} sh "$case" > ../stdout 2> ../stderr < /dev/null)
    code=$?
    want=0
    [ -e "$stem.exit" ] && want=$(cat "$stem.exit")
    pattern=
    [ -e "$stem.stderr.glob" ] && pattern=$(cat "$stem.stderr.glob")
    wrong=
    said=$(cat "$scratch/stderr")
    if [ $code = 77 ] && grep -q '^SKIP ' "$scratch/stdout"; then
        echo "skip $name: $(sed -n 's/^SKIP //p' "$scratch/stdout" | tail -n 1)"
    else
        [ $code = "$want" ] || wrong="exit $code, wanted $want"
        case $said in
            $pattern) ;;
            *) wrong="$wrong; stderr is not as wanted" ;;
        esac
        table=
        if [ -e "$stem.stdout" ]; then
            cmp -s "$stem.stdout" "$scratch/stdout" || wrong="$wrong; stdout is not as wanted"
        elif [ -s "$scratch/stdout" ]; then
            table=1
            grep -Evq '^(ok |not ok |skip |#)' "$scratch/stdout" && wrong="$wrong; stdout is not empty"
        fi
        if [ -n "$wrong" ]; then
            echo "not ok $name: $wrong"
            sed 's/^/# stdout: /' "$scratch/stdout" | head -n 40
            sed 's/^/# stderr: /' "$scratch/stderr" | head -n 40
        elif [ -n "$table" ]; then
            sed -E "s|^(ok\|not ok\|skip) |&$name: |" "$scratch/stdout"
        else
            echo "ok $name"
        fi
    fi
    chmod -R u+rwx "$scratch" 2>/dev/null
    rm -rf "$scratch"
}

if [ "$1" = --one ]; then
    one "$2" > "$3"
    exit 0
fi
# This script starts itself once per case, by --one; nothing else may bring it here twice.
if [ -n "$BRAINMINE_RUN_CLI" ]; then
    echo "not ok run_cli.sh was started from within itself"
    exit 1
fi
export BRAINMINE_RUN_CLI=1
out=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-results-XXXXXX") || exit 1
trap 'rm -rf "$out"' EXIT
if [ $# -gt 0 ]; then
    for c; do echo "$(cd "$(dirname "$c")" && pwd)/${c##*/}"; done
else
    [ ! -d "$SRC/tests/cli" ] || find "$SRC/tests/cli" -name '*.sh' | LC_ALL=C sort
fi | awk -v out="$out" '{ printf "--one\n%s\n%s/%05d\n", $0, out, NR }' |
    xargs -r -d '\n' -n 3 -P "${JOBS:-2}" sh "$SRC/tests/run_cli.sh"
cat "$out"/* 2>/dev/null
