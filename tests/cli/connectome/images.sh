# connectome on images: one node of twenty of an atlas lies outside the field of view. Atlas-sized
# matrices all the same, n/a there, and the coverage says so; labels, maps and places alike.
. "$SRC/tests/cli/decode/functions"
tools=$BUILD/tools
"$BRAINMINE" simulate rest -q --preset cube24 -o s
bold="s/sub-01_bold.nii.gz s/sub-02_bold.nii.gz s/sub-03_bold.nii.gz"
# Cubes of 3 voxels, 19 in the middle; the last by the border, beyond it once the atlas is moved.
cubes=$(awk 'BEGIN { for (n = 1; n <= 20; n++) {
    x = 6 + 4 * (n % 3); y = 6 + 4 * int(n / 3) % 12; z = 6 + 4 * int(n / 9); if (n == 20) { x = 21; y = z = 10 }
    for (v = 0; v < 27; v++) print "set=" x + v % 3 "," y + int(v / 3) % 3 "," z + int(v / 9) ",0," n } }')
"$tools/change_image" s/mask.nii.gz atlas.nii.gz frames=0:1 fill=0 $cubes
"$tools/change_image" atlas.nii.gz moved.nii.gz move=-9
conn() { out=$1; shift; "$BRAINMINE" connectome fit -o "$out" --mask none --alpha 0.05 --cv kfold:3 "$@" $bold 2> err; }
conn inside --atlas atlas.nii.gz -q
verdict "all nodes are covered" "$(cut -f 7 inside/nodes.tsv | sort -u | tr '\n' ' ')" "1 coverage "
conn outside --atlas moved.nii.gz
verdict "one is not" "$(cut -f 7 outside/nodes.tsv | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ' ')" \
    "1 0 19 1 1 coverage "
verdict "a warning names it" "$(grep -c '1 of 20 nodes .*label-20' err)" 1
for f in outside/group_*.tsv outside/matrices/*.tsv; do
    awk -F'\t' '{ print NF; for (i = 1; i <= NF; i++) if (NR > 1 && ($i == "n/a") != (i == 20 || NR == 21)) bad++ }
        END { print NR, bad + 0 }' "$f" | sort -u | tr '\n' ' '
    echo
done > shapes
verdict "matrices are of the atlas's size, n/a in its row and column" "$(sort -u shapes)" "20 21 0 "
verdict "so is the graph" "$(sed 1d outside/nodes.tsv | wc -l) $(grep -c '<node ' outside/graph.graphml) $(tail -n 1 \
    outside/nodes.tsv | cut -f 8)" "20 20 n/a"
"$BRAINMINE" connectome score --from outside $bold > score.tsv 2> err
verdict "score goes by the others" "$(sed -n 2p score.tsv | cut -f 5)" 19
"$BRAINMINE" connectome fit --strict -o strict --mask none --alpha 0.05 --cv kfold:3 --atlas moved.nii.gz $bold 2> err
verdict "--strict: exit 3" "$?" 3
# The same places as a table.
awk -F'\t' -v OFS='\t' 'NR == 1 { print "name", "x", "y", "z", "radius"; next } { print $2, $3, $4, $5, 4 }' \
    inside/nodes.tsv > near.tsv
awk -F'\t' -v OFS='\t' 'NR > 1 && $1 == "label-20" { $2 -= 60 } { print }' near.tsv > far.tsv
conn places --atlas far.tsv -q
verdict "a place outside" "$(cut -f 7 places/nodes.tsv | tail -n 1) $(head -n 1 places/group_partial.tsv |
    tr '\t' '\n' | wc -l)" "0 20"
# Images of two grids.
"$BRAINMINE" simulate rest -q --preset cube24 --shape 22x24x24 --subjects 1 -o other
both="s/sub-01_bold.nii.gz other/sub-01_bold.nii.gz"
refused "images of two grids" 3 '*shape 22x24x24 differs from s/sub-01_bold.nii.gz*' \
    connectome fit --mask none --alpha 0.05 --atlas near.tsv $both
try "unless they are brought to one" 0 '*' connectome fit --mask none --alpha 0.05 --atlas near.tsv \
    --resample s/mask.nii.gz -o brought $both
# New images are brought to the grid of the fit's, unless another is named.
"$BRAINMINE" connectome fit -q -o coarse --mask none --atlas atlas.nii.gz --resample 6 --model oas $bold
"$BRAINMINE" connectome transform --from coarse -m none --kind partial $bold 2> err | sed -n '2s/\t/ /gp' > same
verdict "transform resamples as the fit did" "$(awk -F'\t' 'NR > 1 { for (i = 1; i < NR - 1; i++) printf " %.9g", $i }
    END { print "" }' coarse/matrices/sub-01_partial.tsv)" \
    "$(awk '{ for (i = 2; i <= NF; i++) printf " %.9g", $i; print "" }' same)"
"$BRAINMINE" connectome transform --from coarse -m none --kind partial --resample 3 $bold > finer 2> err
verdict "--resample of transform" "$? $(sed -n '2s/\t/ /gp' finer | cmp -s - same && echo same)" "0 "
try "--resample of transform is checked" 2 '*resample*' connectome transform --from coarse --resample -3 $bold
# What is kept is found: reading, moments, scores, fit.
BRAINMINE_CACHE=$(pwd -P)/cache
export BRAINMINE_CACHE
conn cold --atlas moved.nii.gz -q
conn warm --atlas moved.nii.gz -q
same_files cold warm
verdict "cold and warm: the same bytes" "$(cat differences)" ""
same_files outside warm
verdict "and without a cache" "$(cat differences)" ""
"$BRAINMINE" connectome fit -n -o plan --mask none --alpha 0.05 --cv kfold:3 --atlas moved.nii.gz $bold \
    > plan.txt 2> err
verdict "a dry run says that all is there" "$(grep -c '^cached: \([0-9]*\) of \1 ' plan.txt)" 3
