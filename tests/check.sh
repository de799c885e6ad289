#!/bin/sh
# Everything `make check` runs. Each part prints lines "ok NAME", "not ok NAME", "skip NAME: why"
# and "# detail"; the last line here is "N passed, N failed, N skipped".
# Set by the Makefile: BUILD, CC, SAN, MAKE, and FULL=1 for the long parts, tests/full_*.sh.
cd "$(dirname "$0")/.." || exit 1
SRC=$PWD
BUILD=$(cd "$BUILD" && pwd)
BRAINMINE=$BUILD/brainmine
export SRC BUILD BRAINMINE CC SAN MAKE
unset BRAINMINE_THREADS BRAINMINE_CACHE MAKEFLAGS MFLAGS
# Whatever a test leaves behind, killed or not, goes with this folder.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-check-XXXXXX") && chmod 711 "$TMPDIR" || exit 1
# No test finds, or leaves, anything in the cache of whoever runs them.
XDG_CACHE_HOME=$TMPDIR/cache
export TMPDIR XDG_CACHE_HOME
trap 'chmod -R u+rwx "$TMPDIR"; rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
results=$BUILD/check.results
: > "$results"

unit() {
    export CK_TAP_LOG_FILE_NAME="$BUILD/unit.tap" BRAINMINE_SKIP_LOG="$BUILD/unit.skip"
    rm -f "$CK_TAP_LOG_FILE_NAME" "$BRAINMINE_SKIP_LOG"
    CK_VERBOSITY=silent "$BUILD/unit" > "$BUILD/unit.log" 2>&1
    code=$?
    # TAP of check: "ok 1 - test_x.c:case:name: Passed". A test that skipped is no pass.
    awk '
        FILENAME ~ /skip$/ { name = $2; sub(/:$/, "", name); why[name] = $0; next }
        /^(not )?ok / {
            count++
            verdict = $1 == "ok" ? "ok" : "not ok"
            rest = $0; sub(/^(not )?ok [0-9]+ - /, "", rest)
            split(rest, part, ":")
            if (verdict == "ok" && part[3] in why) {
                line = why[part[3]]; sub(/^SKIP/, "skip", line); print line
            } else if (verdict == "ok") print "ok unit " part[1] ":" part[3]
            else print "not ok unit " rest
        }' "$(skip_log)" "$CK_TAP_LOG_FILE_NAME" 2>/dev/null
    if [ $code != 0 ] && ! grep -q '^not ok' "$CK_TAP_LOG_FILE_NAME" 2>/dev/null; then
        echo "not ok unit runner (exit $code)"
        sed 's/^/# /' "$BUILD/unit.log" | tail -n 20
    elif [ ! -s "$CK_TAP_LOG_FILE_NAME" ]; then
        echo "not ok unit runner: no results"
    fi
    unset CK_TAP_LOG_FILE_NAME BRAINMINE_SKIP_LOG
}
skip_log() {
    [ -e "$BRAINMINE_SKIP_LOG" ] || : > "$BRAINMINE_SKIP_LOG"
    echo "$BRAINMINE_SKIP_LOG"
}

part() { # TITLE COMMAND...
    title=$1
    shift
    begun=$(date +%s)
    "$@" > "$BUILD/part.results" 2>&1
    code=$?
    if ! grep -Eq '^(ok|not ok|skip) ' "$BUILD/part.results"; then
        sed 's/^/# /' "$BUILD/part.results" > "$BUILD/part.raw"
        { echo "not ok $title (said nothing, exit $code)"; cat "$BUILD/part.raw"; } \
            > "$BUILD/part.results"
    fi
    cat "$BUILD/part.results" >> "$results"
    printf '  %-20s %4d passed, %d failed, %d skipped  (%d s)\n' "$title" \
        "$(grep -c '^ok ' "$BUILD/part.results")" "$(grep -c '^not ok ' "$BUILD/part.results")" \
        "$(grep -c '^skip ' "$BUILD/part.results")" $(($(date +%s) - begun))
}

part unit unit
for script in tests/check_*.sh; do
    name=${script##*/check_}
    part "${name%.sh}" sh "$script"
done
part commands sh tests/run_cli.sh
for script in tests/full_*.sh; do
    name=${script##*/full_}
    [ -z "$FULL" ] || part "${name%.sh}" sh "$script"
done

# Each skip by its name, once, with how often (tests in a loop share theirs).
grep '^skip ' "$results" | awk '!n[$0]++ { line[++k] = $0 }
    END { for (i = 1; i <= k; i++) print line[i] (n[line[i]] > 1 ? " (" n[line[i]] " times)" : "") }'
awk '/^not ok /{show=1} /^(ok|skip) /{show=0} show' "$results"
passed=$(grep -c '^ok ' "$results")
failed=$(grep -c '^not ok ' "$results")
skipped=$(grep -c '^skip ' "$results")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
