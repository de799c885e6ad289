# An image in two files, .hdr and .img: its voxels count, though the header alone is named.
. "$SRC/tests/cli/decode/functions"
BRAINMINE_CACHE=$PWD/cache
export BRAINMINE_CACHE
phantom ph

# pair NAME CHANGE: ph/bold.nii.gz, changed, as NAME.hdr and NAME.img.
pair() {
    "$tools/change_image" ph/bold.nii.gz whole.nii "$2"
    bytes=$((12 * 14 * 10 * 64 * 4))
    { head -c 108 whole.nii; printf '\0\0\0\0'; head -c 344 whole.nii | tail -c 232; printf 'ni1\0'; } > "$1.hdr"
    tail -c $bytes whole.nii > "$1.img"
}
fit() { # FILE -o OUT
    "$BRAINMINE" decode --model svm -q -s ph/samples.tsv -t label -g run -m ph/mask.nii.gz "$@" 2> err
}
number() { sed -n "s/.*\"$2\":[[:space:]]*\([0-9]*\).*/\1/p" "$1/run.json"; }

pair bold times=1
fit bold.hdr -o first
fit ph/bold.nii.gz --cache off -o one
cmp -s first/weights.nii.gz one/weights.nii.gz
verdict "a pair gives what the single file gives" $? 0
fit bold.img -o second
verdict "the other half finds all of it" "$(number second cache_misses)" 0
verdict "model.json tells of both files" "$(grep -c '"bold\.\(hdr\|img\)"' first/model.json)" 2
pair bold noise=3
fit bold.hdr -o other
fit bold.hdr --cache off -o fresh
cmp -s first/weights.nii.gz other/weights.nii.gz
verdict "other voxels behind the same header are read" $? 1
cmp -s fresh/weights.nii.gz other/weights.nii.gz
verdict "and give what they give without a cache" $? 0
