# Each call on the cache's files made to fail, once and from then on: the result is right, the exit
# is 0, and the next run that can work finds nothing wrong.
. "$SRC/tests/cli/cache/functions"
errors=$(long "ENOSPC EIO EACCES EINTR EDQUOT ESTALE EROFS EMFILE" "ENOSPC EIO EACCES EINTR EDQUOT")

nothing() { rm -rf cache; }
filled() {
    rm -rf cache
    cp -a made cache
}
damaged() {
    rm -rf cache
    cp -a broken cache
}

# failing NAME STRIDE SETUP ARGS...: `cache_step run ARGS` with each of its calls failing in each of
# the ways; in a short run every STRIDEth.
failing() {
    name=$1 stride=$(long 1 "$2") setup=$3
    shift 3
    injected=0 kept=0 hits=0 wrong= turn=0
    # But no EINTR for ever: such a call is rightly made again.
    for error in $errors $(long "ENOSPC+ EIO+ EACCES+ EDQUOT+ ESTALE+ EROFS+ EMFILE+" "ENOSPC+ EIO+"); do
        turn=$((turn + 1)) n=$((1 + turn % stride))
        while :; do
            $setup
            "$tools/at_call" -p "$cache" $n $error "$tools/cache_step" "$cache" run bytes=20000 "$@" \
                > said 2> notes
            code=$?
            [ $code != 77 ] || { echo "skip $name: processes cannot be traced here"; return; }
            [ $code != 127 ] || { echo "not ok $name: $(head -n 1 notes)"; return; }
            [ $code != 99 ] || break
            injected=$((injected + 1))
            [ $code = 0 ] || wrong="$wrong $error@$n:exit$code"
            [ "$(wc -l < notes)" -le 2 ] || wrong="$wrong $error@$n:notes"
            hits=$((hits + $(value hits said))) kept=$((kept + $(value stored said)))
            step run bytes=20000 times=2 > after 2> err || wrong="$wrong $error@$n:run"
            [ "$(value hits after)" -ge 1 ] || wrong="$wrong $error@$n:lost"
            lines=$(wc -l < err)
            [ "$lines" = "$(value damaged after)" ] || wrong="$wrong $error@$n:complaint"
            [ "$setup" = damaged ] || [ "$lines" = 0 ] || wrong="$wrong $error@$n:damage"
            step verify > after 2>&1 || wrong="$wrong $error@$n:verify"
            n=$((n + stride))
        done
    done
    [ $injected -gt 10 ] || wrong="$wrong only-$injected-injected"
    clean "$name" "$wrong" "$injected failures, $hits hits, $kept results kept all the same"
}

failing "a new cache and a first result, calls failing" 19 nothing
rm -rf cache
step run bytes=20000 > said && cp -a cache made
failing "a hit, calls failing" 13 filled
step damage bytes=20000 > said && mv cache broken
failing "reading a damaged entry, calls failing" 23 damaged

# The same of a whole command.
phantom data
rm -rf cache
fit whole --cache off 2> err || echo "not ok a fit to compare with"
fit got --cache "$cache" 2> err && mv cache made

# run_failing NAME STRIDE SETUP
run_failing() {
    stride=$(long 13 "$2") injected=0 wrong= turn=0
    for error in $errors $(long "ENOSPC+ EIO+" ""); do
        turn=$((turn + 1)) n=$((1 + 7 * turn % stride))
        while :; do
            $3
            under="$tools/at_call -p $cache $n $error"
            fit got --cache "$cache" 2> err
            code=$?
            under=
            [ $code != 77 ] || { echo "skip $1: processes cannot be traced here"; return; }
            [ $code != 127 ] || { echo "not ok $1: $(head -n 1 err)"; return; }
            [ $code != 99 ] || break
            injected=$((injected + 1))
            [ $code = 0 ] || wrong="$wrong $error@$n:exit$code"
            same_files whole got || wrong="$wrong $error@$n:other"
            [ "$(notes)" -le 2 ] || wrong="$wrong $error@$n:notes"
            "$BRAINMINE" cache verify --cache "$cache" > after 2>&1 || wrong="$wrong $error@$n:verify"
            n=$((n + stride))
        done
    done
    [ $injected -gt 3 ] || wrong="$wrong only-$injected-injected"
    clean "$1" "$wrong" "$injected failures"
}
run_failing "a cold run, calls on its cache failing" 149 nothing
run_failing "a warm run, calls on its cache failing" 71 filled
