# Two users of a group: a cache that one fills and the other reads, by the recipes of brainmine-cache(1).
. "$SRC/tests/cli/cache/functions"
owner="setpriv --reuid 5001 --regid 5001 --groups 7000"
reader="setpriv --reuid 5002 --regid 5002 --groups 7000"
if [ "$(id -u)" != 0 ] || ! for_others $owner; then
    echo "SKIP needs root, for two other users"
    exit 77
fi
phantom data
chmod -R a+rX data
mkdir owner reader
chown 5001:5001 owner
chown 5002:5002 reader
BRAINMINE_CACHE_RO=$PWD/owner/cache BRAINMINE_CACHE_TRUST=5001
export BRAINMINE_CACHE_RO BRAINMINE_CACHE_TRUST

# fill OPTIONS...: a run of the owner, with that cache.
fill() {
    under=$owner BRAINMINE_CACHE_RO=
    fit owner/out --cache "$PWD/owner/cache" "$@" 2> err || echo "not ok the owner's run: $(cat err)"
    BRAINMINE_CACHE_RO=$PWD/owner/cache under=
}
# reads NAME HITS MISSES NOTES OPTIONS...: what a run of the reader finds.
reads() {
    name=$1 want="exit 0, $2 found, $3 not, $4 notes"
    shift 4
    rm -rf reader/cache
    under=$reader
    fit reader/out --cache "$PWD/reader/cache" "$@" 2> err
    verdict "$name" "exit $?, $(number reader/out cache_hits) found, $(number reader/out cache_misses) not, $(
        notes) notes" "$want"
    under=
}
modes() { find "owner/cache/v1/obj" -type "$1" -printf '%m\n' | sort -u | tr '\n' ' '; }

fill
steps=$(find owner/cache/v1/obj -name '*.bmc' | wc -l)
found=$((steps - 1)) # what else there is, the Gram matrix, is of no use to who has the fits
reads "a cache is its owner's alone" 0 $steps 1
$owner sh -c 'chgrp -R 7000 owner/cache && chmod -R g+rX owner/cache' || echo "not ok the recipe"
reads "a cache opened to a group is read" $found 0 0
verdict "and cannot be written" "$(find owner/cache ! -user 5001 | wc -l) $(modes d)$(modes f)" "0 750 440 "
BRAINMINE_CACHE_TRUST= reads "but not believed without trust" 0 $steps 1
fill --detrend 2
reads "what came since is not" 0 $steps 0 --detrend 2
$owner sh -c 'chgrp -R 7000 owner/cache && chmod -R g+rX owner/cache' || echo "not ok the recipe"
reads "until it is opened again" $found 0 0 --detrend 2

rm -rf owner/cache
$owner sh -c 'umask 077; mkdir owner/cache && chgrp 7000 owner/cache && chmod 2770 owner/cache' ||
    echo "not ok the recipe of a shared folder"
fill
verdict "in a folder that is shared a group may read what each of it keeps" "$(modes d)$(modes f)" "2770 440 "
reads "also who does not write there" $found 0 0
BRAINMINE_CACHE_RO=
rm -rf reader/out
under=$reader
fit reader/out --cache "$PWD/owner/cache" --detrend 2 2> err
verdict "who does keeps, for the others" "exit $? $(find owner/cache -name '*.bmc' -user 5002 | wc -l)" "exit 0 $steps"
under=
BRAINMINE_CACHE_TRUST=5002 fill --detrend 2
verdict "who believe it" "$(number owner/out cache_misses)" 0
