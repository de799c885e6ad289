# brainmine cache verify: what it finds besides damaged bytes, and what --repair deletes.
. "$SRC/tests/cli/cache/functions"
phantom p --shape 14x16x12 --voxels 600 --samples 40 --groups 4
small one --model svm
mv cache kept
fresh() {
    chmod -R u+rwx cache 2> /dev/null
    rm -rf cache
    cp -a kept cache
}
entries=$(find kept/v1/obj -name '*.bmc' | wc -l)
entry=$(cd kept && find v1/obj -name '*.bmc' | LC_ALL=C sort | head -n 1)
shard=$(dirname "$entry")
id=$(echo "${entry#v1/obj/}" | tr -d / | cut -c 1-16)
verdicts() { sed 1d out | awk -F'\t' '{ print $1, $3, $4 }'; }
all="$((entries - 1)) entries read"
would="brainmine cache: 1 of $entries entries are damaged; 1 would be deleted (without --dry-run)"
count() { sed 's/.*: \([0-9]* entries read\)/\1/; q' err; }

# No cache, or an empty one: none is made.
for verb in "verify --repair" trim clear; do
    mkdir -p empty
    try "$verb without a cache" 0 '*' cache $verb --cache "$PWD/not/there"
    try "$verb in an empty folder" 0 '*' cache $verb --cache "$PWD/empty"
    verdict "makes none" "$(ls -d not 2> /dev/null)$(ls -A empty)" ""
    rm -rf not empty
done

# astray WHAT VERDICT WHY: something else stands in the place of the entry, and goes.
astray() {
    try "$1" 3 "brainmine cache: *, 1 damaged, 0 deleted" cache verify
    verdict "$1 is found" "$(count); $(verdicts)" "$all, 1 damaged, 0 deleted; $id damaged $2"
    verdict "$1: the advice" "$(sed -n 2p err)" \
        "brainmine cache: 1 of $entries entries are damaged (--repair deletes them)"
    try "$1 would go" 3 '*, 1 damaged, 1 would be deleted' cache verify --repair -n
    verdict "$1: by the table, too" "$(verdicts); $(sed -n 2p err)" "$id damaged $2; would be deleted; $would"
    try "$1 goes" 3 '*, 1 damaged, 1 deleted' cache verify --repair
    try "$1 is gone" 0 "*: $all, 0 damaged*" cache verify
}
fresh && rm -f cache/$entry && mkfifo cache/$entry
astray "a FIFO" "a special file in the place of an entry"
fresh && rm -f cache/$entry && mkdir cache/$entry
astray "a directory" "a directory in the place of an entry"
fresh && mv cache/$entry elsewhere && ln -s "$PWD/elsewhere" cache/$entry
astray "a link" "a symbolic link in the place of an entry"
verdict "what the link led to is still there" "$(ls elsewhere)" elsewhere
fresh && chmod g+w cache/$entry
astray "an entry that others may write" "others may write it"

fresh && rm -f cache/$entry && mkdir cache/$entry && : > cache/$entry/thesis.tex
try "a directory with a file" 3 '*, 1 damaged, 0 deleted' cache verify --repair
verdict "stays" "$(verdicts) $(ls cache/$entry)" \
    "$id damaged a directory, which is not empty, in the place of an entry thesis.tex"
fresh && inside=$(ls cache/$shard | wc -l) && rm -rf cache/$shard && : > cache/$shard
try "a file in the place of a folder" 3 '*, 1 damaged, 0 deleted' cache verify
verdict "is found" "$(verdicts)" "${shard##*/} damaged a file in the place of a folder"
try "and goes" 3 '*, 1 damaged, 1 deleted' cache verify --repair
try "for good" 0 "*: $((entries - inside)) entries read, 0 damaged*" cache verify
fresh && mv cache/$shard outside && ln -s "$PWD/outside" cache/$shard
try "a link in the place of a folder" 3 '*, 1 damaged, 1 deleted' cache verify --repair
verdict "goes, not where it leads" "$(ls outside | wc -l)" "$inside"

