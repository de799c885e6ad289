# Pictures of connectomes: a diagonal beyond the colour bar is gray, a node without a place is not drawn; the figures of
# a fit say what they show, and the graph's is no tangle.
. "$SRC/tests/cli/render/functions"
# matrix DIAGONAL: 24 nodes, too many for numbers in the squares, weights within -.5 and .5.
matrix() {
    awk -v d="$1" 'BEGIN { for (i = 0; i < 24; i++) for (j = 0; j < 24; j++)
        printf "%g%s", i == j ? d : cos(i * j) / 2, j < 23 ? "\t" : "\n" }'
}
for d in 1 -1 0.25; do
    matrix $d > m.tsv
    "$BRAINMINE" render matrix m.tsv -f -q -o "m$d.png" --size 300x225
done
verdict "a diagonal beyond the colour bar is neither its top nor its bottom" "$(cmp m1.png m-1.png)" ""
verdict "one within has its colour" "$(cmp -s m1.png m0.25.png && echo gray)" ""
printf 'name\tx\ty\tz\na\t0\t0\t0\nb\t20\t0\t0\nc\tn/a\tn/a\tn/a\n' > nodes.tsv
printf '0\t1\t0\n1\t0\t0\n0\t0\t0\n' > far.tsv
"$BRAINMINE" render graph far.tsv --nodes nodes.tsv --edges 0 -q -o far.png --size 300x225 2> err
verdict "a node without a place is left out" "$? $(cat err)" "0 "
sed '1s/0$/2/;3s/^0/2/' far.tsv > near.tsv
try "but not its edges" 3 '*nodes.tsv: row 3 ("c") has an edge and no place*' render graph near.tsv --nodes nodes.tsv \
    --edges 0 -o near.png
# The figures of a fit: 20 spheres, all pairs of which have an edge.
"$BRAINMINE" simulate rest -q --preset cube24 --subjects 2 -o s
awk 'BEGIN { print "name\tx\ty\tz\tradius"
    for (i = 0; i < 20; i++) printf "n%d\t%d\t%d\t10\t4\n", i, -20 + 10 * (i % 5), -30 + 12 * int(i / 5) }' \
    > places.tsv
"$BRAINMINE" connectome fit -o fit --mask none --model oas --cv kfold:3 --kind partial --figures -v \
    --atlas places.tsv s/sub-0?_bold.nii.gz 2> err
verdict "the graph of a fit has three edges for each node" "$? $(grep -c '190 edges between 20' err) $(grep -c \
    ': 20 nodes, 60 edges' err)" "0 1 1"
for words in 'matrix Partial correlation, mean of the group' \
    'graph Partial correlations: the strongest 60 of 190'; do
    figure=${words%% *}
    case $figure in
        matrix) set -- fit/group_partial.tsv ;;
        graph) set -- fit/edges.tsv --edges "$(awk 'BEGIN { printf "%.9g", 100 * 129.5 / 189 }')%" ;;
    esac
    "$BRAINMINE" render $figure "$@" --nodes fit/nodes.tsv --title "${words#* }" -q -o $figure.png
    verdict "the title of the $figure" "$(cmp $figure.png fit/figures/$figure.png)" ""
done
