# What is computed, and what is found: by what determines a step and nothing else.
. "$SRC/tests/cli/cache/functions"
phantom p --shape 14x16x12 --voxels 600 --samples 60 --groups 5
tv='--alpha 0.5max,0.2max'
small off $tv --cache off
small cold $tv
small warm $tv
same "no cache and a cold one: the same bytes" off cold
same "a cold and a warm one: the same bytes" cold warm
verdict "without a cache nothing is asked for" "$(number off cache_hits) $(number off cache_misses)" "0 0"
verdict "a first run finds nothing" "$(number cold cache_hits)" 0
verdict "a second run misses nothing" "$(number warm cache_misses)" 0
verdict "and has as many steps, but no use for the Gram matrix" "$(number warm cache_hits)" \
    $(($(number cold cache_misses) - 1))

# Not part of the key: threads, verbosity, names and places of files.
mkdir elsewhere
cp p/samples.tsv p/mask.nii.gz p/bold.nii.gz elsewhere
cp p/bold.nii.gz elsewhere/other.nii.gz
(cd elsewhere && "$BRAINMINE" decode fit -v -j 3 --memory 1G -s samples.tsv -t label -g run -m mask.nii.gz $tv \
    -o ../there bold.nii.gz 2> ../said
    "$BRAINMINE" decode fit -q -s samples.tsv -t label -g run -m mask.nii.gz $tv -o ../renamed other.nii.gz)
verdict "other names, places, threads and verbosity: all found" "$(number there cache_misses)" 0
verdict "a verbose run names each step" "$(grep -c 'cache: .* from entry' said)" "$(number there cache_hits)"
same "and the same bytes" cold there
verdict "an image of another name: all found" "$(number renamed cache_misses)" 0
gunzip -c p/mask.nii.gz > elsewhere/raw.nii
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run -m elsewhere/raw.nii $tv -o raw p/bold.nii.gz
verdict "the same voxels in another file of a mask: all found" "$(number raw cache_misses)" 0
touch p/bold.nii.gz
small touched $tv
verdict "a newer date is no change" "$(number touched cache_misses)" 0

# explains NAME WANT ARGS...: rows "stage cached field" of explain
explains() {
    name=$1 want=$2
    shift 2
    got=$("$BRAINMINE" cache explain decode fit -s p/samples.tsv -t label -g run -m p/mask.nii.gz -o cold "$@" \
        2> err | awk -F'\t' 'NR > 1 { print $1, $2, $4 }' | LC_ALL=C sort -u | tr '\n' ';')
    case $got in
        $want) echo "ok $name" ;;
        *) echo "not ok $name: $got"; sed 's/^/# /' err ;;
    esac
}
explains "explain of the same: all is there" "learn.fit yes n/a;prepare.run yes n/a;" $tv p/bold.nii.gz
explains "another model keeps the runs" "*learn.fit no model;*prepare.run yes n/a;" --model svm p/bold.nii.gz
explains "explain names a changed option" "*prepare.run no smooth;" $tv --smooth 5 p/bold.nii.gz
gram="decode.gram yes n/a;"
explains "explain names the seed" "${gram}learn.fit no seed;prepare.run yes n/a;" $tv --seed 3 p/bold.nii.gz
explains "the voxels that are used" "learn.fit no design.select;prepare.run yes n/a;" $tv --select 50 p/bold.nii.gz
explains "the boundary" "${gram}learn.fit no design.boundary;prepare.run yes n/a;" $tv --boundary zero p/bold.nii.gz
explains "blocks" "decode.gram no samples.average;decode.gram no samples.sample-of;\
learn.fit no design.samples.average;learn.fit no design.samples.sample-of;learn.fit no rows;learn.fit no targets;\
prepare.run yes n/a;" $tv --average block p/bold.nii.gz
explains "the grid" "*prepare.run no mask.grid.dim;*" $tv --resample 4 p/bold.nii.gz
explain() {
    "$BRAINMINE" cache explain decode fit -s p/samples.tsv -t label -g run -m p/mask.nii.gz -o cold "$@" p/bold.nii.gz
}
verdict "by its numbers" "$(explain $tv --resample 4 | awk -F'\t' '$4 == "mask.grid.dim" { print $5 " to " $6 }')" \
    "14 16 12 to 11 12 9"
