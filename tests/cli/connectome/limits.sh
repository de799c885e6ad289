# connectome where covariances are singular, scales far apart, nodes many: a result and a warning, or one line.
. "$SRC/tests/cli/decode/functions"
BRAINMINE_CACHE=off
export BRAINMINE_CACHE
conn() { # DIR OPTIONS...
    rm -rf "$1"
    "$BRAINMINE" connectome fit --progress never -o "$@" 2> err
    code=$?
}
# finite DIR: no matrix holds n/a or nan, and each precision's diagonal is above 0.
finite() {
    cat "$1"/matrices/*.tsv "$1"/group_*.tsv | grep -c 'n/a\|nan\|inf'
    awk -F'\t' 'FNR > 1 && !($(FNR - 1) > 0) { bad++ } END { print bad + 0 }' "$1"/matrices/*_precision.tsv
}
"$BRAINMINE" simulate connectome -q -o few --subjects 2 --nodes 20 --frames 14 --density 0.2
series="few/sub-01_timeseries.tsv few/sub-02_timeseries.tsv"
warned() { grep -c "warning: $1" err; }
# Singular for another reason than few frames, of which there is a warning of the input.
"$BRAINMINE" simulate connectome -q -o enough --subjects 2 --nodes 20 --frames 60 --density 0.2
for s in 1 2; do
    awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 11; i <= 20; i++) $i = $(i - 10) + $((i - 10) % 10 + 1) } { print }' \
        enough/sub-0${s}_timeseries.tsv > sums_0$s.tsv
done
sums="sums_01.tsv sums_02.tsv"
for model in glasso group-sparse; do
    conn out --model $model --alpha 1e-7 $series
    verdict "$model at a penalty of nearly nothing" "$code $(warned 'not converged: the gap is') $(
        finite out | tr '\n' ' ')" "0 1 0 0 "
    verdict "$model: the gap says so" "$(sed -n 's/.*"gap":[[:space:]]*\([0-9.e+-]*\).*/\1/p' out/model.json |
        awk '{ print ($1 > 0) }')" 1
    conn out --model $model --alpha 1e-7 --strict $sums
    verdict "$model: under --strict" "$code" 1
done
for model in empirical 'shrunk --shrinkage 0'; do
    conn out --model $model $series
    verdict "$model of few frames" "$code $(warned '.*is singular; Ledoit-Wolf takes its place') $(
        warned '10 covariances of training frames are singular') $(finite out | tr '\n' ' ')" "0 2 1 0 0 "
    verdict "$model: unseen frames are scored" "$(cut -f 3 out/scores.tsv | grep -c 'n/a')" 0
    conn lw --model ledoit-wolf $series
    verdict "$model: as by Ledoit-Wolf" "$(cmp out/scores.tsv lw/scores.tsv && cmp out/group_precision.tsv \
        lw/group_precision.tsv && echo same)" same
done
conn out --compare $series
verdict "in the comparison the inverse itself has no likelihood" "$(sed -n '2s/\t.*//p' out/compare.tsv) $(
    cut -f 3 out/compare.tsv | grep -c n/a)" "mle 2"

# The geometric mean does not depend on scales; a tangent does, and is there for all.
"$BRAINMINE" simulate connectome -q -o s --subjects 3 --nodes 6 --frames 80 --density 0.3
scale() { # FACTOR: node i of all subjects times FACTOR^(i - 3)
    mkdir -p "by$1"
    for i in 1 2 3; do
        awk -F'\t' -v OFS='\t' -v f="$1" 'NR > 1 { for (i = 1; i <= NF; i++) $i = sprintf("%.17g", $i * f ^ (i - 3)) }
            { print }' s/sub-0${i}_timeseries.tsv > "by$1/sub-0${i}_timeseries.tsv"
    done
}
conn plain --standardize none --kind tangent --model ledoit-wolf s/sub-0*_timeseries.tsv
for f in 4 1000 100000; do
    scale $f
    conn out --standardize none --kind tangent --model ledoit-wolf by$f/sub-0*_timeseries.tsv
    verdict "scales that differ by $f: exit code" "$code $(warned 'nodes differ by more than 1e4')" \
        "0 $([ $f = 4 ] && echo 0 || echo 1)"
    verdict "scales that differ by $f: the mean is the same but for them" "$(
        paste plain/group_tangent.tsv out/group_tangent.tsv | awk -F'\t' -v f=$f 'NR > 1 { n = NF / 2
            for (i = 1; i <= n; i++) {
                want = $i * f ^ (i - 3 + NR - 1 - 3); d = $(n + i) - want
                if (d * d > 1e-12 * want * want + 1e-16 * f ^ (2 * (i + NR - 7))) bad++ } } END { print bad + 0 }')" 0
    "$BRAINMINE" connectome transform -q -f --from out -o features.tsv by$f/sub-0*_timeseries.tsv 2> err
    verdict "scales that differ by $f: exit code of transform" "$?" 0
    awk -F'\t' 'FNR > 1 { for (i = 1; i < FNR; i++) print $i }' out/matrices/*_tangent.tsv > want
    sed 1d features.tsv | awk -F'\t' '{ n = 0; for (r = 1; r <= 6; r++) for (c = 1; c <= r; c++) { n++
        print $(NF - 21 + n) * (r == c ? sqrt(2) : 1) } }' > got
    verdict "scales that differ by $f: transform gives the tangents of the fit" "$(paste want got |
        awk '($1 - $2) ^ 2 > 1e-12 { bad++ } END { print NR, bad + 0 }')" "63 0"
done
conn out --kind tangent s/sub-01_timeseries.tsv
verdict "the tangent of one subject" "$code $(warned 'a tangent of one subject is 0')" "0 1"

# Penalties of a list are fitted each by itself, each once.
conn list --alpha 0.3,0.1,0.1,0.03 s/sub-0*_timeseries.tsv
verdict "a penalty twice is one" "$(sed 1d list/path.tsv | wc -l)" 3
conn one --alpha 0.03 s/sub-0*_timeseries.tsv
verdict "a row of a list is that of its penalty alone" "$(tail -n 1 list/path.tsv)" "$(tail -n 1 one/path.tsv)"
verdict "paths are certified to 1e-3" "$(awk -F'\t' 'NR > 1 && $6 > 1e-3' list/path.tsv | wc -l)" 0
conn tight --tolerance 1e-5 s/sub-0*_timeseries.tsv
verdict "model.json has the tolerance of the path" "$(sed -n 's/.*"path-tolerance":[[:space:]]*\([^,]*\).*/\1/p' \
    list/model.json tight/model.json | tr '\n' ' ')" "0.001 1e-05 "

awk 'BEGIN { for (t = 0; t < 12; t++) for (i = 0; i < 5100; i++)
    printf "%.3f%s", sin(i * t + i + t * t), i < 5099 ? "\t" : "\n" }' > wide.tsv
conn out wide.tsv
verdict "more than 5000 nodes are refused" "$code $(grep -c '[0-9]* nodes: .*at most 5000' err) $(wc -l < err)" "3 1 1"
conn out -n wide.tsv
verdict "by the plan, too" "$code" 3
