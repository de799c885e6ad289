# Connectomes: moments, scores of each fold and penalty, and fits, by what determines them.
. "$SRC/tests/cli/cache/functions"
"$BRAINMINE" simulate connectome -q -o s --subjects 5 --nodes 10 --frames 100 --density 0.2
four="s/sub-01_timeseries.tsv s/sub-02_timeseries.tsv s/sub-03_timeseries.tsv s/sub-04_timeseries.tsv"
five="$four s/sub-05_timeseries.tsv"
conn() { out=$1; shift; "$BRAINMINE" connectome fit -q -o "$out" "$@"; }
# alike NAME A B: all files, in folders too, but run.json are equal.
alike() {
    same_files "$2" "$3"
    verdict "$1" "$(cat differences)" ""
}
conn off --compare --cache off $four 2> /dev/null
conn cold --compare $four 2> /dev/null
conn warm --compare -j 3 $four 2> /dev/null
alike "no cache and a cold one: the same bytes" off cold
alike "a cold and a warm one, with other threads: the same bytes" cold warm
verdict "the second run misses nothing" "$(number warm cache_misses)" 0
verdict "a fit of what was compared finds all" "$(conn again $four; number again cache_misses)" 0
# What changes what.
"$BRAINMINE" connectome fit -n -o new --compare $four > plan
verdict "a dry run says that all is cached" "$(grep -c '^cached: \([0-9]*\) of \1 ' plan)" 2
"$BRAINMINE" connectome fit -n -o new --tolerance 1e-5 $four > plan
verdict "a dry run says that nothing is" "$(grep -c '^cached: 0 of 5 scores' plan)" 1
before=$(find cache | wc -l)
"$BRAINMINE" connectome fit -n -o new --cv logo $four > /dev/null
tail -n 1 plan > last
verdict "and that more depends on it" "$(grep -c 'scores.*; which follow depends on these$' plan) $(cat last)" \
    "1 fits of all frames: known when their penalties are chosen"
"$BRAINMINE" connectome fit -n -o new --alpha 0.3,0.2 $four > plan
verdict "of a list all scores are asked for" "$(grep -c '^cached: 0 of 10 scores of folds and penalties$' plan)" 1
"$BRAINMINE" connectome fit -n -o new --alpha 0.3 $four > plan
verdict "of one penalty the fit, too" "$(grep '^cached' plan | tr '\n' ';')" \
    "cached: 0 of 5 scores of folds and penalties;cached: 0 of 1 fits of all frames;"
verdict "and keeps nothing" "$(find cache | wc -l)" "$before"
explained() {
    "$BRAINMINE" cache explain connectome fit -o new "$@" | awk -F'\t' 'NR > 1 { print $1, $2, $4 }' |
        LC_ALL=C sort -u | tr '\n' ';'
}
verdict "explain names the tolerance" "$(explained --tolerance 1e-5 $four)" \
    "connectome.moments yes n/a;connectome.score no tolerance;"
verdict "explain names the folds" "$(explained --cv kfold:4 $four)" \
    "connectome.moments no folds;connectome.moments yes n/a;connectome.score no input.moments.0;"
# Another penalty, and another subject.
said() { grep -c "$1 $2" said; }
conn list --model glasso --alpha 0.3,0.1 $four
"$BRAINMINE" connectome fit -v -o longer --model glasso --alpha 0.3,0.1,0.05 $four 2> said
verdict "a penalty more: its scores alone" "$(said connectome.score computed) $(said connectome.score from)" "20 40"
conn longeroff --model glasso --alpha 0.3,0.1,0.05 --cache off $four
alike "and the same bytes" longeroff longer
"$BRAINMINE" connectome fit -v -o between --model glasso --alpha 0.3,0.22,0.1,0.07,0.05 $four 2> said
verdict "penalties between: their scores alone" "$(said connectome.score computed) $(said connectome.score from)" \
    "40 60"
