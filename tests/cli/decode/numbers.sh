# Numbers that cannot be computed with are named; what was counted is told.
. "$SRC/tests/cli/decode/functions"
phantom ph
fit="decode --task regression -m ph/mask.nii.gz -g run -t y --cache off"
scaled() { # FILE FACTOR: a column y of 0 .. 4 times the factor
    awk -F'\t' -v f="$2" 'NR == 1 { print $0 "\ty"; next } { printf "%s\t%de%s\n", $0, (NR * 7) % 5 + 1, f }' \
        ph/samples.tsv > "$1"
}
for power in 300 200 40 -200 -300; do
    scaled t$power.tsv $power
    for model in ridge tv-l1; do
        refused "targets of 1e$power stop $model" 1 \
            "brainmine decode: *targets from *: their weights *erflow 32-bit numbers*" \
            $fit --model $model -s t$power.tsv ph/bold.nii.gz
    done
done
for power in 20 0 -20; do
    scaled t$power.tsv $power
    try "ridge takes targets of 1e$power" 0 "*" $fit --model ridge --alpha 10 -s t$power.tsv \
        -o ridge$power ph/bold.nii.gz
done
r2() { printf '%.5f' "$(mean "$1/scores.tsv" r2)"; }
verdict "the unit of the targets does not matter" "$(r2 ridge20) $(r2 ridge-20)" "$(r2 ridge0) $(r2 ridge0)"

# Three voxels that vary in neither run.
"$BRAINMINE" simulate decode -q -o small --shape 6x6x6 --voxels 64 --samples 32 --groups 4
changes=
for t in $(seq 0 31); do changes="$changes set=2,2,2,$t,5 set=3,3,3,$t,5 set=2,3,2,$t,0"; done
"$tools/change_image" small/bold.nii.gz still.nii.gz $changes || echo "not ok change_image"
for model in ridge svm logistic correlation tv-l1; do
    try "$model with voxels that do not vary" 0 "*12 series of a voxel in a run do not vary*" decode \
        --model $model --cache cache -s small/samples.tsv -t label -g run -m small/mask.nii.gz -o $model still.nii.gz
    verdict "$model: model.json counts them" "$(grep -c '"constant_series":[[:space:]]*12,' $model/model.json)" 1
    # Sparse weights miss others, too; those of correlation are off their mean over voxels.
    case $model in tv-l1 | correlation) continue ;; esac
    verdict "$model: they have no weight, in the model and in folds" \
        "$(grep -c '"nonzeros":[[:space:]]*61$' $model/model.json)" 5
done

# A table that an earlier run left where this one has no such result.
try "a regression in the place of a classification" 0 "*" $fit --model ridge --alpha 10 -s t0.tsv -o svm -f \
    ph/bold.nii.gz
verdict "a file that is of an earlier run is named" \
    "$(grep -c 'warning: svm/confusion.tsv: is of an earlier run and stays' err)" 1
