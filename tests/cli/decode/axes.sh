# Results do not depend on the order and direction in which an image's axes are stored.
. "$SRC/tests/cli/decode/functions"
"$BRAINMINE" simulate decode -q -o p --shape 9x11x8 --voxels 250 --samples 32 --groups 4
fit() { # DIR BOLD MASK OPTIONS...
    dir=$1 bold=$2 mask=$3
    shift 3
    rm -rf "$dir"
    "$BRAINMINE" decode fit -q -s p/samples.tsv -t label -g run --alpha 0.1max -m "$mask" -o "$dir" "$@" "$bold" 2> err
}
gzip -dc p/bold.nii.gz > bold.nii
gzip -dc p/mask.nii.gz > mask.nii
turn() {
    "$tools/change_image" bold.nii turned.nii "axes=$1" && "$tools/change_image" mask.nii turned_mask.nii "axes=$1"
}
fit reference bold.nii mask.nii
maps=0 predictions=0
for order in xyz xzy yxz yzx zxy zyx; do
    for signs in +++ ++- +-+ +-- -++ -+- --+ ---; do
        axes=$(awk -v s=$signs -v o=$order 'BEGIN {
            for (i = 1; i <= 3; i++) printf "%s%s", substr(s, i, 1), substr(o, i, 1) }')
        turn "$axes"
        fit turned turned.nii turned_mask.nii
        if close reference/weights.nii.gz turned/weights.nii.gz 1e-6; then maps=$((maps + 1)); else
            echo "# $axes: $("$tools/compare_images" reference/weights.nii.gz turned/weights.nii.gz)"
        fi
        cmp -s reference/predictions.tsv turned/predictions.tsv && predictions=$((predictions + 1))
    done
done
verdict "48 orders of the axes, one map" $maps 48
verdict "48 orders of the axes, the same predictions" $predictions 48
cp -r turned model
"$BRAINMINE" decode predict --from model -s p/samples.tsv -g run turned.nii > a
"$BRAINMINE" decode predict --from reference -s p/samples.tsv -g run bold.nii > b
verdict "models predict the images they were fitted to alike" "$(paste a b | awk -F'\t' '
    NR > 1 && ($5 - $10) ^ 2 > 1e-10 { n++ } END { print n + 0, NR }')" "0 33"

# The same with what looks at neighbours or ranks voxels.
for options in '--smooth 4' '--select 40%' '--smooth 4 --select 40%' '--model tv' \
    '--boundary zero' '--smooth 4 --model ridge'; do
    fit straight bold.nii mask.nii $options
    equal=0
    for axes in +x-y+z -x-z+y +y+x-z +y-z-x -z+x-y -z-y-x; do
        turn "$axes"
        fit turned turned.nii turned_mask.nii $options
        if close straight/weights.nii.gz turned/weights.nii.gz 1e-6; then equal=$((equal + 1)); else
            echo "# $axes $options: $("$tools/compare_images" straight/weights.nii.gz turned/weights.nii.gz)"
        fi
    done
    verdict "one map for 6 orders of the axes with $options" $equal 6
done