conn betweenoff --model glasso --alpha 0.3,0.22,0.1,0.07,0.05 --cache off $four
alike "and their bytes are those of one go" betweenoff between
conn each --model glasso --alpha 0.3,0.22 $four
"$BRAINMINE" connectome fit -v -o more --model glasso --alpha 0.3,0.22 $five 2> said
verdict "a subject more: its scores alone" "$(said connectome.score computed) $(said connectome.score from)" "10 40"
verdict "and its moments" "$(said connectome.moments computed)" 2
# Of images: by what made the series.
. "$SRC/tests/cli/dictlearn/functions"
study r --subjects 3
study r2 --subjects 1 --seed 5
images="r/sub-01_bold.nii.gz r/sub-02_bold.nii.gz r/sub-03_bold.nii.gz"
regions="--atlas r/truth_atlas.nii.gz --model glasso --alpha 0.3"
conn i1 $regions $images
others="connectome.score no input.moments.0;prepare.mask yes n/a;prepare.run yes n/a;"
verdict "explain names the atlas" "$(explained $regions --atlas r2/truth_atlas.nii.gz $images)" \
    "connectome.fit no input.moments.0;connectome.moments no input.atlas.0;$others"
verdict "and how series are standardised" "$(explained $regions --standardize none $images)" \
    "connectome.fit no input.moments.0;connectome.moments no standardize;$others"
verdict "of tables, too" "$(explained --standardize none $four | grep -c 'connectome.moments no standardize;')" 1
foretold "explain of another atlas, and the run" i2 connectome fit $regions --atlas r2/truth_atlas.nii.gz $images
foretold "of a subject less" i3 connectome fit $regions r/sub-01_bold.nii.gz r/sub-03_bold.nii.gz
foretold "of another penalty" i4 connectome fit $regions --alpha 0.2 $images
foretold "of all subjects together" i5 connectome fit $regions --model group-sparse $images
for change in "--atlas r2/truth_atlas.nii.gz" "--standardize none" "--standardize psc" "--smooth 6" "--resample 4" \
    "--mask none" "--detrend 2" "--cv kfold:4" "--cv logo"; do
    conn on $regions $change $images
    conn on2 $regions $change $images
    conn off2 $regions $change --cache off $images
    alike "$change: the bytes of a run without a cache" off2 on
    alike "$change: again" off2 on2
    rm -rf on on2 off2
done
cp r/truth_atlas.nii.gz new_atlas.nii.gz
conn i6 $regions --atlas new_atlas.nii.gz $images
verdict "an atlas of another name: all found" "$(number i6 cache_misses)" 0
cp r2/truth_atlas.nii.gz new_atlas.nii.gz
conn on $regions --atlas new_atlas.nii.gz $images
conn off2 $regions --atlas new_atlas.nii.gz --cache off $images
alike "an atlas of the same name and other content" off2 on
# Slow ones.
"$BRAINMINE" simulate connectome -q -o big --subjects 6 --nodes 90 --frames 120 --density 0.1
conn dense --alpha 0.03,0.004 big/sub-*_timeseries.tsv
conn denser --alpha 0.03,0.004,0.003 big/sub-*_timeseries.tsv
conn denseroff --alpha 0.03,0.004,0.003 --cache off big/sub-*_timeseries.tsv
alike "a slow penalty more: the same bytes" denseroff denser
# A killed run goes on where it was.
whole() { exec "$BRAINMINE" connectome fit -q -j 1 -o "$1" big/sub-*_timeseries.tsv; }
touch mark
(whole killed) &
pid=$!
for i in $(seq 300); do
    [ "$(find cache/v1/obj -name '*.bmc' -newer mark | wc -l)" -ge 20 ] && break
    sleep 0.02
done
kill -KILL $pid 2> /dev/null
wait $pid 2> /dev/null
verdict "killed, nothing was written" "$(find killed -type f 2> /dev/null | wc -l)" 0
(whole killed)
verdict "the same command again goes on" "$?" 0
mv killed resumed
(BRAINMINE_CACHE=off; export BRAINMINE_CACHE; whole undisturbed)
verdict "what was done is found" "$([ "$(number resumed cache_hits)" -ge 20 ] && echo yes)" yes
verdict "and no more" "$([ "$(number resumed cache_misses)" -ge 1 ] && echo yes)" yes
alike "the result is that of an undisturbed run" undisturbed resumed
verdict "no damage" "$("$BRAINMINE" cache verify -q | wc -l)" 1
