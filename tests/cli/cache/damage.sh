# Damaged entries: all found, computed again and kept again, and spoken of once; the run gives what
# it gives without a cache.
. "$SRC/tests/cli/cache/functions"
trials=$(long 10000 400)
step storm times=$trials bytes=4000 sync=0 > said 2> err || echo "not ok a storm: $(cat err)"
verdict "$trials damaged entries, flipped bits and other lengths" "$(cat said), $(wc -l < err) notes" \
    "trials $trials detected $trials healed $trials wrong 0, 1 notes"
rm -rf cache
trials=$(long 400 8) # of three pieces of 16 MiB, read by two threads
step storm times=$trials bytes=40000000 sync=0 threads=2 > said 2> err || echo "not ok a storm: $(cat err)"
verdict "$trials damages of an entry of 40 MB" "$(cat said), $(wc -l < err) notes" \
    "trials $trials detected $trials healed $trials wrong 0, 1 notes"

phantom data
fit whole --cache off 2> err || echo "not ok a fit to compare with"
rm -rf cache
fit got --cache "$cache" 2> err
cp -a cache kept
entries=$(cd kept && ls v1/obj/*/*.bmc)

# afflict CHANGE: the change is made to each entry; then verify, the run, and the run again.
afflict() {
    rm -rf cache
    cp -a kept cache
    chmod -R u+w cache
    first=
    for entry in $entries; do
        $1 cache/$entry
        first=${first:-$entry}
    done
    chmod -R go-w cache
    "$BRAINMINE" cache verify --cache "$cache" > out.verify 2> err.verify
    verified=$?
    fit got --cache "$cache" 2> err
    code=$?
    same_files whole got || code="$code, other files"
    heard=$(notes)
    fit got --cache "$cache" 2> err
    code="$code, then $?"
    same_files whole got || code="$code, other files"
    "$BRAINMINE" cache verify --cache "$cache" > out.verify 2> err.verify
    verdict "all entries $2" "verify $verified, run $code, notes $heard and $(notes), verify $?" \
        "verify 3, run 0, then 0, notes 1 and 0, verify 0"
}
last_byte() { printf 'x' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 1)) conv=notrunc 2> /dev/null; }
shorter() { truncate -s -1 "$1"; }
empty() { : > "$1"; }
zeros() { truncate -s 0 "$1" && truncate -s 4096 "$1"; }
swapped() { [ -z "$first" ] || { mv "$1" t && mv "cache/$first" "$1" && mv t "cache/$first"; }; }
afflict last_byte "with another last byte"
afflict shorter "without their last byte"
afflict empty "empty"
afflict zeros "of zeros"
afflict swapped "under each other's names"
