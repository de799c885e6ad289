# What is known to be in simulate rest is found again: better than by canica with dual regression, and the
# same in two halves of the subjects.
. "$SRC/tests/cli/decode/functions"
"$BRAINMINE" simulate rest -q -o p --preset plane50 || exit
fit() { # DIR MODEL IMAGES...
    dir=$1 model=$2
    shift 2
    "$BRAINMINE" dictlearn fit -q -k 5 --model "$model" -m p/mask.nii.gz -o "$dir" "$@"
}
score() { # DIR
    dir=$1
    set --
    for s in 01 02 03 04 05 06 07 08 09 10 11 12; do
        set -- "$@" "$dir/subjects/sub-${s}_maps.nii.gz" "p/truth/sub-${s}_maps.nii.gz"
    done
    "$tools/atlas_score" "$dir/atlas.nii.gz" p/truth_atlas.nii.gz p/mask.nii.gz "$@" > "$dir.score"
}
for model in msdl msdl-tv canica; do
    fit $model $model p/sub-*_bold.nii.gz
    score $model
    fit $model-1 $model p/sub-0[1-6]_bold.nii.gz
    fit $model-2 $model p/sub-0[7-9]_bold.nii.gz p/sub-1*_bold.nii.gz
    "$tools/atlas_score" $model-1/atlas.nii.gz $model-2/atlas.nii.gz p/mask.nii.gz > $model.halves
done
more() { # NAME X Y: X > Y
    if awk -v x="$2" -v y="$3" 'BEGIN { exit !(x > y) }'; then echo "ok $1 ($2 > $3)"; else echo "not ok $1: $2, $3"; fi
}
more "group maps of msdl" "$(column msdl.score mean)" .97
more "group maps of msdl-tv" "$(column msdl-tv.score mean)" .97
more "subjects' maps" "$(column msdl.score subjects)" .88
more "subjects' maps beside dual regression" "$(column msdl.score subjects)" "$(column canica.score subjects)"
more "group maps beside canica" "$(column msdl.score mean)" "$(column canica.score mean)"
more "two halves of the subjects" "$(column msdl.halves mean)" .88
more "two halves beside canica" "$(column msdl.halves mean)" "$(column canica.halves mean)"
