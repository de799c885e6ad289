# connectome on tables of series: files, threads, known graphs, forms of tables, refusals.
. "$SRC/tests/cli/decode/functions"
conn() { "$BRAINMINE" connectome "$@"; }
"$BRAINMINE" simulate connectome -q -o s --subjects 4 --nodes 12 --frames 120 --density 0.15 || echo "not ok simulate"
verdict "simulate: files" "$(cd s && find . -type f | sort | tr '\n' ' ')" \
    "./model.json ./run.json ./sub-01_timeseries.tsv ./sub-02_timeseries.tsv ./sub-03_timeseries.tsv \
./sub-04_timeseries.tsv ./truth/sub-01_precision.tsv ./truth/sub-02_precision.tsv ./truth/sub-03_precision.tsv \
./truth/sub-04_precision.tsv "
conn fit -q -j 1 -o one s/sub-*_timeseries.tsv --kind correlation,partial,precision,covariance,tangent
for j in 2 3; do
    conn fit -q -j $j -o j$j s/sub-*_timeseries.tsv --kind correlation,partial,precision,covariance,tangent
    same_files one j$j
    verdict "$j threads, the same bytes" "$(cat differences)" ""
done
verdict "files" "$(cd one && ls | tr '\n' ' ')" \
    "edges.tsv graph.edge graph.graphml graph.json graph.node group_correlation.tsv group_covariance.tsv \
group_partial.tsv group_precision.tsv group_tangent.tsv matrices model.json nodes.tsv path.tsv run.json scores.tsv \
timeseries "
verdict "matrices" "$(ls one/matrices | wc -l) $(ls one/timeseries | tr '\n' ' ')" \
    "20 sub-01.tsv sub-02.tsv sub-03.tsv sub-04.tsv "
head1() { head -n 1 "$1" | tr '\t' ' '; }
verdict "columns of path" "$(head1 one/path.tsv)" "alpha alpha_ratio loglik loglik_sem density gap"
verdict "columns of scores" "$(head1 one/scores.tsv)" "fold subject loglik"
verdict "columns of nodes" "$(head1 one/nodes.tsv)" "index name x y z voxels coverage degree strength module"
verdict "columns of edges" "$(head1 one/edges.tsv)" "i j name_i name_j weight"
verdict "rows of scores" "$(sed 1d one/scores.tsv | wc -l) $(tail -n 2 one/scores.tsv | cut -f 1 | tr '\n' ' ')" \
    "22 mean sd "
# Every matrix times its inverse, tangent of mean zero: by awk, which reads what is written.
verdict "tangents have mean zero" "$(awk 'FNR > 1 { for (i = 1; i <= NF; i++) s[FNR "," i] += $i }
    END { for (k in s) if (s[k] > 1e-8 || s[k] < -1e-8) bad++; print bad + 0 }' one/matrices/*_tangent.tsv)" 0
verdict "precision and covariance are inverses" "$(awk -F'\t' 'FNR == 1 { f++; next }
    { for (i = 1; i <= NF; i++) m[f, FNR - 1, i] = $i; n = NF }
    END { for (i = 1; i <= n; i++) for (j = 1; j <= n; j++) { t = 0
        for (k = 1; k <= n; k++) t += m[1, i, k] * m[2, k, j]
        t -= i == j; if (t > 1e-9 || t < -1e-9) bad++ } print bad + 0 }' \
    one/matrices/sub-01_precision.tsv one/matrices/sub-01_covariance.tsv)" 0
# The alpha of the largest likelihood, and the zeros all subjects share.
verdict "zeros are shared" "$(for s in 1 2 3 4; do tr '\t' '\n' < one/matrices/sub-0${s}_precision.tsv |
    awk '{ printf "%s", $1 == "0" }'; echo; done | sort -u | wc -l)" 1
# Forms of tables.
sed 1d s/sub-01_timeseries.tsv | tr '\t' ',' > bare.csv
awk -F'\t' 'NR > 1 { for (i = 1; i <= NF; i++) row[i] = row[i] (NR > 2 ? "\t" : "") $i; n = NF }
    END { for (i = 1; i <= n; i++) print row[i] }' s/sub-01_timeseries.tsv > turned.tsv
