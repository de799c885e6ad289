# connectome, what is said of inputs: copies, indices, names, nodes that lack something, too few frames.
. "$SRC/tests/cli/decode/functions"
"$BRAINMINE" simulate connectome -q -o s --subjects 3 --nodes 8 --frames 60
one=s/sub-01_timeseries.tsv two=s/sub-02_timeseries.tsv
# warned NAME COUNT PATTERN ARGS...: a fit succeeds, with so many lines in its warnings like the pattern.
warned() {
    name=$1 count=$2 pattern=$3
    shift 3
    rm -rf o
    "$BRAINMINE" connectome fit --alpha 0.1 -o o "$@" 2> err
    verdict "$name" "$? $(grep -c "warning: $pattern" err)" "0 $count"
}
cp $one sub-09_timeseries.tsv
warned "one file as two subjects" 1 "identical content: $one = sub-09_timeseries.tsv" $one sub-09_timeseries.tsv $two
refused "--strict" 3 '*identical content*' connectome fit --strict --alpha 0.1 $one sub-09_timeseries.tsv
warned "other files are no copies" 0 identical $one $two
# An index of another program's, numbers for names.
awk '{ printf "%s,", NR == 1 ? "" : NR - 2; gsub("\t", ","); print }' $one > index.csv
warned "an index is a node, with a warning" 1 "index.csv: the first column has no name and counts frames from 0" \
    index.csv
verdict "but a node" "$(sed 1d o/nodes.tsv | wc -l)" 9
awk 'NR == 1 { for (i = 1; i <= 8; i++) printf "%d%s", i, i < 8 ? "\t" : "\n"; next } { print }' $one > numbered.tsv
warned "numbers for names" 1 "numbered.tsv: the first row counts nodes from 1: .*--header yes" numbered.tsv
warned "are names if it is said" 0 "" --header yes numbered.tsv
verdict "of nodes" "$(sed -n 2p o/nodes.tsv | cut -f 2) $(sed 1d o/timeseries/numbered.tsv | wc -l)" "1 60"
# Tables with names and without, in any order.
sed 1d $two > bare_02.tsv
sed '1s/node-/area-/g' $one > named_01.tsv
for order in "bare_02.tsv named_01.tsv" "named_01.tsv bare_02.tsv"; do
    warned "$order" 0 "" $order
    verdict "names are those of the one that has some" "$(sed -n 4p o/nodes.tsv | cut -f 2)" area-3
done
refused "names that differ" 3 '*s/sub-03*: column 1 is "node-1", in named_01.tsv it is "area-1"*' \
    connectome fit bare_02.tsv named_01.tsv s/sub-03_timeseries.tsv
# What a node lacks.
awk -F'\t' -v OFS='\t' 'NR > 1 { $2 = 5; $3 = "n/a"; $5 = $5 "e-200" } { print }' $one > lacks_01.tsv
warned "nodes that lack something are named" 1 '3 of 8 nodes are n/a for all subjects: ' lacks_01.tsv $two
for lack in '1 has no data: "node-3" (lacks_01.tsv)' '1 does not vary: "node-2" (lacks_01.tsv)' \
    '1 has numbers too large or too small to be squared: "node-5" (lacks_01.tsv)'; do
    verdict "$lack" "$(grep -c "$lack" err)" 1
done
"$BRAINMINE" connectome score --from o lacks_01.tsv $two > score.tsv 2> err
verdict "score names the subject" \
    "$? $(grep -c . err) $(grep -c 'lacks_01.tsv: of 8 nodes 1 has no data: "node-3"; ' err)" "0 1 1"
awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 1; i <= NF; i++) $i = $i "e200" } { print }' $one > huge.tsv
refused "numbers beyond all squares" 3 '*0 of 8 nodes can be used, needed 2: 8 have numbers too large*huge.tsv*' \
    connectome fit huge.tsv
# Frames.
head -n 6 $one > short.tsv
refused "too few for the folds" 3 '*short.tsv: 5 frames are too few for 5 folds, needed 10 (*--transpose)' \
    connectome fit short.tsv
head -n 11 $one | cut -f 1-8 > few_01.tsv
warned "degrees of freedom" 0 'few_01.tsv: .* degrees' few_01.tsv
awk -F'\t' -v OFS='\t' '{ print $0, NR == 1 ? "node-9" : $1 + $2 * $3 }' few_01.tsv > few_02.tsv
warned "as many nodes as degrees of freedom" 1 \
    'few_02.tsv: 9 degrees of freedom in 10 frames, no more than the 9 nodes' few_02.tsv
verdict "the model has them" "$(tr -d '\n\t' < o/model.json | grep -c '"frames":.10.,"dof":.9.,')" 1
# Cells and options.
printf 'a,b\n1,2\n3,\n5,6\n' > empty.csv
refused "an empty cell" 3 '*empty.csv:3: an empty cell in numeric column "b"' connectome fit empty.csv
refused "one fold" 2 "*--cv wants kfold:K with K from 2, or logo, got 'kfold:1'" connectome fit --cv kfold:1 $one
