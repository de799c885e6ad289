#!/bin/sh
# A manual page with what lies between its markers made anew: splice.sh PAGE.
#   .\" BEGIN options decode     the output of $BRAINMINE --_mdoc options decode
#   .\" END
# Fails at a section of which the program says nothing.
awk -v program="$BRAINMINE" '
    /^\.\\" END/ { inside = 0 }
    inside { next }
    { print }
    /^\.\\" BEGIN / {
        command = program " --_mdoc " $3 " " $4
        said = 0
        while ((command | getline line) > 0) { print line; said = 1 }
        close(command)
        if (!said) { unknown = $0; exit }
        inside = 1
    }
    END { if (unknown) { print FILENAME ": nothing for: " unknown > "/dev/stderr"; exit 1 } }' "$1"