conn fit -q -o a s/sub-01_timeseries.tsv --alpha 0.1
conn fit -q -o b bare.csv --alpha 0.1
conn fit -q -o c turned.tsv --transpose --alpha 0.1
for d in b c; do
    tail -n +2 a/group_precision.tsv > want
    tail -n +2 $d/group_precision.tsv > got
    verdict "table $d gives the same" "$(cmp want got)" ""
done
# Transposed, rows begin with the nodes' names; a row of the frames' names stands above.
{ seq 120 | awk '{ printf "%s\tt%d", NR == 1 ? "node" : "", $1 } END { print "" }'
    head -n 1 s/sub-01_timeseries.tsv | tr '\t' '\n' | paste - turned.tsv; } > labelled.tsv
sed 1d labelled.tsv > labelled_rows.tsv
for d in labelled labelled_rows; do
    conn fit -q -o $d $d.tsv --transpose --alpha 0.1
    verdict "table $d gives the same, and names" "$(cmp a/group_precision.tsv $d/group_precision.tsv)" ""
done
# A node without data is n/a everywhere, and counted.
awk -F'\t' -v OFS='\t' 'NR > 1 { $3 = "n/a" } { print }' s/sub-02_timeseries.tsv > sub-02_timeseries.tsv
try "a node without data is a warning" 0 '*' connectome fit -o na --alpha 0.05 s/sub-01_timeseries.tsv \
    sub-02_timeseries.tsv
verdict "it is n/a for all" "$(cut -f 3 na/group_correlation.tsv | sed 1d | sort -u) $(head -n 4 na/nodes.tsv |
    tail -n 1 | cut -f 8) $(wc -l < na/group_correlation.tsv)" "n/a n/a 13"
try "--strict: exit 3" 3 '*' connectome fit --strict -o strict s/sub-01_timeseries.tsv sub-02_timeseries.tsv
# Models and verbs.
for m in empirical ledoit-wolf oas shrunk glasso group-sparse; do
    conn fit -q -o m_$m --model $m s/sub-*_timeseries.tsv && echo "ok model $m" || echo "not ok model $m"
done
conn fit -q --cv logo -o logo s/sub-*_timeseries.tsv
verdict "logo: a row for each subject" "$(sed 1d logo/scores.tsv | wc -l)" 6
conn fit -o cmp --compare --cv kfold:3 s/sub-*_timeseries.tsv 2> err
verdict "seven models are compared" "$(cut -f 1 cmp/compare.tsv | tr '\n' ' ')" \
    "model mle ledoit-wolf l1 pooled-mle pooled-ledoit-wolf pooled-l1 group-sparse "
verdict "and printed" "$(grep -c '^pooled-' err)" 3
conn score --from one s/sub-03_timeseries.tsv > score.tsv
verdict "score: the subject's own model" "$(head1 score.tsv) $(sed -n 2p score.tsv | cut -f 1,3,4,5 | tr '\t' ' ')" \
    "subject loglik model frames nodes sub-03 own 120 12"
cp s/sub-03_timeseries.tsv sub-09_timeseries.tsv
verdict "a stranger: the group's" "$(conn score --from one sub-09_timeseries.tsv | sed -n 2p | cut -f 3)" group
conn transform --from one -o f.tsv s/sub-*_timeseries.tsv
verdict "features of tangent: with the diagonal" "$(awk -F'\t' '{ print NF }' f.tsv | sort -u) $(wc -l < f.tsv)" "79 5"
conn transform --from one --kind partial s/sub-01_timeseries.tsv > p.tsv
verdict "features of partial: without" "$(awk -F'\t' '{ print NF }' p.tsv | sort -u)" 67
conn transform --from one --kind partial s/sub-01_timeseries.tsv sub-02_timeseries.tsv > p.tsv 2> /dev/null
verdict "features of a node without data: n/a in that row alone" \
    "$(awk -F'\t' '{ n = 0; for (i = 1; i <= NF; i++) n += $i == "n/a"; print NF, n }' p.tsv | tr '\n' ' ')" \
    "67 0 67 0 67 11 "
