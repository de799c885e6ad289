#!/bin/sh
# make demo: data with a known truth, a decoder, and what it found. Everything lies in build/demo.
cd "$(dirname "$0")/.." || exit 1
dir=build/demo
rm -rf "$dir"
run() {
    echo "\$ $*"
    "$@" || exit
}
run ./brainmine simulate decode -o $dir/data --shape 30x34x28 --voxels 8000 --samples 96 --groups 6
run ./brainmine decode fit --alpha 0.1max -s $dir/data/samples.tsv -t label -g run \
    -m $dir/data/mask.nii.gz -o $dir/result $dir/data/bold.nii.gz
run cat $dir/result/scores.tsv
run ./brainmine simulate decode -o $dir/new --seed 1 --shape 30x34x28 --voxels 8000 --samples 96 \
    --groups 6
run ./brainmine decode score --from $dir/result -s $dir/new/samples.tsv -t label $dir/new/bold.nii.gz
echo "The map is $dir/result/weights.nii.gz; the truth is $dir/data/truth.nii.gz."
