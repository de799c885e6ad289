# Whatever is wrong with the cache: the same files, the same exit code, one line that says so.
. "$SRC/tests/cli/cache/functions"
phantom p --shape 14x16x12 --voxels 600 --samples 40 --groups 4
small good --model svm --cache off
n=0
# unharmed NAME NOTES CACHE: a run with this cache, under --strict, with so many warnings on stderr.
unharmed() {
    n=$((n + 1))
    "$BRAINMINE" decode fit --strict --progress never -s p/samples.tsv -t label -g run -m p/mask.nii.gz --model svm \
        --cache "$3" -o run$n p/bold.nii.gz 2> err
    code=$?
    verdict "$1: exit code and notes" "$code $(grep -c 'warning: cache: ' err)" "0 $2"
    same "$1: the same files" good run$n
}
unharmed "a new cache" 0 c
unharmed "a folder in a new folder" 0 a/b/c
for limit in much 0 -1; do
    BRAINMINE_CACHE_SIZE=$limit unharmed "the limit $limit in the environment" 1 limited
    BRAINMINE_CACHE_SIZE=$limit unharmed "the limit $limit of no cache" 0 off
done
: > file
unharmed "a file" 1 file
unharmed "below a file" 1 file/cache
mkdir taken && : > taken/thesis.tex
unharmed "a folder of other things" 1 taken
verdict "which stay alone" "$(ls taken)" thesis.tex
ln -s c link
unharmed "a symbolic link" 1 link
cp -a c open && chmod 777 open
unharmed "everyone may write" 1 open
chmod 1777 open
unharmed "everyone may write, sticky" 1 open
cp -a c newer && chmod u+w newer/FORMAT && echo 'brainmine-cache 2' > newer/FORMAT
unharmed "a newer format" 1 newer
mkdir outside
for part in v1 v1/obj v1/tmp v1/claim v1/bad v1/memo; do
    cp -a c planted
    mkdir -p planted/$part
    mv planted/$part moved
    ln -s "$PWD/outside" planted/$part
    notes=1
    case $part in v1/bad | v1/memo) notes=0 ;; esac
    unharmed "a link at $part" $notes planted
    verdict "a link at $part is not followed" "$(ls -A outside)" ""
    rm -rf planted moved
done
cp -a c planted
for shard in planted/v1/obj/*; do
    mv "$shard" outside/
    ln -s "$PWD/outside/${shard##*/}" "$shard"
done
before=$(cd outside && find . | LC_ALL=C sort | sha256sum)
unharmed "links at all shards" 2 planted
verdict "links at shards are not followed" "$(cd outside && find . | LC_ALL=C sort | sha256sum)" "$before"
if [ "$(id -u)" = 0 ]; then
    cp -a c foreign && chown -R 12345 foreign
    unharmed "someone else's" 1 foreign
    BRAINMINE_CACHE_TRUST=12345 unharmed "someone else's who is trusted" 0 foreign
    verdict "is used" "$(number run$n cache_misses)" 0
    cp -a c mixed && chown -R 12345 mixed/v1/obj
    unharmed "entries of someone else" 1 mixed
    verdict "are not used" "$(number run$n cache_hits)" 0
    unharmed "and are replaced" 0 mixed
    cp -a c lab && find lab -type d -exec chmod 2770 {} + && chown -R 12345 lab/v1/obj
    unharmed "in a group's cache, entries of someone else" 1 lab
    verdict "are not used, and stay" "$(number run$n cache_hits) $(find lab/v1/obj -type f ! -user 12345 | wc -l)" "0 0"
else
    echo "skip a cache of another user: needs root"
    mkdir readonly && chmod 500 readonly
    unharmed "a folder that cannot be written" 1 readonly
fi
# As a second layer, only read.
cp -a c layer && chmod -R a-w layer
BRAINMINE_CACHE_RO=$PWD/layer unharmed "a read-only layer" 0 own
verdict "is read" "$(number run$n cache_misses)" 0
verdict "and not copied" "$(find own -name '*.bmc' | wc -l)" 0
BRAINMINE_CACHE_RO=$PWD/nowhere:$PWD/file unharmed "read-only layers that are none" 2 own
# Damage of every entry at once is one line.
for file in $(find c -name '*.bmc'); do
    chmod u+w "$file"
    printf 'damage' | dd of="$file" bs=1 seek=700 conv=notrunc 2> /dev/null
    chmod u-w "$file"
done
unharmed "every entry damaged" 1 c
unharmed "and healed" 0 c
verdict "what is healed is found" "$(number run$n cache_misses)" 0
for file in $(find c -name '*.bmc'); do chmod u+w "$file"; : > "$file"; chmod u-w "$file"; done
unharmed "every entry empty" 1 c
for file in $(find c -name '*.bmc'); do rm -f "$file"; mkfifo "$file"; done
unharmed "every entry a FIFO" 1 c
for file in $(find c/v1/obj -name '*.bmc'); do rm -f "$file"; mkdir "$file"; done
unharmed "every entry a directory" 1 c
unharmed "and healed" 0 c
verdict "directories gave way" "$(number run$n cache_misses)" 0
for file in $(find c/v1/obj -name '*.bmc'); do rm -f "$file"; mkdir "$file"; : > "$file/full"; done
unharmed "every entry a directory with a file" 1 c
unharmed "and healed" 0 c
verdict "these gave way, too" "$(number run$n cache_misses)" 0
for shard in c/v1/obj/*; do rm -rf "$shard"; : > "$shard"; done
unharmed "every folder of entries a file" 0 c
unharmed "and healed" 0 c
verdict "files gave way" "$(number run$n cache_misses)" 0
# What a run will not take, its plan does not promise.
plan() {
    "$BRAINMINE" decode fit -n -s p/samples.tsv -t label -g run -m p/mask.nii.gz --model svm --cache c -o new \
        p/bold.nii.gz 2> err | sed -n 's/^cached: \(.*\) fits of folds and of all/\1/p'
}
verdict "a plan of what is there" "$(plan)" "5 of 5"
find c/v1/obj -name '*.bmc' -exec chmod 666 {} +
verdict "a plan of entries that others may write" "$(plan)" "0 of 5"
find c/v1/obj -name '*.bmc' -exec truncate -s 300 {} +
find c/v1/obj -name '*.bmc' -exec chmod 400 {} +
verdict "a plan of entries that are cut" "$(plan)" "0 of 5"
rm -rf c/v1/obj c/v1/memo
unharmed "no entries" 0 c
# Eight at once on one cache: each step once.
for i in 1 2 3 4 5 6 7 8; do
    (small at$i --model svm --cache together --detrend 2) &
done
wait
computed=$(for i in 1 2 3 4 5 6 7 8; do number at$i stored; done | awk '{ n += $1 } END { print n }')
verdict "eight at once compute each step once" "$computed" "$(find together/v1/obj -name '*.bmc' | wc -l)"
misses=$(for i in 1 2 3 4 5 6 7 8; do number at$i cache_misses; done | awk '{ n += $1 } END { print n }')
verdict "and miss it once" "$misses" "$computed"
verdict "nothing is left behind" "$(find together/v1/tmp together/v1/claim -type f | wc -l)" 0
for i in 2 3 4 5 6 7 8; do same "eight at once: result $i" at1 at$i; done
