# dictlearn: the files and columns of the contract, the same bytes, plans, summaries, new subjects, refusals.
. "$SRC/tests/cli/dictlearn/functions"
study p --subjects 6
fit() {
    dir=$1
    shift
    "$BRAINMINE" dictlearn fit -q -k 3 --min-region 100 -m p/mask.nii.gz -o "$dir" "$@" \
        p/sub-*_bold.nii.gz 2> err || cat err
}
fit a -j 1
verdict "files" "$(cd a && find . -type f | grep -v subjects | sort | tr '\n' ' ')" "./atlas.nii.gz ./atlas.tsv \
./mask.nii.gz ./model.json ./objective.tsv ./regions.nii.gz ./regions.tsv ./run.json ./scores.tsv "
verdict "files of subjects" "$(ls a/subjects | head -n 4 | tr '\n' ' ') $(ls a/subjects | wc -l)" \
    "sub-01_maps.nii.gz sub-01_timeseries.tsv sub-02_maps.nii.gz sub-02_timeseries.tsv  12"
columns() { head -n 1 "$1" | tr '\t' ' '; }
verdict "atlas.tsv" "$(columns a/atlas.tsv)" "index name peak_x peak_y peak_z volume_mm3 explained_variance"
verdict "names" "$(column a/atlas.tsv name | tr '\n' ' ')" "comp-001 comp-002 comp-003 "
verdict "maps in order of explained variance" "$(column a/atlas.tsv explained_variance | sort -gr -c 2>&1)" ""
verdict "objective.tsv" "$(columns a/objective.tsv)" "iteration objective gap"
verdict "the objective falls" "$(column a/objective.tsv objective | sort -gr -c 2>&1)" ""
verdict "scores.tsv" "$(columns a/scores.tsv)" "fold components lambda mu explained_variance loglik"
verdict "regions.tsv" "$(columns a/regions.tsv)" \
    "index name component peak_x peak_y peak_z centre_x centre_y centre_z volume_mm3 mean"
verdict "a region of each map at least" "$(column a/regions.tsv component | sort -u | wc -l)" 3
verdict "the time courses have 60 rows" "$(sed 1d a/subjects/sub-03_timeseries.tsv | wc -l)" 60
dims() { gzip -dc "$1" | od -An -td2 -j40 -N10 | tr -s ' '; }
verdict "shapes" "$(dims a/atlas.nii.gz)$(dims a/subjects/sub-01_maps.nii.gz)$(dims a/regions.nii.gz)" \
    " 4 26 26 1 3 4 26 26 1 3 3 26 26 1 1"
fit b -j 3 --cache off
same_files a b
verdict "3 threads, no cache: the same bytes" "$(cat differences)" ""
fit c
same_files a c
verdict "with the cache warm: the same bytes" "$(cat differences)" ""
fit tv --model msdl-tv
verdict "msdl-tv" "$(column tv/atlas.tsv name | wc -l)" 3
fit choice -k 2,3 --cv kfold:3
verdict "folds, mean and sd for each k" "$(column choice/scores.tsv fold | tr '\n' ' ')" \
    "0 1 2 mean sd 0 1 2 mean sd train "
verdict "the right number of maps is chosen" "$(column choice/atlas.tsv name | wc -l)" 3
fit again --init a/atlas.nii.gz
"$tools/atlas_score" again/atlas.nii.gz a/atlas.nii.gz p/mask.nii.gz > score
verdict "from its own maps it stays there" "$(awk -v r="$(column score least)" 'BEGIN { print (r > .999) }')" 1

"$BRAINMINE" dictlearn fit -k 3 --json -m p/mask.nii.gz -o j p/sub-*_bold.nii.gz > out 2> err
verdict "--json" "$(grep -c '"command":.*"dictlearn fit"' out) $(grep -c '"explained_variance":' out) \
$(grep -c '"converged":.*true' out)" "1 1 1"
"$BRAINMINE" dictlearn fit -n -k 3 -m p/mask.nii.gz -o dry p/sub-*_bold.nii.gz > out 2> err
verdict "a dry run prints the plan" "$? $(ls -d dry 2> /dev/null) $(head -n 1 out)" \
    "0  read 360 volumes of 6 subjects, 676 voxels"

study new --subjects 2 --seed 7
try "transform" 0 '' dictlearn transform -q --from a -o t new/sub-*_bold.nii.gz
verdict "files of transform" "$(cd t && find . -type f | sort | tr '\n' ' ')" "./model.json ./run.json \
./subjects/sub-01_maps.nii.gz ./subjects/sub-01_timeseries.tsv ./subjects/sub-02_maps.nii.gz \
./subjects/sub-02_timeseries.tsv "
"$BRAINMINE" dictlearn transform -q --from "$PWD/a/" -o t_again new/sub-*_bold.nii.gz
verdict "where the model lies changes nothing" \
    "$(cd t && find . -type f ! -name run.json -exec cmp {} ../t_again/{} \; 2>&1)" ""
try "dual regression" 0 '' dictlearn transform -q --method dual-regression --from a -o d new/sub-*_bold.nii.gz
recovery() { # FIT: mean correlation of the two new subjects' maps with the true ones
    "$tools/atlas_score" a/atlas.nii.gz new/truth_atlas.nii.gz new/mask.nii.gz \
        "$1/subjects/sub-01_maps.nii.gz" new/truth/sub-01_maps.nii.gz \
        "$1/subjects/sub-02_maps.nii.gz" new/truth/sub-02_maps.nii.gz > score
    column score subjects
}
verdict "maps of new subjects are better than dual regression's" \
    "$(awk -v a="$(recovery t)" -v b="$(recovery d)" 'BEGIN { print (a > b + .1 && a > .8) }')" 1
