# Full disks of many sizes, and one that is read-only: the run gives what it gives without a cache,
# exit 0, at most two lines; nothing unfinished stays; once there is room, all is kept.
. "$SRC/tests/cli/cache/functions"
# Mounts of our own: this script once more, in a name space where they are allowed.
if [ "$1" != --mounted ]; then
    unshare -m sh -c 'mkdir disk && mount -t tmpfs -o size=1m brainmine disk' 2> err && rmdir disk &&
        exec unshare -m sh "$SRC/tests/cli/cache/disks.sh" --mounted
    echo "SKIP full and read-only disks: mounts are refused: $(head -n 1 err)"
    exit 77
fi
phantom data
fit whole --cache off 2> err || echo "not ok a fit to compare with"
cache=$PWD/disk/cache

# fit_on_disk: problems are added to $wrong.
fit_on_disk() {
    fit got --cache "$cache" 2> err || wrong="$wrong $1:exit$?"
    same_files whole got || wrong="$wrong $1:other"
    [ "$(notes)" -le 2 ] || wrong="$wrong $1:notes"
    [ -z "$(ls -A disk/cache/v1/tmp disk/cache/v1/claim 2> /dev/null | grep -v :)" ] || wrong="$wrong $1:left"
}
disk() { mkdir -p disk && mount -t tmpfs -o "$1" brainmine disk; }

# A disk with so many KiB free; its 64 MiB allow a cache of 6.4.
sizes=$(long "$(seq 0 4 400)" "0 4 8 12 16 20 24 32 40 48 64 80 96 128 160 192 224 256 320 400")
wrong= n=0 kept=0
for free in $sizes; do
    disk size=64m
    fallocate -l $((65536 - free))K disk/ballast 2> /dev/null ||
        fallocate -l $((65532 - free))K disk/ballast # the disk's own page
    fit_on_disk $free
    fit_on_disk $free
    if [ -e "$cache/FORMAT" ]; then
        "$BRAINMINE" cache verify --cache "$cache" > said 2>&1 || wrong="$wrong $free:verify"
    fi
    rm disk/ballast
    fit_on_disk $free
    fit_on_disk $free
    [ "$(notes)" = 0 ] || wrong="$wrong $free:later"
    "$BRAINMINE" cache verify --cache "$cache" > said 2>&1 || wrong="$wrong $free:verify"
    kept=$((kept + $(ls disk/cache/v1/obj/*/*.bmc | wc -l)))
    n=$((n + 1))
    umount disk
done
clean "a full disk at $n sizes" "$wrong" "$kept entries kept when there was room"

wrong= n=0
for inodes in $(long "$(seq 2 60)" "2 4 5 6 7 8 9 12 20 40"); do
    disk size=64m,nr_inodes=$inodes
    fit_on_disk $inodes
    fit_on_disk $inodes
    n=$((n + 1))
    umount disk
done
clean "a disk without inodes at $n numbers of them" "$wrong" "right"

# A disk so small that the limit of the cache, a tenth, is less than it wants to keep.
wrong= n=0
for size in $(long "$(seq 64 32 2048)" "64 128 256 512 1024"); do
    disk size=${size}k
    fit_on_disk $size
    fit_on_disk $size
    "$BRAINMINE" cache verify --cache "$cache" > said 2>&1 || wrong="$wrong $size:verify"
    n=$((n + 1))
    umount disk
done
clean "a small disk at $n sizes" "$wrong" "right"

disk size=64m
fit_on_disk read-only
mount -o remount,ro disk
wrong=
fit_on_disk read-only
clean "a cache on a read-only disk" "$wrong" "$(notes) notes"
umount disk
rmdir disk