refused "no tangent without a node" 3 '*sub-02_timeseries.tsv: node "node-03" has no data*' \
    connectome transform --from one sub-02_timeseries.tsv
conn transform --from na s/sub-0[1-3]_timeseries.tsv > p.tsv
verdict "features of a node the model has not: n/a" \
    "$(awk -F'\t' '{ n = 0; for (i = 1; i <= NF; i++) n += $i == "n/a"; print NF, n }' p.tsv | sort -u | tr '\n' ' ')" \
    "67 0 67 11 "
for m in mle pooled-mle; do
    verdict "the density of $m is 1" "$(awk -F'\t' -v m=$m '$1 == m { print $5 }' cmp/compare.tsv)" 1
done
verdict "the density of a full graph is 1" "$(sed 1d m_oas/path.tsv | cut -f 5)" 1
verdict "json" "$(conn fit --json -f -o one s/sub-*.tsv --alpha 0.05 2> err |
    grep -c '"loglik"\|"density"\|"converged":.true')" 3
# A program other than this reads the graph.
if command -v python3 > /dev/null; then
    verdict "GraphML is XML with its nodes and edges" "$(python3 -c "
import xml.etree.ElementTree as E
r = E.parse('one/graph.graphml').getroot()
g = '{http://graphml.graphdrawing.org/xmlns}'
print(len(r.findall('.//' + g + 'node')), len(r.findall('.//' + g + 'edge')))")" \
        "12 $(sed 1d one/edges.tsv | wc -l)"
fi
if python3 -c 'import networkx' 2> /dev/null; then
    verdict "networkx reads it" "$(python3 -c "
import networkx
g = networkx.read_graphml('one/graph.graphml')
print(len(g), g.number_of_edges(), all('weight' in e for _, _, e in g.edges(data=True)))")" \
        "12 $(sed 1d one/edges.tsv | wc -l) True"
fi
# Refusals.
refused "mixed inputs" 2 '*mixed*' connectome fit s/sub-01_timeseries.tsv x.nii.gz
refused "an atlas for tables" 2 '*--atlas is for images*' connectome fit --atlas a.nii s/sub-01_timeseries.tsv
refused "images without an atlas" 2 '*--atlas is needed*' connectome fit x.nii.gz
refused "an option of images" 2 '*--high-pass is for images*' connectome fit --high-pass 0.01 s/sub-01_timeseries.tsv
refused "alpha for a model without" 2 '*--alpha does not apply*' \
    connectome fit --model oas --alpha 1 s/sub-01_timeseries.tsv
refused "alpha 0" 2 '*' connectome fit --alpha 0 s/sub-01_timeseries.tsv
refused "an unknown kind" 2 '*' connectome fit --kind corr s/sub-01_timeseries.tsv
refused "shuffle" 2 '*' connectome fit --cv shuffle:3:0.5 s/sub-01_timeseries.tsv
refused "no input" 2 '*no input*' connectome fit
refused "one subject and logo" 3 '*logo*' connectome fit --cv logo s/sub-01_timeseries.tsv
refused "other nodes" 3 '*: 120 nodes, *' connectome fit s/sub-01_timeseries.tsv turned.tsv
printf 'a\tb\n1\t2\n3\tx\n5\t6\n7\t1\n' > bad.tsv
refused "a cell that is no number" 3 '*bad.tsv:3: "x" is not a number*' connectome fit bad.tsv
refused "two tables of one name" 3 '*subject "sub-01", as another table*' \
    connectome fit s/sub-01_timeseries.tsv ./s/sub-01_timeseries.tsv
awk -F'\t' -v OFS='\t' 'NR > 1 { $4 = -2 * $2 } { print }' s/sub-01_timeseries.tsv > twins.tsv
conn fit -o twins twins.tsv 2> err
verdict "copies of a node are named" "$(grep -c 'twins.tsv: nodes "node-02" and "node-04" have the same' err)" 1
try "a dry run makes nothing" 0 '*' connectome fit -n -o dry s/sub-01_timeseries.tsv
verdict "but says what it would do" "$(ls -d dry 2> /dev/null) $(grep -c '^read 1 \|^fit glasso' out)" " 2"
