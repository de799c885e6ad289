# SIGKILL at each system call of what writes to a cache: no later reader gets a wrong byte or a word
# of complaint, the next run has its result kept, and what was left behind goes with the next trim.
. "$SRC/tests/cli/cache/functions"

nothing() { rm -rf cache; }
damaged() { # an entry with one flipped bit
    rm -rf cache
    cp -a made cache
}
full() { # eight entries where six are allowed: the next one sweeps
    rm -rf cache
    cp -a eight cache
}

# killed NAME STRIDE SETUP ARGS...: `cache_step ARGS` killed at each of its calls, after SETUP; in
# a short run at every STRIDEth.
killed() {
    name=$1 stride=$(long 1 "$2") setup=$3
    shift 3
    n=1 points=0 hits=0 left=0 wrong=
    while :; do
        $setup
        "$tools/at_call" $n kill "$tools/cache_step" "$cache" "$@" > said 2>&1
        code=$?
        [ $code != 77 ] || { echo "skip $name: processes cannot be traced here"; return; }
        [ $code != 99 ] || break
        [ $code = 137 ] || wrong="$wrong $n:exit$code"
        points=$((points + 1))
        step run bytes=20000 times=2 > after 2> err || wrong="$wrong $n:run"
        [ "$(value hits after)" = 2 ] && hits=$((hits + 1))
        [ "$(value hits after)" -ge 1 ] || wrong="$wrong $n:lost"
        # A damaged entry may be seen now, if the killed run did not come so far, and then once.
        lines=$(wc -l < err)
        [ "$lines" = "$(value damaged after)" ] || wrong="$wrong $n:notes"
        [ "$setup" = damaged ] || [ "$lines" = 0 ] || wrong="$wrong $n:notes"
        step verify > after 2> err || wrong="$wrong $n:verify"
        left=$((left + $(value unfinished after)))
        [ -z "$(ls cache/v1/claim)" ] || touch -d '2 hours ago' cache/v1/claim/*
        step trim keep=1000000000 > after 2>&1
        [ -z "$(ls -A cache/v1/tmp)$(ls -A cache/v1/claim; ls cache | grep new-)" ] ||
            wrong="$wrong $n:left"
        n=$((n + stride))
    done
    [ $points -gt 5 ] || wrong="$wrong only-$points-points"
    clean "$name" "$wrong" "$points kills, $hits found the result kept, $left files left and removed"
}

killed "a new cache and a first result, killed at each call" 9 nothing run bytes=20000
rm -rf cache
step run bytes=20000 > said && step damage bytes=20000 && mv cache made
killed "reading a damaged entry, killed at each call" 13 damaged run bytes=20000
rm -rf cache
step run bytes=20000 first=1 count=8 > said && mv cache eight
killed "a store over its limit, killed at each call" 43 full run bytes=20000 limit=120000
killed "trimming, killed at each call" 43 full trim keep=50000
killed "replacing an entry, killed at each call" 23 damaged run bytes=20000 refresh=1
