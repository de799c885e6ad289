#!/bin/sh
# The arrows between the folders of lib: a layer includes itself and those listed.
cd "$(dirname "$0")/.." || exit 1
allowed() {
    case $1 in
        util) echo "util" ;;
        num) echo "util num" ;;
        io) echo "util num io" ;;
        signal) echo "util num io signal" ;;
        learn) echo "util num learn" ;;
        brain) echo "util num io signal learn brain" ;;
        cache) echo "util num io cache" ;;
        render) echo "util num io render" ;;
        *) echo "" ;;
    esac
}
for dir in lib/*/; do
    layer=$(basename "$dir")
    bad=
    for file in "$dir"*.[ch] "$dir"*.cpp; do
        [ -e "$file" ] || continue
        for to in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
            case " $(allowed "$layer") version.h " in
                *" ${to%%/*} "*) ;;
                *) bad="$bad $file->$to" ;;
            esac
        done
    done
    if [ -n "$bad" ]; then echo "not ok layer $layer:$bad"; else echo "ok layer $layer"; fi
done

# The library returns, the tool speaks.
speaks=$(grep -nE '(^|[^a-zA-Z_>.])(printf|puts|putchar|perror|exit|_exit|abort|signal|sigaction)\(' \
    lib/*/*.c | grep -vE '^[^:]*:[0-9]+:[ /]*\*')
prints=$(grep -nE 'f(printf|puts|write)\([^;]*std(out|err)' lib/*/*.c)
if [ -n "$speaks$prints" ]; then
    echo "not ok the library neither prints nor exits"
    printf '%s\n' "$speaks" "$prints" | sed '/^$/d; s/^/# /'
else
    echo "ok the library neither prints nor exits"
fi
doors=$(grep -lE '(cblas_|LAPACKE_)[a-z]' lib/*/*.c lib/*/*.cpp cli/*.c | grep -vE '^lib/num/(blas|lapack)\.c$')
if [ -n "$doors" ]; then echo "not ok BLAS has one door, not $doors"; else echo "ok BLAS has one door"; fi
inner=$(grep -nE '^#include "[a-z_]+/[a-z_]*_internal.h"' cli/*.[ch])
if [ -n "$inner" ]; then echo "not ok the program includes public headers: $inner"
else echo "ok the program includes public headers"; fi
