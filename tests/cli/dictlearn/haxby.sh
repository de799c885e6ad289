# Twelve runs of a slice taken as twelve subjects: maps that explain runs left out better than canica's.
. "$SRC/tests/cli/decode/functions"
data=$BRAINMINE_TEST_DATA/A_haxby_slice
[ -e "$data/bold.nii.gz" ] || { echo "SKIP BRAINMINE_TEST_DATA has no A_haxby_slice"; exit 77; }
{
    printf 'subject\timage\tvolumes\n'
    for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
        printf 'run%02d\t%s\t%d:%d\n' $i "$data/bold.nii.gz" $((121 * i)) $((121 * i + 121))
    done
} > runs.tsv
for model in msdl canica; do
    "$BRAINMINE" dictlearn fit -q -k 8 --model $model --cv kfold:4 -m "$data/mask.nii.gz" \
        --subjects runs.tsv -o $model 2> err || cat err
done
verdict "8 maps" "$(column msdl/atlas.tsv name | wc -l)" 8
verdict "12 subjects" "$(ls msdl/subjects/*_maps.nii.gz | wc -l)" 12
verdict "runs left out are explained better than by canica" "$(awk -v a="$(mean msdl/scores.tsv explained_variance)" \
    -v b="$(mean canica/scores.tsv explained_variance)" 'BEGIN { print (a >= b && a > .25) }')" 1
small=$BRAINMINE_TEST_DATA/B_nitime_small
[ -e "$small/fmri1.nii.gz" ] || exit 0
"$BRAINMINE" dictlearn fit -q -k 4 -o two "$small/fmri1.nii.gz" "$small/fmri2.nii.gz" 2> err
verdict "two runs without a mask" "$? $(column two/atlas.tsv name | wc -l)" "0 4"
