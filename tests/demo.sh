#!/bin/sh
# make demo: data with a known truth, two decoders, and how well they found it. Everything lies in
# build/demo; the numbers in the text are read from the files there.
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build/release}"
dir=build/demo
rm -rf "$dir"
say() { printf '\n%s\n\n' "$*" | fmt -w 80; }
run() {
    echo "\$ $*"
    "$@" || exit
}
calm=
[ -t 2 ] || calm="--progress never" # a bar is for a terminal

say "We make a small scan in which we know what there is to find: 96 volumes in 6 runs," \
    "half of them of faces and half of houses. The two differ in four small balls of voxels" \
    "and nowhere else, by about a third of the noise's standard deviation."
phantom="--shape 30x34x28 --voxels 8000 --samples 96 --groups 6"
run ./brainmine simulate decode -o $dir/scan1 $phantom $calm

say "Now we forget the truth and ask for it back. TV-L1, the default model, looks for a few" \
    "compact regions. Each run in turn is left out; how strong the penalty should be is decided" \
    "on the other five. (Some 15 seconds.)"
data="-s $dir/scan1/samples.tsv -t label -g run -m $dir/scan1/mask.nii.gz"
run ./brainmine decode fit $data -o $dir/tvl1 $calm $dir/scan1/bold.nii.gz

say "The same with a linear support vector machine, which uses every voxel:"
run ./brainmine decode fit --model svm $data -o $dir/svm $calm $dir/scan1/bold.nii.gz

say "And a test neither has seen: a second scan of the same phantom brain, with noise of its own."
run ./brainmine simulate decode -o $dir/scan2 --seed 1 $phantom $calm
for model in tvl1 svm; do
    echo "\$ ./brainmine decode score --from $dir/$model -s $dir/scan2/samples.tsv -t label" \
        "$dir/scan2/bold.nii.gz > $dir/$model/score2.tsv"
    ./brainmine decode score --from $dir/$model -s $dir/scan2/samples.tsv -t label $calm \
        $dir/scan2/bold.nii.gz > $dir/$model/score2.tsv || exit
done

cell() { # FILE ROW COLUMN: rows by their first cell, columns by their header
    awk -F '\t' -v row="$2" -v column="$3" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i; next }
        $1 == row { print $at; exit }' "$1"
}
percent() { awk -v x="$1" 'BEGIN { printf "%.0f %%", 100 * x }'; }
line() { printf '  %-48s %10s %10s\n' "$@"; }
voxels() { grep -m 1 '"nonzeros"' $dir/$1/model.json | tr -dc 0-9; }
for model in tvl1 svm; do
    "$BUILD/tools/map_score" $dir/$model/weights.nii.gz $dir/scan1/truth.nii.gz \
        $dir/scan1/mask.nii.gz > $dir/$model/against_truth.tsv || exit
done
left_out() { percent "$(cell $dir/$1/scores.tsv mean accuracy)"; }
new_scan() { percent "$(cell $dir/$1/score2.tsv accuracy value)"; }
likeness() { printf '%.2f' "$(cell $dir/$1/against_truth.tsv 0 correlation)"; }

printf '\nWhat was found\n\n'
line "" TV-L1 SVM
line "volumes told apart in runs left out" "$(left_out tvl1)" "$(left_out svm)"
line "volumes told apart in the second scan" "$(new_scan tvl1)" "$(new_scan svm)"
line "voxels with a weight, of 8000" "$(voxels tvl1)" "$(voxels svm)"
line "correlation of the map with the true one" "$(likeness tvl1)" "$(likeness svm)"
gap=$(sed -n 's/.*"gap_rel"[^0-9]*\([0-9.e-]*\).*/\1/p' $dir/tvl1/model.json | sed 1q)
say "Guessing would be right in $(percent "$(cell $dir/tvl1/scores.tsv mean chance)")." \
    "The solver proves how good its map is: by the certificate in model.json, no other map lowers" \
    "the objective of TV-L1 by more than $(awk -v g="$gap" 'BEGIN { printf "%.2g", 100 * g }') %" \
    "of its value at zero weights."
