# connectome score and transform read tables as the fit did, refuse in a dry run what they would refuse, and tell the
# likelihood in the units of scores.tsv; what a fit says of its penalties; folders of a run that failed.
. "$SRC/tests/cli/decode/functions"
"$BRAINMINE" simulate connectome -q -o s --subjects 2 --nodes 6 --frames 60
conn() { "$BRAINMINE" connectome "$@"; }
one=s/sub-01_timeseries.tsv two=s/sub-02_timeseries.tsv
turn() {
    awk -F'\t' 'NR > 1 { for (i = 1; i <= NF; i++) row[i] = row[i] (NR > 2 ? "\t" : "") $i; n = NF }
        END { for (i = 1; i <= n; i++) print row[i] }' "$1"
}
# Tables as at the fit.
turn $one > turned_01.tsv
conn fit -q -o turned --transpose --alpha 0.1 turned_01.tsv
conn score --from turned turned_01.tsv > score.tsv 2> err
verdict "score transposes as the fit did" "$? $(sed -n 2p score.tsv | cut -f 4,5 | tr '\t' ' ')" "0 60 6"
try "unless told not to" 3 '*turned_01.tsv: 60 nodes, the model has 6 (as many as rows: --transpose?)' \
    connectome score --from turned --no-transpose turned_01.tsv
try "as many columns as nodes" 3 '*sub-01_timeseries.tsv: 60 nodes, the model has 6 (as many as columns: --no-*' \
    connectome score --from turned --header yes $one
awk 'NR == 1 { print "1\t2\t3\t4\t5\t6"; next } { print }' $one > numbered_01.tsv
conn fit -q -o numbered --header yes --alpha 0.1 numbered_01.tsv
conn transform --from numbered numbered_01.tsv > f.tsv 2> err
verdict "transform takes the header as the fit did" "$? $(head -n 1 f.tsv | cut -f 2) $(grep -c . err)" "0 1--2 0"
printf '1\ta\n2\tb\n3\tc\n4\td\n5\te\n6\tf\n' > names.tsv
conn fit -q -o named --names names.tsv --alpha 0.1 $one
conn score --from named $one > score.tsv 2> err
verdict "names of --names stand for those of tables" "$?" 0
sed '1s/node-\(.\)/node-x\1/2' $one > other.tsv
conn fit -q -o plain --alpha 0.1 $one
try "another name is refused, with the file" 3 '*other.tsv: node 2 is "node-x2", in the model it is "node-2"' \
    connectome score --from plain other.tsv
# Nothing of the model is replaced by what is made of it.
for file in model.json group_precision.tsv matrices/sub-01_precision.tsv; do
    sum=$(cksum < plain/$file)
    try "$file of the model as the output" 4 "*plain/$file*input*" \
        connectome score -f --from plain -o plain/$file $one
    verdict "and it is untouched" "$(cksum < plain/$file)" "$sum"
done
try "a file as the model" 3 '*plain/model.json: is a file: --from wants the directory*' \
    connectome score --from plain/model.json $one
# A dry run refuses what the run would.
conn fit -q -o partial --alpha 0.1 --kind partial $one $two
for n in "" -n; do
    try "no precision: score $n" 3 '*precision*fit with it in --kind*' connectome score $n --from partial $one
    try "no tangent: transform $n" 3 '*tangent*fit with it in --kind*' connectome transform $n --from partial \
        --kind tangent $one
    refused "too little memory: fit $n" 1 '*needs *, limit 100.0 KiB (see --memory)' \
        connectome fit $n --memory 100k $one
done
conn score -n --from plain $one > plan.txt
verdict "the plan of one subject" "$(cat plan.txt)" "score 1 subject"
# Units.
awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 1; i <= NF; i++) $i *= 10 ^ i } { print }' $one > scaled_01.tsv
conn fit -q -o z --alpha 0.1 scaled_01.tsv
conn fit -q -o none --standardize none --alpha 0.1 scaled_01.tsv
loglik() { conn score --from "$1" scaled_01.tsv | awk 'NR == 2 { printf "%.4f", $2 }'; }
verdict "the likelihood is in the units of scores.tsv" "$(loglik none)" "$(loglik z)"
verdict "which are the same" "$(awk '$1 == "mean" { printf "%.4f", $3 }' none/scores.tsv)" \
    "$(awk '$1 == "mean" { printf "%.4f", $3 }' z/scores.tsv)"
# Both penalties.
conn fit -o auto $one $two 2> err
field() { awk -v name="\"$1\":" '$1 == name { x = $2 } END { printf "%.3g", x }' auto/model.json; }
verdict "the summary has both penalties" \
    "$(grep -c "at alpha $(field alpha) (.* of alpha_max): log.*(at alpha $(field loglik_alpha), of fewer" err)" 1
# No folder is left of a run that failed.
(ulimit -f 1; conn fit -q --alpha 0.1 -o failed $one $two 2> err)
verdict "a run that failed leaves no folder" "$(ls -d failed 2> /dev/null)" ""
mkdir mine
(ulimit -f 1; conn fit -q --alpha 0.1 -o mine $one $two 2> err)
verdict "but those that were there" "$(find mine | tr '\n' ' ')" "mine "