for change in "$tv --average block" "--model svm" "--alpha .5max,.3max" "$tv --select 20" "$tv --smooth 3"; do
    rows=$(explain $change | wc -l)
    verdict "$change: rows that a person can read ($rows)" "$([ "$rows" -le 9 ] && echo yes)" yes
done
explains "explain names the tolerance" "*learn.fit no tolerance;*prepare.run yes n/a;" $tv --tolerance 1e-5 \
    p/bold.nii.gz
"$BRAINMINE" simulate decode -q -o p2 --seed 1 --shape 14x16x12 --voxels 600 --samples 60 --groups 5
explains "explain names the image" "*prepare.run no input.image.0;*" $tv p2/bold.nii.gz
small svm --model svm
small ridge --model ridge --alpha 1
explains "models share the Gram matrix" "${gram}learn.fit*;prepare.run yes n/a;" --model logistic p/bold.nii.gz
verdict "one Gram matrix for all" "$("$BRAINMINE" cache list | grep -c decode.gram)" 1

# A run more: it alone is read.
{ cat p/samples.tsv; sed 1d p2/samples.tsv; } > both.tsv
"$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --runs none -m p/mask.nii.gz --model svm -o one \
    p/bold.nii.gz
"$BRAINMINE" decode fit -v -s both.tsv -t label -g run --runs none -m p/mask.nii.gz --model svm -o two \
    p/bold.nii.gz p2/bold.nii.gz 2> said
verdict "another run is read alone" \
    "$(grep -c 'prepare.run from entry' said) $(grep -c 'prepare.run computed' said)" "1 1"

# With a mask made from the images, too, and where the new run makes it smaller.
"$BRAINMINE" simulate decode -q -o p3 --seed 1 --shape 14x16x12 --voxels 450 --samples 60 --groups 5
{ cat p/samples.tsv; sed 1d p3/samples.tsv; } > both.tsv
automatic() { # OUT TABLE OPTIONS... IMAGES...
    out=$1 table=$2
    shift 2
    "$BRAINMINE" decode fit -v -s "$table" -t label -g run --runs none --model svm -o "$out" "$@" 2> said
}
voxels() { sed -n 's/.*decoding [0-9]* samples of \([0-9]*\) voxels.*/\1/p' said; }
automatic own p/samples.tsv p/bold.nii.gz
alone=$(voxels)
automatic together both.tsv p/bold.nii.gz p3/bold.nii.gz
verdict "the mask of both runs is smaller than that of one" "$([ "$(voxels)" -lt "$alone" ] && echo yes)" yes
verdict "the new run alone is looked at for the mask" \
    "$(grep -c 'prepare.series-mask from entry' said) $(grep -c 'prepare.series-mask computed' said)" "1 1"
verdict "and is read alone" "$(grep -c 'prepare.run from entry' said) $(grep -c 'prepare.run computed' said) $(
    sed -n 's/.*: read \(.*\): [0-9]* volumes$/\1/p' said)" "1 1 p3/bold.nii.gz"
automatic whole both.tsv --cache off p/bold.nii.gz p3/bold.nii.gz
same "to the bytes of all in one go" whole together
automatic again both.tsv p/bold.nii.gz p3/bold.nii.gz
same "cold and warm" together again
verdict "warm, nothing is read" "$(number again cache_misses) $(grep -c ': read ' said)" "0 0"
automatic all both.tsv --mask none p/bold.nii.gz p3/bold.nii.gz
automatic all-off both.tsv --mask none --cache off p/bold.nii.gz p3/bold.nii.gz
same "a mask of all voxels" all all-off
rm -rf own together whole again all all-off

# Plans.
"$BRAINMINE" decode fit -n -s p/samples.tsv -t label -g run -m p/mask.nii.gz $tv -o new p/bold.nii.gz > plan
verdict "a dry run says that all is cached" "$(grep -c '^cached: \([0-9]*\) of \1 ' plan)" 3
before=$(find cache | wc -l)
"$BRAINMINE" decode fit -n -s p/samples.tsv -t label -g run -m p/mask.nii.gz $tv --detrend 2 -o new p/bold.nii.gz \
    > plan