sheet=
if [ -x ./brainmine-render ] && [ -x "$BUILD/tools/contact_sheet" ]; then
    say "And a look at it: the true map, the two decoders' weights, and what they are made of."
    draw() { # NAME VIEW FILE OPTIONS...
        picture=$1 view=$2 file=$3
        shift 3
        mkdir -p $dir/figures
        ./brainmine render $view $dir/$file --mask $dir/scan1/mask.nii.gz -q -o $dir/figures/$picture.png \
            --title "$@" || exit
    }
    cuts="--cuts 18,-34,16"
    draw 1 slices scan1/truth.nii.gz "The truth" $cuts
    draw 2 slices tvl1/weights.nii.gz "Weights of TV-L1" $cuts
    draw 3 slices svm/weights.nii.gz "Weights of the SVM" $cuts
    draw 4 glass scan1/truth.nii.gz "The truth"
    draw 5 glass tvl1/weights.nii.gz "Weights of TV-L1"
    draw 6 glass svm/weights.nii.gz "Weights of the SVM, top 5 %" --threshold 95%
    draw 7 volume scan1/truth.nii.gz "The truth"
    draw 8 volume tvl1/weights.nii.gz "Weights of TV-L1, top half" --threshold 50%
    draw 9 volume svm/weights.nii.gz "Weights of the SVM, top 1 %" --threshold 99%
    "$BUILD/tools/contact_sheet" $dir/contact.png 3 $dir/figures/[1-9].png || exit
    sheet="
  $dir/contact.png                pictures of all three maps; each by itself in $dir/figures"
fi
say "Now something else: maps learnt without labels. Eight subjects at rest have eight maps, which" \
    "shift and change from one to the next. We look for the group's maps and each subject's own," \
    "and beside it for what group ICA and dual regression find."
run ./brainmine simulate rest --preset rest10 --subjects 8 --shape 27x32x24 -k 8 -o $dir/rest $calm
for model in msdl canica; do
    run ./brainmine dictlearn fit -k 8 --model $model -m $dir/rest/mask.nii.gz -o $dir/$model $calm \
        $dir/rest/sub-*_bold.nii.gz
    set --
    for maps in $dir/rest/truth/*_maps.nii.gz; do set -- "$@" "$dir/$model/subjects/${maps##*/}" "$maps"; done
    "$BUILD/tools/atlas_score" $dir/$model/atlas.nii.gz $dir/rest/truth_atlas.nii.gz \
        $dir/rest/mask.nii.gz "$@" | sed 's/^/1\t/; 1s/^1/row/' > $dir/$model/against_truth.tsv || exit
done
found() { printf '%.2f' "$(cell $dir/$1/against_truth.tsv 1 "$2")"; }
printf '\nCorrelation with the true maps\n\n'
line "" msdl canica
line "maps of the group" "$(found msdl mean)" "$(found canica mean)"
line "maps of the subjects" "$(found msdl subjects)" "$(found canica subjects)"
echo

say "Last, who talks to whom: the maps just learnt are the nodes of a graph, a sparse inverse" \
    "covariance that the subjects share; its penalty is the one that predicts unseen frames best."
run ./brainmine connectome fit --atlas $dir/msdl/atlas.nii.gz -m $dir/rest/mask.nii.gz \
    -o $dir/graph $calm $dir/rest/sub-*_bold.nii.gz
printf '\nThe strongest edges (partial correlations; the truth has four above 0.25)\n\n'
sed 1d $dir/graph/edges.tsv | sort -t "$(printf '\t')" -k 5,5gr | head -n 6 |
    awk -F '\t' '{ printf "  %s - %s  %.3f\n", $3, $4, $5 }'
echo
cat <<END
Where it is
$sheet
  $dir/tvl1/weights.nii.gz        the map; lay it over
  $dir/scan1/truth.nii.gz         the true one, in any viewer of NIfTI images
  $dir/tvl1/scores.tsv            a row for each run left out
  $dir/tvl1/predictions.tsv       what was said of each volume, and what it was
  $dir/tvl1/model.json            parameters, digests of the inputs, certificates
  $dir/msdl/atlas.nii.gz          the maps learnt without labels; $dir/msdl/subjects has each subject's
  $dir/graph/graph.graphml        the graph, for networkx, igraph, Gephi; matrices beside it

Your own data need an image and a table with a row for each volume:
man -l man/brainmine-decode.1, and the five minutes of README.md.
END
