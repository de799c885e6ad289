#!/bin/sh
# Every public header compiles alone, as C and as C++; and all together after NIfTI's, which takes
# many names for itself.
cd "$(dirname "$0")/.." || exit 1
: "${CC:=gcc}" "${BUILD:=build/release}"
compiles() { # NAME LANGUAGE STANDARD: the text on standard input
    if said=$($CC -Ilib "-I$BUILD" -isystem /usr/include/nifti -x "$2" "-std=$3" -Wall -Wextra -Werror \
        -fsyntax-only - 2>&1); then echo "ok $1 as $3"; else
        echo "not ok $1 as $3"
        printf '%s\n' "$said" | head -n 10 | sed 's/^/# /'
    fi
}
headers=$(printf '%s\n' lib/*/*.h | grep -vE '_internal\.h$|/banned\.h$' | sed 's|^lib/||')
try() { # LANGUAGE STANDARD
    for header in $headers; do echo "#include \"$header\"" | compiles "lib/$header" "$1" "$2"; done
    printf '#include "%s"\n' nifti2_io.h $headers | compiles "all headers after nifti2_io.h" "$1" "$2"
}
try c c11
try c c99
if echo | $CC -x c++ -fsyntax-only - 2>/dev/null; then try c++ c++17; else
    echo "skip headers as C++: no C++ compiler (package g++)"
fi