verdict "a dry run says that nothing is" "$(grep '^cached' plan | cut -d ' ' -f 2 | tr '\n' ' ')" "0 0 0 "
verdict "and what cannot be known yet" "$(tail -n 1 plan)" \
    "fits of folds and of all: known when their penalties are chosen"
"$BRAINMINE" decode fit -n --cache fresh -s p/samples.tsv -t label -g run $tv -o new p/bold.nii.gz > plan
verdict "and makes nothing" "$(find cache | wc -l) $(ls -d fresh 2>/dev/null)" "$before "

fit="decode fit -s p/samples.tsv -t label -g run -m p/mask.nii.gz p/bold.nii.gz"
foretold "explain of a new kind of samples, and the run" f1 $fit --average block --model svm
foretold "of another screening" f2 $fit --select 30 --model svm
foretold "of another model" f3 $fit --average block --model logistic
foretold "of another boundary" f4 $fit --alpha .3max --boundary zero
foretold "of a mask from the images" f5 decode fit -s p/samples.tsv -t label -g run --model svm p/bold.nii.gz
# Nothing stale: options that share steps.
for change in "--average block" "--select 30" "--boundary zero" "--resample 4" "--detrend 2" "--standardize none" \
    "--smooth 3 --mask auto" "--mask auto"; do
    small on --alpha .3max $change
    small off2 --alpha .3max $change --cache off
    same "$change: the bytes of a run without a cache" off2 on
    rm -rf on off2
done

# --refresh
small refreshed $tv --refresh
verdict "refreshing finds nothing" "$(number refreshed cache_hits) $(number refreshed refresh)" \
    "0 $(number cold cache_misses)"
same "and gives the same bytes" cold refreshed

# Automatic masks, and warnings of what is not read again.
cp p/bold.nii.gz odd.nii.gz
printf 'rubbish' >> odd.nii.gz
for turn in first second third; do
    extra=
    [ $turn = third ] && extra=--strict
    "$BRAINMINE" decode fit --json -s p/samples.tsv -t label -g run --model svm $extra -o $turn odd.nii.gz \
        > $turn.json 2> /dev/null
    echo $? > $turn.code
done
verdict "a mask made from the images is found" "$(number second cache_misses)" 0
for where in off "$cache"; do
    "$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --model svm --smooth 4 --cache "$where" \
        -o smooth${#where} odd.nii.gz 2> /dev/null
done
same "with a mask that is found, runs are read as without" smooth3 "smooth${#BRAINMINE_CACHE}"
warnings() { tr -d '\n\t' < "$1" | sed -n 's/.*"warnings":\(\[[^]]*\]\).*/\1/p'; }
verdict "a warm run warns as a cold one" "$(warnings second.json)" "$(warnings first.json)"
verdict "a warning was there" "$(warnings first.json | grep -c 'after the gzip stream')" 1
verdict "and is strict as one" "$(cat third.code)" 3

# A killed run goes on where it was.
phantom q --shape 24x26x20 --voxels 3500 --samples 80 --groups 5
fit() {
    exec "$BRAINMINE" decode fit -q -j 1 -s q/samples.tsv -t label -g run -m q/mask.nii.gz -o "$1" q/bold.nii.gz
}
(fit killed) &
pid=$!
for i in $(seq 300); do
    [ "$(find cache/v1/obj -name '*.bmc' -newer q/bold.nii.gz | wc -l)" -ge 12 ] && break
    sleep 0.05
done
kill -KILL $pid
wait $pid 2>/dev/null
verdict "killed, nothing was written" "$(ls killed 2>/dev/null | wc -l)" 0
(fit resumed)
(BRAINMINE_CACHE=off; export BRAINMINE_CACHE; fit whole)
verdict "what was done is found" "$([ "$(number resumed cache_hits)" -ge 5 ] && echo yes)" yes
same "and the result is that of an undisturbed run" whole resumed
verdict "no damage" "$("$BRAINMINE" cache verify -q | wc -l)" 1
