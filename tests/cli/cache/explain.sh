# brainmine cache explain: the caches it compares with are those of the command that is explained;
# so are the help and the advice.
. "$SRC/tests/cli/cache/functions"
phantom p --shape 14x16x12 --voxels 600 --samples 40 --groups 4
small one --model svm --cache full
words="-s p/samples.tsv -t label -g run -m p/mask.nii.gz --model svm -o new p/bold.nii.gz"

# difference: what explain says of the cleaned runs.
difference() { awk -F'\t' '$1 == "prepare.run" { print $2, $4, $5, $6 }' out; }

try "a command with a cache of its own" 0 '' cache explain decode $words --detrend 2 --cache full
verdict "is compared with that" "$(difference)" "no detrend 1 2"
try "the cache of explain" 0 '' cache explain --cache full decode $words --detrend 2
verdict "is the command's" "$(difference)" "no detrend 1 2"
BRAINMINE_CACHE=off try "the command's cache where there is no other" 0 '' \
    cache explain decode $words --detrend 2 --cache full
verdict "is compared with" "$(difference)" "no detrend 1 2"
try "an empty cache" 0 '' cache explain --cache full decode $words --detrend 2 --cache none
verdict "has nothing of the kind, and is not made" "$(difference) $(ls -d none 2> /dev/null)" "no n/a n/a n/a "
BRAINMINE_CACHE_RO=$PWD/none:$PWD/full try "caches that are only read" 0 '' \
    cache explain decode $words --detrend 2 --cache none
verdict "are compared with, too" "$(difference)" "no detrend 1 2"
BRAINMINE_CACHE_RO=$PWD/full try "a hit in one" 0 '' cache explain decode $words --cache none
verdict "is one" "$(difference)" "yes n/a n/a n/a"

off='brainmine cache: the cache is off*'
try "no cache for the command" 2 "$off" cache explain decode $words --cache off
cp err err.inner
try "no cache for explain" 2 "$off" cache explain --cache off decode $words
verdict "is the same mistake" "$(cat err)" "$(cat err.inner)"
BRAINMINE_CACHE=off try "no cache in the environment" 2 "$off" cache explain decode $words
try "a cache that is none" 4 'brainmine cache: p/bold.nii.gz: *' cache explain decode $words --cache p/bold.nii.gz

advice() { sed -n 2p err; }
try "an option that the command needs" 2 'brainmine cache: --samples is needed*' cache explain decode
verdict "its help is advised" "$(advice)" "Try 'brainmine decode --help'."
try "a verb that it has not" 2 "brainmine cache: 'fitt' is neither*" cache explain decode fitt
verdict "the nearest is advised" "$(advice)" "Did you mean 'fit'?"
try "no command" 2 "brainmine cache: 'nonsense' is no command*" cache explain nonsense
verdict "the help of cache is advised" "$(advice)" "Try 'brainmine cache --help'."
for words in "decode" "decode fit" "dictlearn transform --json"; do
    try "help of $words" 0 '' cache explain $words --help
    cp out got
    "$BRAINMINE" ${words% --json} --help > want
    verdict "is the command's own" "$(cat got)" "$(cat want)"
done

# Of all that is kept, what is nearest: the same images under other settings, else the same file before it changed.
rm -rf full rest mixed
"$BRAINMINE" simulate rest -q -o rest --subjects 3 --frames 30 -k 3 --shape 14x16x12
for k in 1 2 3; do gunzip rest/sub-0${k}_bold.nii.gz; done
"$BRAINMINE" dictlearn fit -q -k 2 -m p/mask.nii.gz --cache mixed -o maps rest/sub-0?_bold.nii
"$BRAINMINE" decode fit -q --model svm -s p/samples.tsv -t label -g run --cache mixed -o auto p/bold.nii.gz
try "another mask" 0 '' cache explain --cache mixed decode --model svm -s p/samples.tsv -t label -g run \
    -m p/mask.nii.gz -o new p/bold.nii.gz
verdict "is no change of images" "$(awk -F'\t' '$1 == "prepare.run" && $4 ~ /image|volumes/' out)" ""
was=$(sha256sum < rest/sub-02_bold.nii | cut -c 1-64)
printf 'x' | dd of=rest/sub-02_bold.nii bs=1 seek=20000 conv=notrunc 2> notes
now=$(sha256sum < rest/sub-02_bold.nii | cut -c 1-64)
try "one of several images changed" 0 '' cache explain --cache mixed \
    dictlearn fit -k 2 -m p/mask.nii.gz -o maps rest/sub-0?_bold.nii
verdict "is named, with its content before and now" \
    "$(awk -F'\t' '$1 == "prepare.run" && $4 ~ /image/ { print $3, $5, $6 }' out)" "1 $was $now rest/sub-02_bold.nii"
for to in "" "-o -"; do
    try "a table for standard output $to" 0 '' cache explain --cache mixed decode predict --from auto -s p/samples.tsv \
        $to p/bold.nii.gz
    verdict "is explained $to" "$(awk -F'\t' '$1 == "prepare.run" { print $2; exit }' out)" no
done
try "--refresh before the command" 0 '' cache explain --refresh --cache mixed dictlearn fit -k 2 -m p/mask.nii.gz \
    -o maps rest/sub-01_bold.nii
verdict "is the command's" "$(awk -F'\t' 'NR > 1 && $2 == "yes"' out)" ""
