#!/bin/sh
# Every public header compiles alone, as C and as C++.
cd "$(dirname "$0")/.." || exit 1
: "${CC:=gcc}" "${BUILD:=build/release}"
try() { # LANGUAGE STANDARD
    for header in lib/*/*.h; do
        case $header in *_internal.h | */banned.h) continue ;; esac
        said=$(echo "#include \"${header#lib/}\"" |
            $CC -Ilib "-I$BUILD" -isystem /usr/include/nifti -x "$1" "-std=$2" -Wall -Wextra -Werror \
                -fsyntax-only - 2>&1)
        if [ $? = 0 ]; then echo "ok $header as $2"; else
            echo "not ok $header as $2"
            printf '%s\n' "$said" | head -n 10 | sed 's/^/# /'
        fi
    done
}
try c c11
try c c99
if echo | $CC -x c++ -fsyntax-only - 2>/dev/null; then try c++ c++17; else
    echo "skip headers as C++: no C++ compiler (package g++)"
fi
