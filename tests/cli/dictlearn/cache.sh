# What of dictlearn is kept, and what is computed again: reductions of subjects, first maps, fits, new subjects.
. "$SRC/tests/cli/cache/functions"
. "$SRC/tests/cli/dictlearn/functions"
study p --subjects 6
fit() { # DIR OPTIONS...: "computed STEP..." of the log go to said
    dir=$1
    shift
    "$BRAINMINE" dictlearn fit -v -k 3 --min-region 100 -m p/mask.nii.gz -o "$dir" "$@" 2> said || cat said
}
computed() { # how many of each step, as "step n step n"
    sed -n 's/.*cache: \([a-z.]*\) computed.*/\1/p' said | LC_ALL=C sort | uniq -c |
        awk '{ printf "%s%s %s", s, $2, $1; s = " " }'
}
all="p/sub-*_bold.nii.gz"
fit off --cache off $all
fit cold $all
verdict "a first run computes every step" "$(computed)" \
    "dictlearn.components 1 dictlearn.fit 1 dictlearn.reduction 6 prepare.run 6"
fit warm $all
verdict "a second run computes none" "$(computed) $(number warm cache_hits) $(number warm cache_misses)" " 7 0"
same_files off cold
verdict "no cache and a cold one: the same bytes" "$(cat differences)" ""
same_files cold warm
verdict "a cold and a warm one: the same bytes" "$(cat differences)" ""
for change in "--mu 3" "--lambda 0.25" "--l1-ratio 0.6" "--positive" "--tolerance 1e-5" "--model msdl-tv" \
    "--model pca" "--init cold/atlas.nii.gz"; do
    fit "x$change" $change $all
    verdict "$change computes the fit alone" "$(computed)" "dictlearn.fit 1"
done
fit canica --model canica $all
verdict "canica has its maps from there" "$(computed)" "dictlearn.fit 1"
fit k4 -k 4 $all
verdict "another number of maps keeps the subjects" "$(computed)" "dictlearn.components 1 dictlearn.fit 1"
fit seed --seed 2 $all
verdict "another seed keeps the subjects" "$(computed)" "dictlearn.components 1 dictlearn.fit 1"
fit rows --reduce 20 $all
verdict "another reduction keeps what was read" "$(computed)" \
    "dictlearn.components 1 dictlearn.fit 1 dictlearn.reduction 6"
study more --subjects 1 --seed 8
mv more/sub-01_bold.nii.gz more/sub-07_bold.nii.gz
fit seven $all more/sub-07_bold.nii.gz
verdict "a subject more is the only one read and reduced" "$(computed)" \
    "dictlearn.components 1 dictlearn.fit 1 dictlearn.reduction 1 prepare.run 1"
fit five p/sub-0[1-5]_bold.nii.gz
verdict "without a subject none is" "$(computed)" "dictlearn.components 1 dictlearn.fit 1"

# Choosing the number of maps: what is done already, and what a killed run left.
fit choice -k 2,3 --cv kfold:3 $all
verdict "fits of folds; 3 maps of all subjects are there" "$(computed)" "dictlearn.components 6 dictlearn.fold 6"
fit wider -k 2,3,4 --cv kfold:3 $all
verdict "a number of maps more computes its folds alone" "$(computed)" "dictlearn.components 3 dictlearn.fold 3"
plan() { "$BRAINMINE" dictlearn fit -n -m p/mask.nii.gz -o new "$@" | sed -n 's/^cached: //p' | tr '\n' ';'; }
verdict "a dry run says so" "$(plan -k 2,3 --cv kfold:3 $all)" \
    "6 of 6 subjects;6 of 6 fits without a fold;1 of 1 fit to all;"
verdict "and what is missing" "$(plan -k 2,5 --cv kfold:3 --detrend 2 $all more/sub-07_bold.nii.gz)" \
    "0 of 7 subjects;0 of 6 first maps, for fits that are not;0 of 6 fits without a fold;"
verdict "the fit to all depends on the rest" "$("$BRAINMINE" dictlearn fit -n -m p/mask.nii.gz -o new -k 2,5 $all |
    grep '^fit to all')" "fit to all: known when the number of maps is chosen"
"$BRAINMINE" cache explain dictlearn fit -m p/mask.nii.gz -o new -k 3 --mu 7 $all > out
verdict "explain names the field" "$(awk -F'\t' '$2 == "no" { print $1, $4 }' out)" "dictlearn.fit mu"

