# Links planted at each component of a cache, and a cache that its user cannot write: the run gives
# what it gives without one and exits 0, under --strict too; one line says why nothing is kept;
# nothing outside is touched. More places: safety.sh.
. "$SRC/tests/cli/cache/functions"
phantom data
fit whole --cache off 2> err || echo "not ok a fit to compare with"

# survives NAME NOTES [OPTIONS...]: a run with this cache; NOTES, a pattern, is how many lines.
survives() {
    name=$1 notes=$2
    shift 2
    fit got --cache "$cache" "$@" 2> err
    code=$?
    same_files whole got || code="$code, other files"
    lines=$(notes)
    case $lines in
        $notes) ;;
        *) code="$code, $lines notes" ;;
    esac
    if [ "$code" = 0 ]; then echo "ok $name"; else
        echo "not ok $name: exit $code"
        head -n 5 err differences | sed 's/^/# /'
    fi
}
fresh() {
    chmod -R u+rwx "$cache" 2> /dev/null
    rm -rf "$cache"
    cp -a kept "$cache"
}
sleep 3 # an input is remembered once it is older than that
fit got --cache "$PWD/kept" 2> err
verdict "inputs are remembered" "$(ls kept/v1/memo | wc -l | awk '{ print ($1 > 0) }')" 1
BRAINMINE_CACHE_HASH=always fit got --cache "$PWD/unremembered" 2> err
verdict "and are not, where they are to be read always" "$(ls unremembered/v1/memo 2> /dev/null | wc -l)" 0
BRAINMINE_CACHE_HASH=always fit got --cache "$PWD/unremembered" 2> err
verdict "which finds as much" "$(number got cache_misses)" 0

# Planted links, each to a place outside that must stay as it is.
outside=$PWD/outside
plant() { # COMPONENT
    fresh
    [ "$1" != cache/v1/bad ] || { chmod u+w "cache/$entry" && echo >> "cache/$entry" && chmod u-w "cache/$entry"; }
    rm -rf "$outside" before
    if [ -d "$1" ]; then cp -a "$1" "$outside"; else
        mkdir "$outside"
        [ ! -e "$1" ] || cp -a "$1" "$outside/file"
    fi
    cp -a "$outside" before
    rm -rf "$1"
    if [ -e "$outside/file" ]; then ln -s "$outside/file" "$1"; else ln -s "$outside" "$1"; fi
}
entry=$(cd kept && ls -d v1/obj/*/*.bmc | head -n 1)
memo=$(cd kept && ls -d v1/memo/* | head -n 1)
for component in . FORMAT v1 v1/obj "$(dirname "$entry")" "$entry" v1/tmp v1/claim v1/bad v1/memo "$memo" \
    v1/usage CACHEDIR.TAG; do
    if [ $component = . ]; then plant cache; else plant cache/$component; fi
    shown=$(echo $component | sed 's|[0-9a-f]\{62\}|ENTRY|; s|obj/..|obj/NN|; s|memo/.*|memo/N|; s|^\.$|the cache|')
    survives "a link planted as $shown" '[01]' --refresh
    survives "a link planted as $shown, then a hit" '[01]'
    diff -r before outside > differences
    clean "nothing comes to where the link at $shown leads" "$(cat differences)" "same files"
done
fresh
mkdir elsewhere && mv cache elsewhere/cache && rm -rf parent && ln -s elsewhere parent
cache=$PWD/parent/cache
survives "a link above the cache is the user's own affair" 0
cache=$PWD/cache

# What cannot be written. A user without rights is needed, or a mount.
if [ "$(id -u)" = 0 ]; then as="setpriv --reuid 65534 --clear-groups"; else as=; fi
if for_others $as; then
    rm -rf mine && mkdir mine && cp -a kept mine/cache && cp -a data mine/data
    [ -z "$as" ] || chown -R 65534 mine
    chmod -R a-w mine/cache
    (cd mine && $as "$BRAINMINE" decode fit --strict --progress never --model svm -s data/samples.tsv \
        -t label -g run -m data/mask.nii.gz -o out --cache "$PWD/cache" data/bold.nii.gz 2> ../err)
    code=$?
    same_files whole mine/out || code="$code, other files"
    verdict "a cache without right to write" "exit $code, $(notes) notes" "exit 0, 1 notes"
    verdict "is read" "$(number mine/out cache_misses) $([ "$(number mine/out cache_hits)" -gt 0 ] && echo hits)" \
        "0 hits"
    chmod -R u+w mine
else
    echo "skip a cache without right to write: no other user can be had"
fi

mkdir empty
try "an empty directory is a cache with nothing in it" 0 'brainmine cache: 0 entries*' \
    cache verify --cache "$PWD/empty"
verdict "and stays empty" "$(ls -A empty)" ""

# Settings that cannot be followed are told of, and the run goes on.
told() { # NAME PATTERN: the one note of the last run
    case $(notes):$(grep 'cache: ' err) in
        1:$2) echo "ok $1" ;;
        *) echo "not ok $1: $(cat err)" ;;
    esac
}
BRAINMINE_CACHE_HASH=yes fit odd 2> err
told "an unknown word" "*BRAINMINE_CACHE_HASH knows no value but 'always', got 'yes'"
BRAINMINE_CACHE_TRUST=4294967296 fit odd 2> err
told "a number that no user has" "*no user has the number 4294967296; nothing is kept*"
BRAINMINE_CACHE_TRUST=$(seq -s, 100 120) fit odd 2> err
told "too many users" "*more than 14 users to be trusted; nothing is kept*"
BRAINMINE_CACHE_RO=$cache:$cache:$cache:$cache:$cache:$cache:$cache:$cache:$cache fit odd 2> err
told "too many caches to be read" "*one cache too many to be read; it is not used"
BRAINMINE_CACHE_SIZE=10k fit odd --cache tiny 2> err
told "results beyond the limit" "*this run's results, * are more than the limit, 10.0 KiB: *"
(unset HOME XDG_CACHE_HOME BRAINMINE_CACHE && fit odd 2> err)
told "no place for a cache" "*BRAINMINE_CACHE, XDG_CACHE_HOME and HOME name no folder; nothing is kept*"