# Another user's eyes are needed: root may read everything.
if [ "$(id -u)" = 0 ]; then as="setpriv --reuid 65534 --clear-groups"; else as=; fi
others=
if for_others $as; then
    others=yes
    # see NAME CODE PATTERN ARGS...: as that user, on whose cache it is
    see() {
        name=$1 want=$2 pattern=$3
        shift 3
        $as "$BRAINMINE" cache "$@" --cache "$PWD/cache" > out 2> err
        code=$?
        said "$name" "$want" "$pattern"
    }
    ours() { [ -z "$as" ] || chown -R 65534 cache; }
    fresh && ours && chmod 0 cache/$entry
    see "an entry that its owner cannot read" 3 "*: $all, 0 damaged, 1 cannot be read, 0 deleted" verify
    verdict "is named" "$(verdicts)" "$id cannot be read Permission denied"
    verdict "and counted" "$(sed -n 2p err)" \
        "brainmine cache: 1 of $entries entries cannot be read (--repair deletes them)"
    see "goes" 3 '*, 1 cannot be read, 1 deleted' verify --repair
    see "for good" 0 "*: $all, 0 damaged*" verify
    fresh && ours && chmod 0 cache/$shard
    see "a folder that its owner cannot read" 3 '*, 1 cannot be read, 0 deleted' verify --repair
    verdict "is named, and stays" "$(verdicts)" "${shard##*/} cannot be read the folder: Permission denied"
    fresh && ours && chmod u+w cache/$entry && echo >> cache/$entry && chmod a-w cache/$entry cache/$shard
    see "damage that cannot be deleted" 3 '*, 1 damaged, 0 deleted' verify --repair
    verdict "is named" "$(verdicts | cut -d ';' -f 2)" " cannot be deleted: Permission denied"
else
    echo "skip entries that cannot be read: no other user can be had"
fi
if [ "$(id -u)" = 0 ] && [ "$others" ]; then
    fresh && ours && chown 12345 cache/$entry
    see "an entry of someone else" 0 "*: $all, 0 damaged, 1 not trusted, 0 deleted" verify --repair
    verdict "is told of" "$(verdicts) $(ls cache/$entry)" "$id not trusted Permission denied cache/$entry"
    chmod a+r cache/$entry
    see "an entry of someone else to be read" 0 "*: $all, 0 damaged, 1 not trusted, 0 deleted" verify --repair
    verdict "is told of" "$(verdicts)" "$id not trusted belongs to a user who is not trusted"
    chown 12345 cache/$entry && chmod u+w cache/$entry && echo >> cache/$entry
    BRAINMINE_CACHE_TRUST=12345 see "a damaged one of someone who is trusted" 3 '*, 1 damaged, 1 deleted' \
        verify --repair
else
    echo "skip entries of another user: needs root, whose scratch folder others can reach"
fi

# A disk that cannot read is no damage: nothing is deleted for it, whichever call fails.
fresh
n=1 injected=0 wrong=
while :; do
    "$tools/at_call" -p "$PWD/cache" $n EIO "$BRAINMINE" cache verify --repair --cache "$PWD/cache" > said 2> err
    code=$?
    [ $code != 77 ] || break
    [ $code != 99 ] || break
    injected=$((injected + 1))
    [ $code = 0 ] || [ $code = 3 ] || [ $code = 4 ] || wrong="$wrong $n:exit$code"
    [ "$(find cache/v1/obj -name '*.bmc' | wc -l)" = $entries ] || wrong="$wrong $n:deleted"
    n=$((n + $(long 1 7)))
done
if [ $code = 77 ]; then echo "skip reads that fail: processes cannot be traced here"; else
    [ $injected -gt 5 ] || wrong="$wrong only-$injected"
    verdict "$injected calls of verify that fail: no entry is deleted" "$wrong" ""
fi