try "transform of a training subject" 0 '' dictlearn transform -q --from a -o u p/sub-01_bold.nii.gz
if close u/subjects/sub-01_maps.nii.gz a/subjects/sub-01_maps.nii.gz .05; then echo "ok it gives the maps of the fit"
else echo "not ok it gives the maps of the fit: $("$tools/compare_images" u/subjects/sub-01_maps.nii.gz \
    a/subjects/sub-01_maps.nii.gz)"; fi
try "score" 0 '' dictlearn score --from a new/sub-*_bold.nii.gz
verdict "table of score" "$(head -n 1 out | tr '\t' ' '): $(sed 1d out | cut -f 1,2 | tr '\t\n' '  ')" \
    "subject component explained_variance loglik: sub-01 all sub-01 comp-001 sub-01 comp-002 sub-01 comp-003 \
sub-02 all sub-02 comp-001 sub-02 comp-002 sub-02 comp-003 "
try "score --json" 0 '' dictlearn score --json --from a new/sub-*_bold.nii.gz
verdict "its scores" "$(grep -c '"loglik":' out) $(grep -c '"explained_variance":' out)" "1 1"
"$BRAINMINE" dictlearn fit -k 3 --mu 0.1 -m p/mask.nii.gz -o low p/sub-*_bold.nii.gz 2> err
verdict "a low mu is warned of" "$? $(grep -c 'mu is 0.1, less than half' err)" "0 1"
"$BRAINMINE" simulate rest -q -o noisy --preset plane50 --subjects 2
try "two noisy subjects: the penalty that is chosen leaves maps" 0 '' dictlearn fit -q -k 3 -m noisy/mask.nii.gz \
    -o weak noisy/sub-01_bold.nii.gz noisy/sub-02_bold.nii.gz
verdict "3 of them" "$(column weak/atlas.tsv name | wc -l)" 3
printf 'subject\timage\tvolumes\nA\tp/sub-01_bold.nii.gz\t0:4\nB\tp/sub-02_bold.nii.gz\t\n' > short.tsv
sed 's/\t$/\t0:60/' short.tsv > uneven.tsv
try "a subject with fewer directions than maps" 0 '' dictlearn fit -q -k 3 -m p/mask.nii.gz -o uneven \
    --subjects uneven.tsv
fit ica --model canica
try "canica: dual regression by default" 0 '' dictlearn transform -q --from ica -o ti new/sub-01_bold.nii.gz
refused "canica has no map method" 2 '*--method map needs*' \
    dictlearn transform --method map --from ica new/sub-01_bold.nii.gz

base="dictlearn fit -m p/mask.nii.gz"
images="p/sub-01_bold.nii.gz p/sub-02_bold.nii.gz"
for option in k=0 k=1.5 k=x lambda=-1 lambda=x mu=0 l1-ratio=2 reduce=0 reduce=x cv=no min-region=-1 model=kmeans; do
    refused "--$option" 2 'brainmine dictlearn: *' $base "--$option" $images
done
refused "fewer rows than maps" 2 '*--reduce 4 keeps fewer rows*' $base -k 6 --reduce 4 $images
refused "lambda with canica" 2 '*--lambda does not apply to --model canica' $base --model canica --lambda 1 $images
refused "more maps than directions" 3 '*200 maps asked for, the data have*' $base -k 200 --reduce none $images
refused "first maps of another number" 3 '*3 maps, --components 2' $base -k 2 --init a/atlas.nii.gz $images
refused "one subject cannot be left out" 3 '*needs 2 of them*' $base -k 2,3 p/sub-01_bold.nii.gz
refused "3D images are not subjects" 3 '*1 volume, at least 3 are needed*' $base -k 2 p/mask.nii.gz p/sub-01_bold.nii.gz
refused "everything penalised away" 3 '*every map ended at 0*' $base -k 2 --lambda 1000 $images
printf 'subject\timage\ns\tp/sub-01_bold.nii.gz\ns\tp/sub-02_bold.nii.gz\n' > runs.tsv
memory() { "$BRAINMINE" $base -k 2 -n -o dry "$@" | grep '^memory'; }
one=$(memory p/sub-01_bold.nii.gz) both=$(memory --subjects runs.tsv)
verdict "two runs of a subject need more memory than one" "$([ "$one" = "$both" ] && echo "$one")" ""
try "a mu beyond sense: still maps" 0 '*' $base -k 2 --mu 1e9 -o held $images
verdict "of both" "$(sed 1d held/atlas.tsv | wc -l)" 2
try "a low mu does not fail under --strict" 0 '*' $base -k 2 --mu 1e-3 --lambda 1 --strict -o loose $images
verdict "and is said" "$(grep -c 'mu is 0.001, less than half' err)" 1
refused "too little memory" 1 'brainmine dictlearn: *' $base -k 3 --memory 200K $images
try "score: two subjects of one name" 3 '*two inputs are called "sub-01"*' dictlearn score --from a \
    p/sub-01_bold.nii.gz p/sub-01_bold.nii.gz
try "transform without a model" 2 '*--from is needed*' dictlearn transform -o none $images
sed 's/"energy":.*/"energy": 0,/' a/model.json > broken
cp -r a bad
cp broken bad/model.json
try "a model that is damaged" 3 '*field "energy" is missing or not*' dictlearn score --from bad $images
