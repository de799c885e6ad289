#!/bin/sh
# What `make install` leaves works from the outside: program, manual, completion, library.
cd "$(dirname "$0")/.." || exit 1
: "${CC:=gcc}" "${MAKE:=make}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/brainmine-install-XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
verdict() { # NAME CODE
    if [ "$2" = 0 ]; then echo "ok $1"; else
        echo "not ok $1"
        sed 's/^/# /' "$dir/said" | head -n 20
    fi
}
root=$dir/root/opt/brain
$MAKE --no-print-directory SAN="$SAN" BUILD="$BUILD" DESTDIR="$dir/root" prefix=/opt/brain install \
    > "$dir/said" 2>&1
verdict "install" $?

# Another installation from the same build.
$MAKE --no-print-directory SAN="$SAN" BUILD="$BUILD" DESTDIR="$dir/other" prefix=/usr install \
    > "$dir/said" 2>&1 && grep '^prefix=' "$dir"/*/usr/lib/pkgconfig/brainmine.pc > "$dir/said" 2>&1
grep -qx 'prefix=/usr' "$dir/said"
verdict "brainmine.pc names the prefix of its own installation" $?

"$root/bin/brainmine" --version > "$dir/said" 2>&1 && grep -q '^brainmine [0-9]' "$dir/said"
verdict "the installed program runs" $?

cat > "$dir/use.c" <<'END'
#include <stdio.h>
#include "brainmine.h"
#include <util/rng.h>
int main(void)
{
    struct bm_ctx ctx;
    struct bm_mat m = {NULL, 0, 0, 0, NULL};
    bm_ctx_init(&ctx);
    if (bm_mat_alloc(&ctx, &m, 3, 2) != BM_OK) return 1;
    *bm_mat_at(&m, 2, 1) = 7;
    printf("%g %s\n", *bm_mat_at(&m, 2, 1), bm_blas_name());
    bm_mat_release(&m);
    return 0;
}
END
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$dir/root"
flags=$(pkg-config --cflags --libs brainmine)
san=${SAN:+-fsanitize=$SAN}
$CC $san "$dir/use.c" -o "$dir/use" $flags > "$dir/said" 2>&1 && "$dir/use" > "$dir/said" 2>&1 &&
    grep -q '^7 ' "$dir/said"
verdict "a C program uses the library through pkg-config" $?
if echo | $CC -x c++ -fsyntax-only - 2>/dev/null; then
    $CC $san -x c++ "$dir/use.c" -x none -o "$dir/use" $flags > "$dir/said" 2>&1 &&
        "$dir/use" > "$dir/said" 2>&1 && grep -q '^7 ' "$dir/said"
    verdict "a C++ program uses the library through pkg-config" $?
else
    echo "skip a C++ program uses the library: no C++ compiler (package g++)"
fi

missing=
for page in man/*.1 man/*.5; do
    [ -e "$page" ] || continue
    [ -e "$root/share/man/man${page##*.}/${page##*/}" ] || missing="$missing $page"
done
echo "missing:$missing" > "$dir/said"
[ -z "$missing" ]
verdict "the manual is installed" $?

# Completion: commands, options of one, choices of an option.
if command -v bash >/dev/null; then
    complete() { # WORDS... ; the last is being typed
        bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
                 compopt() { :; }; _brainmine; printf "%s\n" "${COMPREPLY[@]}"' \
            "$root/share/bash-completion/completions/brainmine" "$@" 2>&1
    }
    complete brainmine ver > "$dir/said"; grep -qx version "$dir/said"
    verdict "bash completes a command" $?
    complete brainmine version --thr > "$dir/said"; grep -qx -- --threads "$dir/said"
    verdict "bash completes an option" $?
    complete brainmine version --progress al > "$dir/said"; grep -qx always "$dir/said"
    verdict "bash completes a choice" $?
fi
if command -v zsh >/dev/null; then
    zsh -n "$root/share/zsh/site-functions/_brainmine" > "$dir/said" 2>&1
    verdict "the zsh completion is well formed" $?
else
    echo "skip the zsh completion is well formed: no zsh (package zsh)"
fi

$MAKE --no-print-directory BUILD="$BUILD" DESTDIR="$dir/root" prefix=/opt/brain uninstall \
    > "$dir/said" 2>&1
find "$dir/root" -type f > "$dir/said"
[ ! -s "$dir/said" ]
verdict "uninstall leaves no file" $?
