#!/bin/sh
# The manual: every command has a page, what is derived is fresh, and mandoc finds nothing.
cd "$(dirname "$0")/.." || exit 1
: "${BRAINMINE:=./brainmine}"
export BRAINMINE
work=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-man-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
for command in $($BRAINMINE --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    case $command in help | version) continue ;; esac
    if [ -e "man/brainmine-$command.1" ]; then echo "ok $command has a manual page"
    else echo "not ok $command has a manual page"; fi
done
for page in man/*.1 man/*.5; do
    if sh man/splice.sh "$page" > "$work/page" && cmp -s "$work/page" "$page"; then echo "ok $page is fresh"; else
        echo "not ok $page is fresh (run make man)"
        diff "$page" "$work/page" | head -n 10 | sed 's/^/# /'
    fi
    if ! command -v mandoc >/dev/null; then
        echo "skip $page under mandoc: not installed (package mandoc)"
    elif mandoc -T lint -W warning "$page" > "$work/lint"; then echo "ok $page is good mdoc"; else
        echo "not ok $page is good mdoc"
        sed 's/^/# /' "$work/lint"
    fi
done
