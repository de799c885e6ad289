#!/bin/sh
# What of the style can be seen by a line: width, comments, tabs, ends of lines, typedefs.
cd "$(dirname "$0")/.." || exit 1
sources=$(find lib cli tests -name '*.[ch]' -o -name '*.cpp' | LC_ALL=C sort)
scripts="$(find tests man -name '*.sh' | LC_ALL=C sort) Makefile .ci/run .ci/packages"
rule() { # NAME OFFENDERS
    if [ -z "$2" ]; then echo "ok $1"; else
        echo "not ok $1"
        printf '%s\n' "$2" | head -n 20 | sed 's/^/# /'
    fi
}
tab=$(printf '\t')
rule "no line of C is wider than 100 columns" "$(LC_ALL=C.UTF-8 grep -nE '^.{101,}' $sources)"
rule "no line of shell is wider than 120 columns" "$(LC_ALL=C.UTF-8 grep -nE '^.{121,}' $scripts)"
rule "no tabs in C" "$(grep -n "$tab" $sources)"
rule "no // comments" "$(grep -nE '(^|[^:"])//' $sources)"
rule "no blanks at line ends" "$(grep -nE '[ 	]+$' $sources $scripts)"
rule "no typedef of structs" "$(grep -nE '^ *typedef (struct|enum|union)[^(]*$' $sources)"
rule "no static mutable state in lib, but for the two of util/ctx.h" "$(
    grep -nE '^ *static ([^(]*[;=]|struct \{)' lib/*/*.c |
        grep -vE 'static (const|inline)|static [a-z_ ]*\*const|static [a-z_0-9 ]* const ' |
        grep -vE '^lib/(util/path.c:[0-9]+:static struct \{|num/blas.c:[0-9]+:.* pinned)')"
long=$(wc -l $sources | awk '$1 > 600 && $2 != "total" { print $2 ": " $1 " lines" }')
rule "no file over 600 lines" "$long"