# With a mask from the images: each subject's own is kept, and plans make the common one of these.
plan() { "$BRAINMINE" dictlearn fit -n -k 4 -o new "$@" | sed -n 's/^cached: //p' | tr '\n' ';'; }
study q --subjects 3 --seed 4
one=q/sub-01_bold.nii.gz two=q/sub-02_bold.nii.gz three=q/sub-03_bold.nii.gz
fit="dictlearn fit -k 4 --min-region 100"
foretold "explain of a first fit, and the fit" m1 $fit $one $two
missing="0 of 1 first maps, for fits that are not;0 of 1 fit to all;"
verdict "a plan with a subject more" "$(plan $one $two $three)" "2 of 3 subjects;$missing"
verdict "with one less" "$(plan $two)" "1 of 1 subjects;$missing"
verdict "in another order" "$(plan $two $one)" "2 of 2 subjects;$missing"
verdict "of the same" "$(plan $one $two)" "2 of 2 subjects;1 of 1 fit to all;"
foretold "explain of a subject more, and the fit" m2 $fit $one $two $three
foretold "of one less" m3 $fit $two $three
foretold "of another order" m4 $fit $three $two $one
foretold "of another number of maps" m5 $fit -k 3 $one $two $three
foretold "of other penalties" m6 $fit --lambda 0.2 $one $two $three
foretold "of smoothing" m7 $fit --smooth 6 $one $two $three
foretold "of the same" m8 $fit --smooth 6 $one $two $three
foretold "of folds" m9 $fit --cv kfold:3 $one $two $three
verdict "without a cache none is looked at" "$(plan --cache off $one $two)" ""
free() { "$BRAINMINE" dictlearn fit -q -k 3 --min-region 100 -o "$@" $one $two $three; }
for change in "--smooth 6" "--mask none" "--detrend 2" "--standardize psc" "--lambda 0.2" "--reduce 20" \
    "--resample 4"; do
    free on $change
    free off2 --cache off $change
    same_files off2 on
    verdict "$change: the bytes of a fit without a cache" "$(cat differences)" ""
    rm -rf on off2
done

# The grid is made from the first image: where that lies elsewhere, all others are read anew.
mkdir elsewhere
"$tools/change_image" $one elsewhere/sub-01_bold.nii.gz move=1 || echo "not ok move"
lay() { dir=$1; shift; "$BRAINMINE" dictlearn fit -q -k 3 --model pca --mask none --resample 4 -o $dir "$@"; }
lay here $one $two
lay there elsewhere/sub-01_bold.nii.gz $two
lay there-off --cache off elsewhere/sub-01_bold.nii.gz $two
same_files there-off there
verdict "another grid: the bytes of a fit without a cache" "$(cat differences)" ""

slow() { exec "$BRAINMINE" dictlearn fit -q -j 1 -k 2:6 --cv kfold:6 -m p/mask.nii.gz --detrend 0 -o "$1" $all; }
kept() { "$BRAINMINE" cache list | grep -c "$1"; }
before=$(kept dictlearn.fold)
(slow killed) &
pid=$!
for i in $(seq 400); do
    [ "$(kept dictlearn.fold)" -ge $((before + 5)) ] && break
    sleep 0.02
done
kill -KILL $pid
wait $pid 2> /dev/null
verdict "killed, nothing was written" "$(find killed ! -type d)" ""
(slow killed)
(BRAINMINE_CACHE=off; export BRAINMINE_CACHE; slow whole)
verdict "what was done is found" \
    "$([ "$(number killed cache_hits)" -ge 11 ] && [ "$(number killed cache_misses)" -le 55 ] && echo yes)" yes
same_files whole killed
verdict "and the result is that of an undisturbed run" "$(cat differences)" ""

# New subjects.
apply() { # VERB DIR IMAGES...
    verb=$1 dir=$2
    shift 2
    "$BRAINMINE" dictlearn $verb -v --from cold -o "$dir" "$@" 2> said || cat said
}
apply transform t1 more/sub-07_bold.nii.gz
verdict "maps of a new subject" "$(computed)" "dictlearn.maps 1"
apply transform t2 more/sub-07_bold.nii.gz p/sub-01_bold.nii.gz
verdict "a second one is the only one computed" "$(computed)" "dictlearn.maps 1"
apply transform t3 --method dual-regression more/sub-07_bold.nii.gz
verdict "another method" "$(computed)" "dictlearn.maps 1"
apply transform t4 --cache off more/sub-07_bold.nii.gz p/sub-01_bold.nii.gz
apply transform t5 more/sub-07_bold.nii.gz p/sub-01_bold.nii.gz
verdict "all found" "$(computed)" ""
same_files t4 t5
verdict "the same bytes" "$(cat differences)" ""
apply score s1 more/sub-07_bold.nii.gz
verdict "scores" "$(computed)" "dictlearn.score 1"
apply score s2 more/sub-07_bold.nii.gz
apply score s3 --cache off more/sub-07_bold.nii.gz
verdict "scores, found" "$(computed) $(cmp s1 s2) $(cmp s2 s3)" "  "

# Warnings of images that are not read again.
cp p/sub-02_bold.nii.gz odd.nii.gz
printf 'rubbish' >> odd.nii.gz
for turn in 1 2; do
    "$BRAINMINE" dictlearn fit -k 3 -m p/mask.nii.gz -o odd$turn p/sub-01_bold.nii.gz odd.nii.gz 2> err$turn
done
verdict "a warm run warns as a cold one" "$(grep -c 'odd.nii.gz: .*after the gzip stream' err1) \
$(grep -c 'odd.nii.gz: .*after the gzip stream' err2) $(number odd2 cache_misses)" "1 1 0"
verdict "no damage" "$("$BRAINMINE" cache verify -q | wc -l)" 1
