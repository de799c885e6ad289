#!/bin/sh
# A manual page with what lies between its markers made anew: splice.sh PAGE.
#   .\" BEGIN options decode     the output of $BRAINMINE --_mdoc options decode
#   .\" END
# A section that the program does not know is left as it is.
awk -v program="$BRAINMINE" '
    /^\.\\" END/ { if (kept) printf "%s", old; inside = 0 }
    inside { old = old $0 "\n"; next }
    { print }
    /^\.\\" BEGIN / {
        command = program " --_mdoc " $3 " " $4 " 2>/dev/null"
        kept = 1
        while ((command | getline line) > 0) { print line; kept = 0 }
        close(command)
        inside = 1
        old = ""
    }' "$1"
